"""Who acted for whom, on which visit and about which time of data; refusals that stand against every consent."""

import sqlalchemy as sa
from alembic import op

from consent.db import create_guards

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

OF_A_RECORD = (
    *(("capacity", sa.Text()), ("guardianship_id", sa.Uuid())),
    *(("co_actor_id", sa.Uuid()), ("co_capacity", sa.Text()), ("co_signed_at", sa.DateTime(timezone=True))),
    *(("visit_id", sa.Uuid()), ("data_from", sa.Date()), ("data_until", sa.Date())),
    *(("evidence", sa.Text()), ("values_mac", sa.Text())),
    *(("xb_country", sa.Text()), ("xb_safeguard", sa.Text()), ("proofing_at", sa.DateTime(timezone=True))),
)


def upgrade() -> None:
    """Expand: nullable columns and two tables; yesterday's code knows of none and needs none."""
    for name, kind in OF_A_RECORD:
        op.add_column("consent_record", sa.Column(name, kind, nullable=True))
    op.add_column("consent_refusal", sa.Column("capacity", sa.Text(), nullable=True))
    op.add_column("consent_refusal", sa.Column("guardianship_id", sa.Uuid(), nullable=True))
    op.create_table(
        "consent_objection",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "subject_id", "actor_id")),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("hcode", "unit_mark", "person")),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        *(sa.Column(name, sa.Date(), nullable=True) for name in ("data_from", "data_until")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("topics", "purposes")),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("past", "future")),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("aal", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "level IN ('person', 'unit', 'facility', 'visit', 'period', 'topic')", name="ck_consent_objection_level"
        ),
        sa.CheckConstraint("past OR future", name="ck_consent_objection_reach"),
        sa.PrimaryKeyConstraint("id", name="pk_consent_objection"),
    )
    op.create_index("ix_consent_objection_subject_id", "consent_objection", ["subject_id"], unique=False)
    op.create_table(
        "consent_objection_lift",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("objection_id", "actor_id")),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("objection_id", name="pk_consent_objection_lift"),
    )
    create_guards(op.get_bind(), ["consent_objection", "consent_objection_lift"])

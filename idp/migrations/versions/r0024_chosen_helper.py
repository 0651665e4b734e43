"""An adult's chosen helper."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ACTS = "act IN ('recovery', 'expired_card', 'bedside', 'guardianship', 'first_way', 'helper')"
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand: two nullable columns, a table, one word more for the second signature; yesterday's code writes none."""
    for column in ("may", "purposes"):
        op.add_column("guardianship", sa.Column(column, sa.Text(), nullable=True))
    with op.batch_alter_table("countersign") as table:
        table.drop_constraint("ck_countersign_act", type_="check")
        table.create_check_constraint("ck_countersign_act", ACTS)
    op.create_table(
        "helper_invitation",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "ward_id")),
        sa.Column("guardian_id", sa.Uuid(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("code_hash", "may", "kinds")),
        sa.Column("days", sa.Integer(), nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("made_at", "expires_at")),
        *(sa.Column(name, INSTANT, nullable=True) for name in ("accepted_at", "settled_at")),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('begun', 'declined', 'refused', 'called_back', 'replaced')",
            name="ck_helper_invitation_outcome",
        ),
        sa.CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="ck_helper_invitation_settled"),
        sa.CheckConstraint("accepted_at IS NULL OR guardian_id IS NOT NULL", name="ck_helper_invitation_accepted"),
        sa.CheckConstraint("ward_id <> guardian_id", name="ck_helper_invitation_two_people"),
        sa.PrimaryKeyConstraint("id", name="pk_helper_invitation"),
        sa.UniqueConstraint("code_hash", name="uq_helper_invitation_code_hash"),
    )
    op.create_index(
        "uq_helper_invitation_open",
        "helper_invitation",
        ["ward_id"],
        unique=True,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    for column in ("guardian_id", "expires_at"):
        op.create_index(f"ix_helper_invitation_{column}", "helper_invitation", [column], unique=False)

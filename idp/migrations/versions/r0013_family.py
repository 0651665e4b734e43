"""Who acts for whom, consents that wait for a second signature, and the grants of those who act for another."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ACTS = "act IN ('recovery', 'expired_card', 'bedside', 'guardianship')"
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    _guardianships()
    _proposals()
    op.add_column("oauth_grant", sa.Column("guardianship_id", sa.Uuid(), nullable=True))
    op.create_index("ix_oauth_grant_guardianship_id", "oauth_grant", ["guardianship_id"], unique=False)
    op.add_column("interaction", sa.Column("acting_for", sa.Uuid(), nullable=True))
    op.add_column("interaction", sa.Column("chosen_at", INSTANT, nullable=True))
    with op.batch_alter_table("countersign") as table:
        table.drop_constraint("ck_countersign_act", type_="check")
        table.create_check_constraint("ck_countersign_act", ACTS)


def _guardianships() -> None:
    op.create_table(
        "guardianship",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "ward_id", "guardian_id")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "needed", "evidence")),
        sa.Column("reference", sa.LargeBinary(), nullable=True),
        sa.Column("evidence_sha256", sa.Text(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("hcode", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("given_by", "second_by")),
        sa.Column("drawn_up_at", INSTANT, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=True),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("ends_by", sa.Text(), nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('parent', 'guardian', 'curator', 'helper')", name="ck_guardianship_kind"),
        sa.CheckConstraint("needed IN ('self_alone', 'guardian_alone', 'both')", name="ck_guardianship_needed"),
        sa.CheckConstraint(
            "evidence IN ('house_register', 'birth_certificate', 'court_order', 'own_choice')",
            name="ck_guardianship_evidence",
        ),
        sa.CheckConstraint("ward_id <> guardian_id", name="ck_guardianship_two_people"),
        sa.CheckConstraint("second_by <> given_by", name="ck_guardianship_two_officers"),
        sa.CheckConstraint("ends_at > drawn_up_at", name="ck_guardianship_order"),
        sa.CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ck_guardianship_ended"),
        sa.PrimaryKeyConstraint("id", name="pk_guardianship"),
    )
    for column in ("ward_id", "guardian_id", "ends_at"):
        op.create_index(f"ix_guardianship_{column}", "guardianship", [column], unique=False)


def _proposals() -> None:
    op.create_table(
        "consent_proposal",
        *(sa.Column(name, sa.Uuid(), nullable=False) for name in ("id", "ward_id", "signed_by")),
        sa.Column("capacity", sa.Text(), nullable=False),
        sa.Column("guardianship_id", sa.Uuid(), nullable=True),
        sa.Column("recipient_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("holder", "purpose", "client_id", "scopes")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("categories", "basis", "notice_sha256", "more")),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("notice_version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("locale", "aal", "ial")),
        sa.Column("lives_for_s", sa.Integer(), nullable=True),
        sa.Column("proposed_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "outcome IS NULL OR outcome IN ('signed', 'refused', 'taken_back', 'replaced', 'outdated')",
            name="ck_consent_proposal_outcome",
        ),
        sa.CheckConstraint("(settled_at IS NULL) = (outcome IS NULL)", name="ck_consent_proposal_settled"),
        sa.PrimaryKeyConstraint("id", name="pk_consent_proposal"),
    )
    op.create_index(
        "uq_consent_proposal_open",
        "consent_proposal",
        ["ward_id", "recipient_id", "holder", "purpose"],
        unique=True,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    for column in ("ward_id", "expires_at"):
        op.create_index(f"ix_consent_proposal_{column}", "consent_proposal", [column], unique=False)

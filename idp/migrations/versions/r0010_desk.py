"""Enrolment at a counter, four eyes, card agents, hand-over to a phone."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""
    op.add_column("card_reading", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
    _agents()
    _cases()
    _countersigns()
    _papers()


def _agents() -> None:
    op.create_table(
        "card_agent",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("hcode", "label", "kid", "public_jwk")),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hcode"], ["facility.hcode"], name="fk_card_agent_hcode"),
        sa.PrimaryKeyConstraint("id", name="pk_card_agent"),
        sa.UniqueConstraint("kid", name="uq_card_agent_kid"),
    )
    op.create_index("ix_card_agent_hcode", "card_agent", ["hcode"], unique=False)
    op.create_table(
        "card_ask",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("nonce_hash", "session_hash", "hcode")),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("nonce_hash", name="pk_card_ask"),
    )
    op.create_index("ix_card_ask_expires_at", "card_ask", ["expires_at"], unique=False)


def _cases() -> None:
    op.create_table(
        "desk_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("paper", "session_hash")),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("hcode", sa.Text(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("chip", "face", "reach", "passkey", "ial")),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "paper IN ('card', 'foreign_card', 'hospital_file', 'passport', 'hospital_number')",
            name="ck_desk_case_paper",
        ),
        sa.CheckConstraint(
            "chip IN ('', 'good', 'mismatch', 'incomplete', 'unavailable', 'not_asked', 'read_by_eye')",
            name="ck_desk_case_chip",
        ),
        sa.CheckConstraint("face IN ('', 'match', 'no_match', 'colleague')", name="ck_desk_case_face"),
        sa.CheckConstraint("reach IN ('', 'proved', 'kept', 'none', 'waiting')", name="ck_desk_case_reach"),
        sa.CheckConstraint("passkey IN ('', 'added', 'later', 'waiting')", name="ck_desk_case_passkey"),
        sa.CheckConstraint("expires_at > opened_at", name="ck_desk_case_order"),
        sa.PrimaryKeyConstraint("id", name="pk_desk_case"),
    )
    op.create_index("ix_desk_case_expires_at", "desk_case", ["expires_at"], unique=False)
    op.create_table(
        "desk_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("tries_left >= 0", name="ck_desk_code_tries"),
        sa.PrimaryKeyConstraint("id", name="pk_desk_code"),
    )
    op.create_index("ix_desk_code_case_id", "desk_code", ["case_id"], unique=False)


def _countersigns() -> None:
    op.create_table(
        "countersign",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("hcode", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("act IN ('recovery', 'expired_card', 'bedside')", name="ck_countersign_act"),
        sa.CheckConstraint("(signed_by IS NULL) = (signed_at IS NULL)", name="ck_countersign_signed"),
        sa.CheckConstraint("signed_by <> asked_by", name="ck_countersign_two_people"),
        sa.PrimaryKeyConstraint("id", name="pk_countersign"),
    )
    op.create_index("ix_countersign_case_id", "countersign", ["case_id"], unique=False)
    op.create_table(
        "handover",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("hcode", sa.Text(), nullable=False),
        sa.Column("digits", sa.Text(), nullable=False),
        sa.Column("browser_hash", sa.Text(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.DateTime(timezone=True), nullable=True)
            for name in ("taken_at", "confirmed_at", "used_at", "ended_at")
        ),
        sa.CheckConstraint("(taken_at IS NULL) = (browser_hash IS NULL)", name="ck_handover_taken"),
        sa.CheckConstraint("confirmed_at IS NULL OR taken_at IS NOT NULL", name="ck_handover_confirmed"),
        sa.CheckConstraint("used_at IS NULL OR confirmed_at IS NOT NULL", name="ck_handover_used"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_handover"),
    )
    op.create_index("ix_handover_case_id", "handover", ["case_id"], unique=False)
    op.create_index("ix_handover_expires_at", "handover", ["expires_at"], unique=False)


def _papers() -> None:
    op.create_table(
        "identity_paper",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "fingerprint", "key_id")),
        sa.Column("number", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('passport', 'hospital_number')", name="ck_identity_paper_kind"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_identity_paper_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_identity_paper"),
        sa.UniqueConstraint("fingerprint", name="uq_identity_paper_fingerprint"),
    )
    op.create_index("ix_identity_paper_subject_id", "identity_paper", ["subject_id"], unique=False)

"""Recovery codes, security keys with attestation, sealed names of passkeys, guesses at sign-in without SMS."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: three tables and two columns; yesterday's code writes neither and reads names where it wrote them."""
    op.add_column("passkey", sa.Column("sealed_name", sa.LargeBinary(), nullable=True))
    op.add_column("passkey", sa.Column("attested", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "recovery_set",
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("lockouts", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject_id", name="pk_recovery_set"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_subject_id", "recovery_code", ["subject_id"], unique=False)
    op.create_table(
        "other_way_ledger",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("lockouts", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("guessed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_other_way_ledger"),
    )
    op.create_index("ix_other_way_ledger_guessed_at", "other_way_ledger", ["guessed_at"], unique=False)

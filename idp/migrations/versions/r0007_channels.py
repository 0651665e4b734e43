"""Letters by e-mail and LINE, receipts of delivery, what is spent on messages."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KINDS = "kind IN ('sms', 'mail', 'line', 'set')"


def upgrade() -> None:
    """Expand: two more kinds of letter, two tables, one column with a default; yesterday's code needs none of them."""
    with op.batch_alter_table("letter") as letter:
        letter.drop_constraint("ck_letter_kind", type_="check")
        letter.create_check_constraint("ck_letter_kind", KINDS)
    op.add_column("sandbox_message", sa.Column("kind", sa.Text(), server_default="sms", nullable=False))
    op.create_table(
        "message_day",
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("spent", sa.Integer(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("spent >= 0", name="ck_message_day_spent"),
        sa.PrimaryKeyConstraint("day", name="pk_message_day"),
    )
    op.create_table(
        "message_passage",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("receipt_code", sa.Text(), nullable=True),
        sa.Column("receipt_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("receipt IN ('delivered', 'failed')", name="ck_message_passage_receipt"),
        sa.CheckConstraint("(receipt IS NULL) = (receipt_at IS NULL)", name="ck_message_passage_received"),
        sa.PrimaryKeyConstraint("key", "gateway", name="pk_message_passage"),
    )
    op.create_index("ix_message_passage_began_at", "message_passage", ["began_at"], unique=False)

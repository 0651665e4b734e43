"""Notices to people, disowning, known devices, shared devices, recovery with a waiting time."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand: four tables and one column with a default; yesterday's code knows of none and needs none."""
    shared: sa.Column[bool] = sa.Column("shared", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("sign_in_session", shared)
    op.create_table(
        "notice_to_person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disowned_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_notice_to_person_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notice_to_person"),
        sa.UniqueConstraint("code_hash", name="uq_notice_to_person_code_hash"),
    )
    op.create_index("ix_notice_to_person_subject_id", "notice_to_person", ["subject_id"], unique=False)
    op.create_index("ix_notice_to_person_expires_at", "notice_to_person", ["expires_at"], unique=False)
    op.create_table(
        "account_hold",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("sms_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adding_since", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_account_hold_subject_id"),
        sa.PrimaryKeyConstraint("subject_id", name="pk_account_hold"),
    )
    op.create_table(
        "known_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("aal", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_known_device_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_known_device"),
        sa.UniqueConstraint("mark", name="uq_known_device_mark"),
    )
    op.create_index("ix_known_device_subject_id", "known_device", ["subject_id"], unique=False)
    op.create_table(
        "recovery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=True),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("new_phone", sa.LargeBinary(), nullable=True),
        sa.Column("code_hash", sa.Text(), nullable=True),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("code_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shown", sa.Text(), nullable=True),
        sa.Column("hcode", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("second_by", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("takes_effect_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("way IN ('factor', 'counter')", name="ck_recovery_way"),
        sa.CheckConstraint("state IN ('proving', 'waiting', 'done', 'cancelled')", name="ck_recovery_state"),
        sa.CheckConstraint("tries_left >= 0", name="ck_recovery_tries"),
        sa.CheckConstraint("(way = 'counter') = (second_by IS NOT NULL)", name="ck_recovery_two_staff"),
        sa.CheckConstraint("second_by IS NULL OR second_by <> approved_by", name="ck_recovery_not_alone"),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name="fk_recovery_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_recovery"),
    )
    op.create_index(
        "uq_recovery_open",
        "recovery",
        ["subject_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('proving', 'waiting')"),
        postgresql_where=sa.text("state IN ('proving', 'waiting')"),
    )

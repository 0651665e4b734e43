"""Rights: cases with clocks, breaches, who was erased; data protection officers and heads of facilities."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Expand."""
    with op.batch_alter_table("staff_assignment") as table:
        table.drop_constraint("ck_staff_assignment_role", type_="check")
        table.create_check_constraint(
            "ck_staff_assignment_role",
            "role IN ('auditor', 'administrator', 'clerk', 'practitioner', 'dpo', 'head')",
        )
    op.add_column("subject", sa.Column("closed_at", WHEN, nullable=True))
    _cases()
    _breaches()
    op.create_table(
        "erased",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", WHEN, nullable=False),
        sa.Column("again", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name="pk_erased"),
    )


def _cases() -> None:
    op.create_table(
        "rights_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in ("about_entry", "about_record", "about_emergency")),
        sa.Column("words", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", WHEN, nullable=False),
        sa.Column("due_at", WHEN, nullable=False),
        sa.Column("extended_at", WHEN, nullable=True),
        sa.Column("extension_reason", sa.Text(), nullable=True),
        sa.Column("held_at", WHEN, nullable=True),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("refusal", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('access', 'portability', 'objection', 'erasure', 'restriction', 'rectification', 'complaint', "
            "'not_right', 'emergency')",
            name="ck_rights_case_kind",
        ),
        sa.CheckConstraint("state IN ('open', 'done', 'refused', 'taken_back')", name="ck_rights_case_state"),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="ck_rights_case_closed"),
        sa.CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="ck_rights_case_refusal"),
        sa.CheckConstraint("due_at > opened_at", name="ck_rights_case_order"),
        sa.PrimaryKeyConstraint("id", name="pk_rights_case"),
    )
    op.create_index("ix_rights_case_subject_id", "rights_case", ["subject_id"], unique=False)
    op.create_index("ix_rights_case_state_due_at", "rights_case", ["state", "due_at"], unique=False)


def _breaches() -> None:
    op.create_table(
        "breach_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("nature", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("known_at", WHEN, nullable=False),
        sa.Column("opened_at", WHEN, nullable=False),
        sa.Column("risk", sa.Text(), nullable=True),
        sa.Column("affected", sa.Integer(), nullable=True),
        sa.Column("assessment", sa.LargeBinary(), nullable=True),
        sa.Column("weighed_at", WHEN, nullable=True),
        sa.Column("reported_at", WHEN, nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("late_reasons", sa.LargeBinary(), nullable=True),
        sa.Column("explained_at", WHEN, nullable=True),
        sa.Column("told_at", WHEN, nullable=True),
        sa.Column("told", sa.Integer(), nullable=True),
        sa.Column("closed_at", WHEN, nullable=True),
        sa.CheckConstraint("nature IN ('confidentiality', 'integrity', 'availability')", name="ck_breach_case_nature"),
        sa.CheckConstraint("risk IN ('none', 'risk', 'high')", name="ck_breach_case_risk"),
        sa.CheckConstraint("(risk IS NULL) = (weighed_at IS NULL)", name="ck_breach_case_weighed"),
        sa.CheckConstraint("affected IS NULL OR affected >= 0", name="ck_breach_case_affected"),
        sa.PrimaryKeyConstraint("id", name="pk_breach_case"),
    )

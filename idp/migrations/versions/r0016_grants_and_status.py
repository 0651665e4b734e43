"""Places of grants in status lists, grants that their clients manage, details of what was granted."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

USES = "use IN ('id_token', 'access_token', 'status_list', 'event', 'receipt', 'log')"
ENDED = sa.text("ended_at IS NOT NULL")


def upgrade() -> None:
    """Expand: one more use of a key, nullable columns, one table."""
    with op.batch_alter_table("signing_key") as keys:
        keys.drop_constraint("ck_signing_key_use", type_="check")
        keys.create_check_constraint("ck_signing_key_use", USES)
    for name, kind in (
        ("status_list", sa.Integer()),
        ("status_idx", sa.Integer()),
        ("managed", sa.Boolean()),
        ("details", sa.LargeBinary()),
        ("updated_at", sa.DateTime(timezone=True)),
        ("ended_over", sa.Uuid()),
    ):
        op.add_column("oauth_grant", sa.Column(name, kind, nullable=True))
    op.create_index("uq_oauth_grant_status_place", "oauth_grant", ["status_list", "status_idx"], unique=True)
    op.create_index(
        "ix_oauth_grant_status_ended",
        "oauth_grant",
        ["status_list", "ended_at"],
        unique=False,
        sqlite_where=ENDED,
        postgresql_where=ENDED,
    )
    op.create_table(
        "detail_use",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("record_id", "tag", "n", name="pk_detail_use"),
    )

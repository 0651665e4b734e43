"""Letters by e-mail and LINE, receipts of delivery, what is spent on messages."""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""

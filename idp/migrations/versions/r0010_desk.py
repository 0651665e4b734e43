"""Enrolment at a counter, four eyes, card agents, hand-over to a phone."""

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""

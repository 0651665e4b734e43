"""Recovery codes, security keys with attestation, sealed names of passkeys."""

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand."""

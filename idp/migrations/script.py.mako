"""${message}."""

import sqlalchemy as sa
from alembic import op

from consent.db import create_guards

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand; batch mode drops triggers, so the guards of every rebuilt table are created again at the end."""
    ${upgrades if upgrades else "pass"}

"""Alembic's entry: runs the revisions on the connection that `upgrade` (or a developer's autogenerate) hands in."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from consent.db import PersonalText, PlainText, SealedBytes, UtcDateTime
from idp.migrations.models import metadata

FROZEN = {PlainText: "sa.Text()", PersonalText: "sa.Text()", SealedBytes: "sa.LargeBinary()"}


def render_item(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    """Revisions name plain types: they must run long after our own column kinds have changed."""
    if kind != "type":
        return False
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return FROZEN.get(type(item), False)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata(),
    render_as_batch=True,
    render_item=render_item,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

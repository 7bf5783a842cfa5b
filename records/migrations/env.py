"""How Alembic runs here: always on the connection, and inside the transaction, that `Database` hands over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel.sql.sqltypes import AutoString

from records.sealed import Sealed, SealedBytes
from records.tables import Record
from records.types import EnumText, UTCDateTime


def _render(kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    # Migrations must not change when the code's own column types do.
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, EnumText):
        return "sa.String(length=40)"
    if kind == "type" and isinstance(item, Sealed):
        return "sa.Text()"
    if kind == "type" and isinstance(item, SealedBytes):
        return "sa.LargeBinary()"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    return False


connection = context.config.attributes.get("connection")
if connection is None:
    raise SystemExit("migrations run by `starter.py database migrate`")
context.configure(
    connection=connection,
    target_metadata=Record.metadata,
    render_as_batch=True,
    render_item=_render,
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

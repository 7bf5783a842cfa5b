"""WhatsApp's messages are kept by one-way names, and no delivery about others under one person's key

Meta's id of a message is the person's number in base64. Of deliveries that told of several things the body is emptied,
as for several people: it may hold the words of somebody whom nobody knows here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

from records import person_keys

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_PAGE = 1000
_META = "meta:"
_NAME = re.compile(r"wa\.[0-9a-f]{40}")
_ONE_WAY = ("all:", "sha256:")
"""How keys begin that were made of several ids, or of a body."""


def upgrade() -> None:
    connection = op.get_bind()
    for table in ("contact", "inbound_message", "attachment"):
        _change(connection, table, "provider_message_id", lambda row: _name(row.provider_message_id), of_meta=True)
    _change(connection, "webhook", "event_key", lambda row: _key(row.event_key), of_meta=True)
    for table, column in (
        ("agreement", "evidence_message_id"),
        ("agreement", "move_message_id"),
        ("agreement_evidence", "message_id"),
    ):
        _change(connection, table, column, lambda row, column=column: _named(getattr(row, column)))  # type: ignore[misc]
    _rename_in_signals(connection)
    _empty_those_about_others(connection)


def downgrade() -> None:
    """The names stay, for they do not lead back: whoever goes back to the build before restores its backup."""


def _name(message_id: str) -> str:
    if _NAME.fullmatch(message_id):
        return message_id
    return f"wa.{hashlib.sha256(message_id.encode()).hexdigest()[:40]}"


def _named(reference: str) -> str:
    return _META + _name(reference.removeprefix(_META)) if reference.startswith(_META) else reference


def _key(event_key: str) -> str:
    """A status's key is its message's id and its state; a delivery that comes again is a duplicate as before."""
    if event_key.startswith(_ONE_WAY):
        return event_key
    message_id, colon, state = event_key.partition(":")
    return f"{_name(message_id)}{colon}{state}"


def _change(
    connection: sa.Connection, table: str, column: str, changed: Callable[[Any], str], *, of_meta: bool = False
) -> None:
    rows = sa.table(table, sa.column("id"), sa.column("provider"), sa.column(column))
    kept = rows.c[column]
    wanted = sa.select(rows.c.id, kept).where(kept.is_not(None))
    wanted = wanted.where(rows.c.provider == "meta") if of_meta else wanted.where(kept.startswith(_META))
    change = sa.update(rows).where(rows.c.id == sa.bindparam("row")).values({column: sa.bindparam("changed")})
    last = 0
    while page := connection.execute(wanted.where(rows.c.id > last).order_by(rows.c.id).limit(_PAGE)).all():
        connection.execute(change, [{"row": row.id, "changed": changed(row)} for row in page])
        last = page[-1].id


def _rename_in_signals(connection: sa.Connection) -> None:
    """Loans that are still to hear of a message hear of it by its name."""
    webhook = sa.table(
        "webhook", sa.column("id"), sa.column("provider"), sa.column("relayed_at"), sa.column("signals", sa.JSON())
    )
    owing = sa.select(webhook.c.id, webhook.c.signals).where(
        webhook.c.provider == "meta", webhook.c.relayed_at.is_(None)
    )
    last = 0
    while page := connection.execute(owing.where(webhook.c.id > last).order_by(webhook.c.id).limit(_PAGE)).all():
        for row in page:
            told = [_renamed(signal) for signal in row.signals]
            if told != row.signals:
                connection.execute(sa.update(webhook).where(webhook.c.id == row.id).values(signals=told))
        last = page[-1].id


def _renamed(signal: dict[str, Any]) -> dict[str, Any]:
    payload = signal.get("payload", {})
    if "message_id" not in payload:
        return signal
    return {**signal, "payload": {**payload, "message_id": _named(payload["message_id"])}}


def _empty_those_about_others(connection: sa.Connection) -> None:
    webhook = sa.table(
        "webhook", sa.column("id"), sa.column("person_ref"), sa.column("outcome"), sa.column("body", sa.LargeBinary())
    )
    several = (webhook.c.person_ref.is_not(None), webhook.c.outcome.contains(", "))
    if connection.execute(sa.select(webhook.c.id).where(*several).limit(1)).first() is None:
        return
    keys = person_keys.of_dialect(connection.dialect)
    nothing = keys.seal(keys.named("webhooks-before"), "webhook.body", b"")
    connection.execute(sa.update(webhook).where(*several).values(person_ref=None, body=nothing))

"""The audit trail is a hash chain with a head; rows that are there already are chained as they stand"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PAGE = 5_000
_AUDIT = sa.table(
    "audit",
    sa.column("id", sa.Integer),
    sa.column("at", sa.DateTime(timezone=True)),
    sa.column("actor", sa.String),
    sa.column("action", sa.String),
    sa.column("lender", sa.String),
    sa.column("loan_id", sa.String),
    sa.column("details", sa.JSON),
    sa.column("hash", sa.String),
)


def upgrade() -> None:
    _triggers_off()
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.add_column("audit", sa.Column("hash", sa.String(length=64), nullable=True))
    op.bulk_insert(head, [{"id": 1, **_chain()}])
    with op.batch_alter_table("audit") as batch_op:
        batch_op.alter_column("hash", existing_type=sa.String(length=64), nullable=False)
    _triggers_on()


def downgrade() -> None:
    _triggers_off(head=True)
    with op.batch_alter_table("audit") as batch_op:
        batch_op.drop_column("hash")
    op.drop_table("audit_head")
    _triggers_on(head=False)


def _chain() -> dict[str, Any]:
    """Give every row its hash, in the order of their ids; returns the head."""
    database = op.get_bind()
    previous, rows, last = "0" * 64, 0, 0
    low: int | None = None
    while True:
        page = sa.select(_AUDIT).order_by(_AUDIT.c.id).limit(_PAGE)
        found = database.execute(page if low is None else page.where(_AUDIT.c.id > low)).mappings().all()
        if not found:
            return {"rows": rows, "last_id": last, "hash": previous}
        hashes = []
        for row in found:
            previous = _hash(previous, row)
            hashes.append({"row": row["id"], "value": previous})
        database.execute(
            sa.update(_AUDIT).where(_AUDIT.c.id == sa.bindparam("row")).values(hash=sa.bindparam("value")), hashes
        )
        rows, last, low = rows + len(found), found[-1]["id"], found[-1]["id"]


def _hash(previous: str, row: Any) -> str:
    at: datetime = row["at"]
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    content = [
        previous,
        row["id"],
        at.isoformat(timespec="microseconds"),
        row["actor"],
        row["action"],
        row["lender"],
        row["loan_id"],
        row["details"],
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _triggers_off(*, head: bool = False) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(f"DROP TRIGGER audit_refuses_{change}")
            if head:
                op.execute(f"DROP TRIGGER audit_head_refuses_{change}")
        return
    op.execute("DROP TRIGGER audit_refuses_change ON audit")
    if head:
        op.execute("DROP TRIGGER audit_head_refuses_change ON audit_head")
        op.execute("DROP TRIGGER audit_head_refuses_truncate ON audit_head")
        op.execute("DROP FUNCTION audit_head_refuses_change()")


def _triggers_on(*, head: bool = True) -> None:
    if op.get_bind().dialect.name == "sqlite":
        # Rebuilding the table took its triggers with it.
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
            )
        if head:
            op.execute(
                "CREATE TRIGGER audit_head_refuses_update BEFORE UPDATE ON audit_head "
                "WHEN NEW.id <> OLD.id OR NEW.rows <= OLD.rows OR NEW.last_id <= OLD.last_id "
                "BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END"
            )
            op.execute(
                "CREATE TRIGGER audit_head_refuses_delete BEFORE DELETE ON audit_head "
                "BEGIN SELECT RAISE(ABORT, 'the audit trail only grows'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses_change()"
    )
    if head:
        op.execute(
            "CREATE FUNCTION audit_head_refuses_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF TG_OP <> 'UPDATE' THEN RAISE EXCEPTION 'the audit trail only grows'; END IF; "
            "IF NEW.id <> OLD.id OR NEW.rows <= OLD.rows OR NEW.last_id <= OLD.last_id THEN "
            "RAISE EXCEPTION 'the audit trail only grows'; END IF; RETURN NEW; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_head_refuses_change BEFORE UPDATE OR DELETE ON audit_head "
            "FOR EACH ROW EXECUTE FUNCTION audit_head_refuses_change()"
        )
        op.execute(
            "CREATE TRIGGER audit_head_refuses_truncate BEFORE TRUNCATE ON audit_head "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_head_refuses_change()"
        )

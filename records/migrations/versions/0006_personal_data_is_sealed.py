"""Personal data is sealed under a key of each person's own"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from records import person_keys

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PAGE = 1000


def upgrade() -> None:
    with op.batch_alter_table("person") as table:
        table.drop_index("ix_person_phone")
        for column in ("phone", "email", "name"):
            table.alter_column(column, type_=sa.Text(), existing_nullable=True)
        table.add_column(sa.Column("phone_index", sa.String(64)))
        table.add_column(sa.Column("email_index", sa.String(64)))
        table.add_column(sa.Column("key_id", sa.String(40)))
        table.add_column(sa.Column("erased_at", sa.DateTime(timezone=True)))
    with op.batch_alter_table("contact") as table:
        table.alter_column("address", type_=sa.Text(), existing_nullable=True)
        table.alter_column("text", type_=sa.Text(), existing_nullable=True)
    with op.batch_alter_table("consent") as table:
        table.alter_column("consent_id", type_=sa.Text(), existing_nullable=False)
        table.alter_column("account_id", type_=sa.Text(), existing_nullable=False)
        table.add_column(sa.Column("consent_index", sa.String(64)))
    with op.batch_alter_table("closed_address") as table:
        table.add_column(sa.Column("address_index", sa.String(64)))
    with op.batch_alter_table("collection_case") as table:
        table.alter_column("note", type_=sa.Text(), existing_nullable=True)
    with op.batch_alter_table("webhook") as table:
        table.add_column(sa.Column("person_ref", sa.Integer()))
        table.create_foreign_key("fk_webhook_person_ref", "person", ["person_ref"], ["id"])
        table.create_index("ix_webhook_person_ref", ["person_ref"])
    _seal_everything(op.get_bind())
    op.create_index("ix_person_phone_index", "person", ["phone_index"])
    op.create_index("ix_person_email_index", "person", ["email_index"])
    with op.batch_alter_table("consent") as table:
        table.drop_constraint("uq_consent_person_ref_provider_consent_id", type_="unique")
        table.alter_column("consent_index", existing_type=sa.String(64), nullable=False)
        table.create_unique_constraint(
            "uq_consent_person_ref_provider_consent_index", ["person_ref", "provider", "consent_index"]
        )
    with op.batch_alter_table("closed_address") as table:
        table.drop_constraint("uq_closed_address_person_ref_channel_address", type_="unique")
        table.drop_column("address")
        table.alter_column("address_index", existing_type=sa.String(64), nullable=False)
        table.create_unique_constraint(
            "uq_closed_address_person_ref_channel_address_index", ["person_ref", "channel", "address_index"]
        )


def downgrade() -> None:
    raise NotImplementedError("sealed data is not brought back into the open: restore a backup instead")


def _seal_everything(connection: sa.Connection) -> None:
    keys = person_keys.of_dialect(connection.dialect)

    def text(row: Any, label: str, value: str | None) -> str | None:
        return None if value is None else keys.seal_text(row.key_id, label, value)

    def index(label: str, value: str | None) -> str | None:
        return None if value is None else keys.index(label, value)

    for page in _pages(
        connection, "SELECT id, name, phone, email FROM person WHERE id > :last ORDER BY id LIMIT :most"
    ):
        rows = [
            {
                "id": row.id,
                "key_id": key_id,
                "phone_index": index("phone", row.phone),
                "email_index": index("email", row.email),
                **{
                    field: None if value is None else keys.seal_text(key_id, f"person.{field}", value)
                    for field, value in (("name", row.name), ("phone", row.phone), ("email", row.email))
                },
            }
            for row, key_id in zip(page, keys.new_many(len(page)), strict=True)
        ]
        connection.execute(
            sa.text(
                "UPDATE person SET name = :name, phone = :phone, email = :email, key_id = :key_id, "
                "phone_index = :phone_index, email_index = :email_index WHERE id = :id"
            ),
            rows,
        )
    _reseal(
        connection,
        "contact",
        "SELECT c.id, c.address, c.text, p.key_id FROM contact c JOIN person p ON p.id = c.person_ref",
        "c.id",
        lambda row: {
            "address": text(row, "contact.address", row.address),
            "text": text(row, "contact.text", row.text),
        },
    )
    _reseal(
        connection,
        "consent",
        "SELECT c.id, c.consent_id, c.account_id, p.key_id FROM consent c JOIN person p ON p.id = c.person_ref",
        "c.id",
        lambda row: {
            "consent_id": text(row, "consent.consent_id", row.consent_id),
            "account_id": text(row, "consent.account_id", row.account_id),
            "consent_index": index("consent", row.consent_id),
        },
    )
    _reseal(
        connection,
        "closed_address",
        "SELECT c.id, c.address FROM closed_address c",
        "c.id",
        lambda row: {"address_index": index("address", row.address)},
    )
    _reseal(
        connection,
        "webhook",
        "SELECT w.id, w.body FROM webhook w",
        "w.id",
        lambda row: {"body": keys.seal(keys.named("webhooks-before"), "webhook.body", bytes(row.body))},
    )
    notes = connection.execute(
        sa.text(
            "SELECT c.case_id, c.note, p.key_id FROM collection_case c JOIN loan l ON l.id = c.loan_ref "
            "JOIN person p ON p.id = l.person_ref WHERE c.note IS NOT NULL"
        )
    ).all()
    for row in notes:
        connection.execute(
            sa.text("UPDATE collection_case SET note = :note WHERE case_id = :case_id"),
            {"case_id": row.case_id, "note": text(row, "collection_case.note", row.note)},
        )


def _pages(connection: sa.Connection, query: str) -> Iterator[list[Any]]:
    last = 0
    while page := list(connection.execute(sa.text(query), {"last": last, "most": _PAGE}).all()):
        yield page
        last = page[-1].id


def _reseal(
    connection: sa.Connection, table: str, query: str, id: str, changed: Callable[[Any], dict[str, Any]]
) -> None:
    where = f"{query} WHERE {id} > :last ORDER BY {id} LIMIT :most"
    for page in _pages(connection, where):
        rows = [{"id": row.id, **changed(row)} for row in page]
        fields = ", ".join(f"{field} = :{field}" for field in rows[0] if field != "id")
        change = f"UPDATE {table} SET {fields} WHERE id = :id"  # nosec B608 # names of our own tables and columns
        connection.execute(sa.text(change), rows)

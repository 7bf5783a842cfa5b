"""Which channels a person agreed to by their own word, apart from what a lender's file says"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in ("channels_noted", "channels_in_file"):
        op.add_column("person", sa.Column(column, sa.JSON(none_as_null=True), nullable=True))
    op.add_column("person", sa.Column("channels_noted_at", sa.DateTime(timezone=True), nullable=True))
    _remember()


def downgrade() -> None:
    for column in ("channels_noted_at", "channels_in_file", "channels_noted"):
        op.drop_column("person", column)


def _remember() -> None:
    """What was noted before stands in the audit trail; a file since then may have added to it, and does no longer."""
    connection = op.get_bind()
    person = sa.table(
        "person",
        sa.column("id"),
        sa.column("authorised_channels", sa.JSON(none_as_null=True)),
        sa.column("channels_noted", sa.JSON(none_as_null=True)),
        sa.column("channels_in_file", sa.JSON(none_as_null=True)),
        sa.column("channels_noted_at", sa.DateTime(timezone=True)),
    )
    noted = connection.execute(
        sa.text(
            "SELECT loan.person_ref, audit.at, audit.details FROM audit "
            "JOIN loan ON loan.lender = audit.lender AND loan.loan_id = audit.loan_id "
            "WHERE audit.action = 'person_channels_authorised' ORDER BY audit.id"
        ).columns(person_ref=sa.Integer(), at=sa.DateTime(timezone=True), details=sa.JSON())
    ).all()
    last: dict[int, tuple[Any, list[str] | None]] = {}
    for person_ref, at, details in noted:
        last[person_ref] = (at, details["channels"])
    connection.execute(sa.text("UPDATE person SET channels_in_file = authorised_channels"))
    for person_ref, (at, channels) in last.items():
        if channels is None:
            continue
        mine = person.c.id == person_ref
        holding = connection.execute(sa.select(person.c.authorised_channels).where(mine)).scalar_one()
        kept = channels if holding is None else sorted(set(channels) & set(holding))
        connection.execute(
            sa.update(person)
            .where(mine)
            # What the file before said is not known any more: the next is news.
            .values(channels_noted=channels, channels_noted_at=at, authorised_channels=kept, channels_in_file=None)
        )

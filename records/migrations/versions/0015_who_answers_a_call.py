"""By what the right person is told on a call, where letters go, and what a call taught us"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OF_PERSON = ("birth_year", "id_digits", "postal_address")


def upgrade() -> None:
    for column in _OF_PERSON:
        op.add_column("person", sa.Column(column, sa.Text(), nullable=True))
    op.add_column("contact", sa.Column("outcome", sa.String(length=40), nullable=True))


def downgrade() -> None:
    op.drop_column("contact", "outcome")
    for column in _OF_PERSON:
        op.drop_column("person", column)

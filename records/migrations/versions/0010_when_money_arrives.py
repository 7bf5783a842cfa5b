"""What reads have shown of when money arrives"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "income_seen",
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Text(), nullable=True),
        sa.Column("watched_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_income_seen_person_ref")),
        sa.PrimaryKeyConstraint("person_ref", name=op.f("pk_income_seen")),
    )
    op.create_table(
        "booking_hour",
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("thousandths", sa.Integer(), nullable=False),
        sa.CheckConstraint("slot BETWEEN 0 AND 47", name=op.f("ck_booking_hour_slot_of_a_day")),
        sa.PrimaryKeyConstraint("provider", "country", "slot", name=op.f("pk_booking_hour")),
    )


def downgrade() -> None:
    op.drop_table("booking_hour")
    op.drop_table("income_seen")

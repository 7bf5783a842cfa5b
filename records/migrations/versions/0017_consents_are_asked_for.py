"""Consents are asked for, and say why they are over"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("consent", sa.Column("over_because", sa.String(length=80), nullable=True))
    op.create_table(
        "consent_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=40), nullable=False),
        sa.Column("consent_id", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_consent_request_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_request")),
        sa.UniqueConstraint("reference", name=op.f("uq_consent_request_reference")),
    )
    op.create_index(op.f("ix_consent_request_person_ref"), "consent_request", ["person_ref"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_consent_request_person_ref"), "consent_request")
    op.drop_table("consent_request")
    op.drop_column("consent", "over_because")

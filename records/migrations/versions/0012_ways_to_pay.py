"""Payment links carry a reference and an end; payments that must be asked about"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("payment_link", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reference", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_payment_link_reference"), ["reference"], unique=False)
    op.create_table(
        "payment_inquiry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=False),
        sa.Column("link_ref", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("gateway_id", sa.String(length=255), nullable=True),
        sa.Column("redirect_url", sa.String(), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["link_ref"], ["payment_link.id"], name=op.f("fk_payment_inquiry_link_ref_payment_link")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_inquiry")),
        sa.UniqueConstraint("provider", "reference", name=op.f("uq_payment_inquiry_provider_reference")),
    )
    with op.batch_alter_table("payment_inquiry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_inquiry_link_ref"), ["link_ref"], unique=False)
        batch_op.create_index(batch_op.f("ix_payment_inquiry_next_at"), ["next_at"], unique=False)


def downgrade() -> None:
    op.drop_table("payment_inquiry")
    with op.batch_alter_table("payment_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_link_reference"))
        batch_op.drop_column("expires_at")
        batch_op.drop_column("reference")

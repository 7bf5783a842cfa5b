"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=160), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("lender", sa.String(length=64), nullable=True),
        sa.Column("loan_id", sa.String(length=64), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index("ix_audit_loan", ["lender", "loan_id", "id"], unique=False)

    op.create_table(
        "campaign",
        sa.Column("id", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("lender", sa.String(length=64), nullable=False),
        sa.Column("strategy_key", sa.String(length=60), nullable=False),
        sa.Column("source_file", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'stopped', 'finished')", name=op.f("ck_campaign_state_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
    )
    op.create_table(
        "early_reversal",
        sa.Column("provider", sa.String(length=128), nullable=False),
        sa.Column("payment_id", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", "payment_id", name=op.f("pk_early_reversal")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lender", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("phone", sa.String(length=16), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("region", sa.String(length=3), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("lender", "person_id", name=op.f("uq_person_lender_person_id")),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_phone"), ["phone"], unique=False)

    op.create_table(
        "strategy_snapshot",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_strategy_snapshot")),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("event_key", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("signals", sa.JSON(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("relayed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=80), nullable=True),
        sa.Column("relay_attempts", sa.Integer(), nullable=False),
        sa.Column("relay_error", sa.String(length=200), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
        sa.UniqueConstraint("provider", "event_key", name=op.f("uq_webhook_provider_event_key")),
    )
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.create_index(
            "ix_webhook_due",
            ["next_try_at"],
            unique=False,
            sqlite_where=sa.text("relayed_at IS NULL"),
            postgresql_where=sa.text("relayed_at IS NULL"),
        )

    op.create_table(
        "closed_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "channel IN ('sms', 'email', 'whatsapp', 'call', 'visit', 'post')",
            name=op.f("ck_closed_address_channel_known"),
        ),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_closed_address_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closed_address")),
        sa.UniqueConstraint(
            "person_ref", "channel", "address", name=op.f("uq_closed_address_person_ref_channel_address")
        ),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("consent_id", sa.String(length=255), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("reads_per_day", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('valid', 'expired', 'revoked', 'rejected')", name=op.f("ck_consent_status_known")
        ),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_consent_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sa.UniqueConstraint(
            "person_ref", "provider", "consent_id", name=op.f("uq_consent_person_ref_provider_consent_id")
        ),
    )
    op.create_table(
        "loan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lender", sa.String(length=64), nullable=False),
        sa.Column("loan_id", sa.String(length=64), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_due_minor", sa.BigInteger(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("grade", sa.String(length=40), nullable=True),
        sa.Column("campaign_id", sa.String(length=80), nullable=True),
        sa.Column("strategy_name", sa.String(length=40), nullable=False),
        sa.Column("strategy_version", sa.Integer(), nullable=False),
        sa.Column("strategy_digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_kind", sa.String(length=40), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("final_state", sa.JSON(), nullable=True),
        sa.Column("stage", sa.String(length=20), nullable=True),
        sa.Column("dpd", sa.Integer(), nullable=True),
        sa.Column("next_action", sa.String(), nullable=True),
        sa.Column("next_action_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'ended') = (end_kind IS NOT NULL)", name=op.f("ck_loan_end_named")),
        sa.CheckConstraint("state IN ('waiting', 'in_collection', 'ended')", name=op.f("ck_loan_state_known")),
        sa.CheckConstraint("amount_due_minor > 0", name=op.f("ck_loan_amount_positive")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_loan_campaign_id")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_loan_person_ref")),
        sa.ForeignKeyConstraint(
            ["strategy_digest"], ["strategy_snapshot.digest"], name=op.f("fk_loan_strategy_digest")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan")),
        sa.UniqueConstraint("lender", "loan_id", name=op.f("uq_loan_lender_loan_id")),
    )
    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loan_campaign_id"), ["campaign_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_loan_person_ref"), ["person_ref"], unique=False)

    op.create_table(
        "opt_out",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "channel IN ('sms', 'email', 'whatsapp', 'call', 'visit', 'post')",
            name=op.f("ck_opt_out_channel_known"),
        ),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_opt_out_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_out")),
        sa.UniqueConstraint("person_ref", "channel", name=op.f("uq_opt_out_person_ref_channel")),
    )
    op.create_table(
        "person_flag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("flag", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_person_flag_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_flag")),
        sa.UniqueConstraint("person_ref", "flag", name=op.f("uq_person_flag_person_ref_flag")),
    )
    op.create_table(
        "balance_read",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("consent_ref", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["consent_ref"], ["consent.id"], name=op.f("fk_balance_read_consent_ref")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_balance_read_loan_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_read")),
    )
    with op.batch_alter_table("balance_read", schema=None) as batch_op:
        batch_op.create_index("ix_balance_read_consent_at", ["consent_ref", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_balance_read_loan_ref"), ["loan_ref"], unique=False)

    op.create_table(
        "campaign_loan",
        sa.Column("campaign_id", sa.String(length=80), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused", sa.String(length=200), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "refused IS NULL OR released_at IS NOT NULL", name=op.f("ck_campaign_loan_refused_not_held")
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_loan_campaign_id")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_campaign_loan_loan_ref")),
        sa.PrimaryKeyConstraint("campaign_id", "loan_ref", name=op.f("pk_campaign_loan")),
        sa.UniqueConstraint("campaign_id", "position", name=op.f("uq_campaign_loan_campaign_id_position")),
    )
    with op.batch_alter_table("campaign_loan", schema=None) as batch_op:
        batch_op.create_index(
            "uq_campaign_loan_live",
            ["loan_ref"],
            unique=True,
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )

    op.create_table(
        "collection_case",
        sa.Column("case_id", sa.String(length=200), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sla_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assignments", sa.JSON(), nullable=False),
        sa.Column("decision", sa.String(length=40), nullable=True),
        sa.Column("decided_by", sa.String(length=160), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'decided') = (decision IS NOT NULL)", name=op.f("ck_collection_case_decision_named")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'decided', 'retracted', 'closed')", name=op.f("ck_collection_case_state_known")
        ),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_collection_case_loan_ref")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_collection_case")),
    )
    with op.batch_alter_table("collection_case", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_collection_case_loan_ref"), ["loan_ref"], unique=False)
        batch_op.create_index("ix_collection_case_queue", ["state", "queue", "sla_at"], unique=False)

    op.create_table(
        "contact_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("verdict", sa.String(length=40), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_ends", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("rules_version", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "channel IN ('sms', 'email', 'whatsapp', 'call', 'visit', 'post')",
            name=op.f("ck_contact_decision_channel_known"),
        ),
        sa.CheckConstraint(
            "verdict IN ('allowed', 'not_before', 'never')", name=op.f("ck_contact_decision_verdict_known")
        ),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_contact_decision_loan_ref")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_contact_decision_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_decision")),
    )
    with op.batch_alter_table("contact_decision", schema=None) as batch_op:
        batch_op.create_index("ix_contact_decision_loan_at", ["loan_ref", "at"], unique=False)

    op.create_table(
        "loan_write",
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_loan_write_loan_ref")),
        sa.PrimaryKeyConstraint("loan_ref", "key", name=op.f("pk_loan_write")),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=128), nullable=False),
        sa.Column("payment_id", sa.String(length=255), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=True),
        sa.Column("entry", sa.Integer(), nullable=True),
        sa.Column("named_lender", sa.String(length=64), nullable=True),
        sa.Column("named_loan", sa.String(length=64), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.CheckConstraint("source IN ('webhook', 'signal', 'record')", name=op.f("ck_payment_source_known")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_amount_positive")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_payment_loan_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("provider", "payment_id", name=op.f("uq_payment_provider_payment_id")),
    )
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_loan_ref"), ["loan_ref"], unique=False)

    op.create_table(
        "payment_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("provider_link_id", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('active', 'inactive', 'paid')", name=op.f("ck_payment_link_state_known")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_link_amount_positive")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_payment_link_loan_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_link")),
        sa.UniqueConstraint(
            "loan_ref",
            "entry",
            "purpose",
            "amount_minor",
            "generation",
            name=op.f("uq_payment_link_loan_ref_entry_purpose_amount_minor_generation"),
        ),
        sa.UniqueConstraint("provider", "provider_link_id", name=op.f("uq_payment_link_provider_provider_link_id")),
    )
    with op.batch_alter_table("payment_link", schema=None) as batch_op:
        batch_op.create_index(
            "uq_payment_link_active",
            ["loan_ref", "entry", "purpose", "amount_minor"],
            unique=True,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )

    op.create_table(
        "contact",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=40), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=40), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=True),
        sa.Column("template", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=True),
        sa.Column("provider_message_id", sa.String(length=320), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("link_ref", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "channel IN ('sms', 'email', 'whatsapp', 'call', 'visit', 'post')",
            name=op.f("ck_contact_channel_known"),
        ),
        sa.CheckConstraint(
            "purpose IN ('collection', 'reply', 'transactional')", name=op.f("ck_contact_purpose_known")
        ),
        sa.CheckConstraint(
            "state IN ('reserved', 'sending', 'sent', "
            "'delivered', 'read', 'undelivered', 'failed', 'unknown', 'dropped')",
            name=op.f("ck_contact_state_known"),
        ),
        sa.ForeignKeyConstraint(["link_ref"], ["payment_link.id"], name=op.f("fk_contact_link_ref")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_contact_loan_ref")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_contact_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint(
            "loan_ref", "entry", "step", "occurrence", name=op.f("uq_contact_loan_ref_entry_step_occurrence")
        ),
        sa.UniqueConstraint("message_id", name=op.f("uq_contact_message_id")),
        sa.UniqueConstraint("provider", "provider_message_id", name=op.f("uq_contact_provider_provider_message_id")),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_person_ref"), ["person_ref"], unique=False)

    op.create_table(
        "contact_event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_ref", sa.Integer(), nullable=False),
        sa.Column("loan_ref", sa.Integer(), nullable=True),
        sa.Column("contact_ref", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('sms', 'email', 'whatsapp', 'call', 'visit', 'post')",
            name=op.f("ck_contact_event_channel_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('attempt', 'delivered', 'read', 'two_way', 'conversation', 'inbound')",
            name=op.f("ck_contact_event_kind_known"),
        ),
        sa.ForeignKeyConstraint(["contact_ref"], ["contact.id"], name=op.f("fk_contact_event_contact_ref")),
        sa.ForeignKeyConstraint(["loan_ref"], ["loan.id"], name=op.f("fk_contact_event_loan_ref")),
        sa.ForeignKeyConstraint(["person_ref"], ["person.id"], name=op.f("fk_contact_event_person_ref")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_event")),
    )
    with op.batch_alter_table("contact_event", schema=None) as batch_op:
        batch_op.create_index("ix_contact_event_person_at", ["person_ref", "at"], unique=False)
        batch_op.create_index(
            "uq_contact_event_once",
            ["contact_ref", "kind"],
            unique=True,
            sqlite_where=sa.text("kind IN ('attempt', 'delivered', 'read')"),
            postgresql_where=sa.text("kind IN ('attempt', 'delivered', 'read')"),
        )


def downgrade() -> None:
    with op.batch_alter_table("contact_event", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_contact_event_once",
            sqlite_where=sa.text("kind IN ('attempt', 'delivered', 'read')"),
            postgresql_where=sa.text("kind IN ('attempt', 'delivered', 'read')"),
        )
        batch_op.drop_index("ix_contact_event_person_at")

    op.drop_table("contact_event")
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_person_ref"))

    op.drop_table("contact")
    with op.batch_alter_table("payment_link", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_payment_link_active",
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        )

    op.drop_table("payment_link")
    with op.batch_alter_table("payment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_loan_ref"))

    op.drop_table("payment")
    op.drop_table("loan_write")
    with op.batch_alter_table("contact_decision", schema=None) as batch_op:
        batch_op.drop_index("ix_contact_decision_loan_at")

    op.drop_table("contact_decision")
    with op.batch_alter_table("collection_case", schema=None) as batch_op:
        batch_op.drop_index("ix_collection_case_queue")
        batch_op.drop_index(batch_op.f("ix_collection_case_loan_ref"))

    op.drop_table("collection_case")
    with op.batch_alter_table("campaign_loan", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_campaign_loan_live",
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )

    op.drop_table("campaign_loan")
    with op.batch_alter_table("balance_read", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_balance_read_loan_ref"))
        batch_op.drop_index("ix_balance_read_consent_at")

    op.drop_table("balance_read")
    op.drop_table("person_flag")
    op.drop_table("opt_out")
    with op.batch_alter_table("loan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_loan_person_ref"))
        batch_op.drop_index(batch_op.f("ix_loan_campaign_id"))

    op.drop_table("loan")
    op.drop_table("consent")
    op.drop_table("closed_address")
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_webhook_due",
            sqlite_where=sa.text("relayed_at IS NULL"),
            postgresql_where=sa.text("relayed_at IS NULL"),
        )

    op.drop_table("webhook")
    op.drop_table("strategy_snapshot")
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_phone"))

    op.drop_table("person")
    op.drop_table("lease")
    op.drop_table("early_reversal")
    op.drop_table("campaign")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_loan")

    op.drop_table("audit")

"""All that the records know of a person, in words of the records, for the person to read."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from records import offer_log, people
from records.tables import (
    Agreement,
    AgreementEvidence,
    AgreementInstalment,
    Attachment,
    Audit,
    BalanceRead,
    BankEntryRow,
    BankMatch,
    CampaignLoan,
    ClosedAddress,
    CollectionCase,
    Consent,
    ConsentRequest,
    Contact,
    ContactDecision,
    ContactLedger,
    Debit,
    Document,
    InboundMessage,
    IncomeSeen,
    Mandate,
    OptOut,
    OwnWords,
    Payment,
    PaymentInquiry,
    PaymentLink,
    Person,
    PersonFlag,
    RefundTask,
    ReplyCorrection,
    SegmentSendLoan,
    Webhook,
)

_OURS = {
    "id",
    "key_id",
    "phone_index",
    "email_index",
    "address_index",
    "account_index",
    "consent_index",
    "iban_index",
    "person_ref",
    "strategy_digest",
}
"""Keys of the database, which say nothing of the person."""


def export(session: Session, person: Person) -> dict[str, Any]:
    """The person and everything that hangs on them; values as the records keep them, amounts in minor units."""
    loans = people.loans_of(session, person)
    names = {loan.id: loan.loan_id for loan in loans}
    refs = list(names)
    of_loans = [
        ("payments", Payment, Payment.loan_ref),
        ("payment_links", PaymentLink, PaymentLink.loan_ref),
        ("documents", Document, Document.loan_ref),
        ("refunds", RefundTask, RefundTask.loan_ref),
        ("debits", Debit, Debit.loan_ref),
        ("payments_found_on_statements", BankMatch, BankMatch.loan_ref),
        ("cases", CollectionCase, CollectionCase.loan_ref),
        ("agreements", Agreement, Agreement.loan_ref),
        ("instalments", AgreementInstalment, AgreementInstalment.loan_ref),
        ("words_of_acceptance", AgreementEvidence, AgreementEvidence.loan_ref),
        ("balance_reads", BalanceRead, BalanceRead.loan_ref),
        ("campaigns", CampaignLoan, CampaignLoan.loan_ref),
        ("messages_to_segments", SegmentSendLoan, SegmentSendLoan.loan_ref),
    ]
    of_person = [
        ("contacts", Contact, Contact.person_ref),
        ("messages_received", InboundMessage, InboundMessage.person_ref),
        ("words_of_people_to_them", OwnWords, OwnWords.person_ref),
        ("contact_events", ContactLedger, ContactLedger.person_ref),
        ("contact_decisions", ContactDecision, ContactDecision.person_ref),
        ("bank_consents", Consent, Consent.person_ref),
        ("entries_of_bank_statements", BankEntryRow, BankEntryRow.person_ref),
        ("mandates", Mandate, Mandate.person_ref),
        ("consent_requests", ConsentRequest, ConsentRequest.person_ref),
        ("income_seen", IncomeSeen, IncomeSeen.person_ref),
        ("attachments", Attachment, Attachment.person_ref),
        ("messages_read_again", ReplyCorrection, ReplyCorrection.person_ref),
        ("closed_addresses", ClosedAddress, ClosedAddress.person_ref),
        ("opt_outs", OptOut, OptOut.person_ref),
        ("stop_states", PersonFlag, PersonFlag.person_ref),
        ("messages_of_providers", Webhook, Webhook.person_ref),
    ]
    told: dict[str, Any] = {"person": _row(person, names), "loans": _rows(loans, names)}
    for name, table, column in of_loans:
        told[name] = _rows(session.exec(select(table).where(col(column).in_(refs))).all(), names)  # type: ignore[arg-type]
    for name, table, column in of_person:
        told[name] = _rows(session.exec(select(table).where(column == person.id)).all(), names)  # type: ignore[arg-type]
    audit = select(Audit).where(Audit.lender == person.lender, col(Audit.loan_id).in_(list(names.values())))
    of_links = select(PaymentInquiry).join(PaymentLink, col(PaymentLink.id) == col(PaymentInquiry.link_ref))
    asked = session.exec(of_links.where(col(PaymentLink.loan_ref).in_(refs)).order_by(col(PaymentInquiry.id))).all()
    told["payments_asked_about"] = _rows(asked, names)
    told["audit"] = [
        row | {"details": offer_log.opened(session, row["details"])} if row["action"] == offer_log.ACTION else row
        for row in _rows(session.exec(audit.order_by(col(Audit.id))).all(), names)
    ]
    return told


def _rows(rows: Iterable[SQLModel] | Sequence[Any], names: dict[int | None, str]) -> list[dict[str, Any]]:
    return [_row(row, names) for row in rows]


def _row(row: SQLModel, names: dict[int | None, str]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for field in type(row).model_fields:
        value = getattr(row, field)
        if field == "loan_ref":
            told["loan_id"] = names.get(value)
        elif field not in _OURS and value is not None and not field.endswith("_ref"):
            told[field] = _told(value) if isinstance(value, bytes) else value
    return told


def _told(value: bytes) -> str:
    """Text as text, anything else in base64."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(value).decode("ascii")

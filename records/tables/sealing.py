"""Sees to it that personal values of rows written through the ORM are sealed under their person's key."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, event, inspect, select
from sqlalchemy.orm import Mapper, object_session
from sqlmodel import col

from records import person_keys
from records.person_keys import PersonKeys
from records.sealed import Private, PrivateBytes
from records.tables.agreements import AgreementEvidence
from records.tables.attachments import Attachment
from records.tables.bank import BankEntryRow
from records.tables.cases import CollectionCase
from records.tables.consent_requests import ConsentRequest
from records.tables.contacts import Contact
from records.tables.debits import Mandate
from records.tables.documents import Document
from records.tables.inbound_messages import InboundMessage
from records.tables.income import IncomeSeen
from records.tables.loans import Loan
from records.tables.money import Consent
from records.tables.own_words import OwnWords
from records.tables.people import Person
from records.tables.replies import ReplyCorrection
from records.tables.webhooks import Webhook

PHONE, EMAIL, ADDRESS, CONSENT, IBAN = "phone", "email", "address", "consent", "iban"
"""What the keyed indexes are of."""
OF_DAYS, OF_MONTHS = "webhooks-", "bank-"
"""How the names of the keys of days and of months begin; `records.spent_keys` destroys them in time."""


def month_key(booked_on: date) -> str:
    """The key entries of bank statements are sealed under until it is known whose they are: one for each month."""
    return f"{OF_MONTHS}{booked_on:%Y-%m}"


def day_key(received_at: datetime) -> str:
    """The key webhooks are sealed under until it is known whose they are: one for each day."""
    return f"{OF_DAYS}{received_at:%Y-%m-%d}"


_OF_PERSON = ("name", "phone", "email", "birth_year", "id_digits", "postal_address")


def _before_person(_mapper: Mapper[Person], connection: Connection, person: Person) -> None:
    changed = _changed(person, *_OF_PERSON)
    if not changed:
        return
    keys = person_keys.of_dialect(connection.dialect)
    if person.erased_at is not None or keys.standing(person.key_id) is None:
        if person.key_id is not None:
            # An erasure is under way, or broke off: what it emptied must not be readable under the key it destroys.
            keys.destroy([person.key_id])
        person.key_id, person.erased_at = keys.new(), None
        changed = list(_OF_PERSON)
    assert person.key_id is not None
    _seal(person, person.key_id, changed)
    if "phone" in changed:
        person.phone_index = _index(keys, PHONE, person.phone)
    if "email" in changed:
        person.email_index = _index(keys, EMAIL, person.email)


def _before_contact(_mapper: Mapper[Contact], connection: Connection, contact: Contact) -> None:
    changed = _changed(contact, "address", "text")
    if changed:
        _seal(contact, _key_of(connection, contact, contact.person_ref), changed)


def _before_consent(_mapper: Mapper[Consent], connection: Connection, consent: Consent) -> None:
    changed = _changed(consent, "consent_id", "account_id")
    if changed:
        keys = person_keys.of_dialect(connection.dialect)
        if "consent_id" in changed:
            consent.consent_index = keys.index(CONSENT, consent.consent_id)
        _seal(consent, _key_of(connection, consent, consent.person_ref), changed)


def _before_mandate(_mapper: Mapper[Mandate], connection: Connection, mandate: Mandate) -> None:
    changed = _changed(mandate, "iban", "holder")
    if changed:
        keys = person_keys.of_dialect(connection.dialect)
        if "iban" in changed:
            mandate.iban_index = keys.index(IBAN, mandate.iban or "")
        _seal(mandate, _key_of(connection, mandate, mandate.person_ref), changed)


def _before_consent_request(_mapper: Mapper[ConsentRequest], connection: Connection, request: ConsentRequest) -> None:
    changed = _changed(request, "consent_id")
    if changed:
        _seal(request, _key_of(connection, request, request.person_ref), changed)


def _before_income(_mapper: Mapper[IncomeSeen], connection: Connection, income: IncomeSeen) -> None:
    changed = _changed(income, "seen")
    if changed:
        _seal(income, _key_of(connection, income, income.person_ref), changed)


def _before_bank_entry(_mapper: Mapper[BankEntryRow], connection: Connection, entry: BankEntryRow) -> None:
    changed = _changed(entry, "other_name", "other_iban", "text")
    if not changed:
        return
    keys = person_keys.of_dialect(connection.dialect)
    if "other_iban" in changed:
        entry.iban_index = _index(keys, IBAN, entry.other_iban)
    if entry.person_ref is None:
        _seal(entry, keys.named(month_key(entry.booked_on)), changed)
        return
    key_id = _key_of(connection, entry, entry.person_ref)
    _seal(entry, key_id, changed)
    if key_id is None:
        entry.iban_index = None


def _before_case(_mapper: Mapper[CollectionCase], connection: Connection, case: CollectionCase) -> None:
    changed = _changed(case, "note")
    if changed:
        _seal(case, _key_of_loan(connection, case, case.loan_ref), changed)


def _before_evidence(_mapper: Mapper[AgreementEvidence], connection: Connection, evidence: AgreementEvidence) -> None:
    if _changed(evidence, "text"):
        _seal(evidence, _key_of_loan(connection, evidence, evidence.loan_ref), ["text"])


def _before_document(_mapper: Mapper[Document], connection: Connection, document: Document) -> None:
    changed = _changed(document, "pdf", "says")
    if not changed:
        return
    key_id = _key_of_loan(connection, document, document.loan_ref)
    if key_id is None:
        raise ValueError("nothing personal is made of a person who was erased")
    if "pdf" in changed:
        document.pdf = PrivateBytes(document.pdf, key_id)
    if "says" in changed and document.says is not None:
        document.says = Private(document.says, key_id)


def _before_correction(_mapper: Mapper[ReplyCorrection], connection: Connection, correction: ReplyCorrection) -> None:
    if _changed(correction, "text"):
        _seal(correction, _key_of(connection, correction, correction.person_ref), ["text"])


def _before_attachment(_mapper: Mapper[Attachment], connection: Connection, attachment: Attachment) -> None:
    changed = _changed(attachment, "caption", "content")
    if not changed:
        return
    key_id = _key_of(connection, attachment, attachment.person_ref)
    _seal(attachment, key_id, [field for field in changed if field == "caption"])
    if "content" in changed and not isinstance(attachment.content, PrivateBytes):
        kept = attachment.content
        attachment.content = None if key_id is None or kept is None else PrivateBytes(kept, key_id)


def _before_inbound(_mapper: Mapper[InboundMessage], connection: Connection, message: InboundMessage) -> None:
    if changed := _changed(message, "text", "mail_id"):
        _seal(message, _key_of(connection, message, message.person_ref), changed)


def _before_own_words(_mapper: Mapper[OwnWords], connection: Connection, words: OwnWords) -> None:
    if changed := _changed(words, "subject", "text"):
        _seal(words, _key_of(connection, words, words.person_ref), changed)


def _before_webhook(_mapper: Mapper[Webhook], connection: Connection, webhook: Webhook) -> None:
    if isinstance(webhook.body, PrivateBytes) or not _changed(webhook, "body"):
        return
    key_id = person_keys.of_dialect(connection.dialect).named(day_key(webhook.received_at))
    webhook.body = PrivateBytes(webhook.body, key_id)


def _changed(row: Any, *fields: str) -> list[str]:
    attributes = inspect(row).attrs
    return [field for field in fields if attributes[field].history.has_changes() and getattr(row, field) is not None]


def _seal(row: Any, key_id: str | None, fields: list[str]) -> None:
    """Nothing personal is kept any more of a person whose key was destroyed."""
    for field in fields:
        value = getattr(row, field)
        if value is not None and not isinstance(value, Private):
            setattr(row, field, None if key_id is None else Private(value, key_id))


def _index(keys: PersonKeys, label: str, value: str | None) -> str | None:
    return None if value is None else keys.index(label, value)


def _key_of_loan(connection: Connection, row: object, loan_ref: int) -> str | None:
    session = object_session(row)
    known = None if session is None else session.identity_map.get((Loan, (loan_ref,), None))
    person_ref = None if known is None else known.__dict__.get("person_ref")
    if person_ref is None:
        person_ref = connection.execute(select(Loan.person_ref).where(col(Loan.id) == loan_ref)).scalar_one()  # type: ignore[call-overload]
    return _key_of(connection, row, person_ref)


def _key_of(connection: Connection, row: object, person_ref: int) -> str | None:
    """None for a person who was erased: also where a row from before, or an erasure that broke off, names their key."""
    session = object_session(row)
    known = None if session is None else session.identity_map.get((Person, (person_ref,), None))
    named: str | None = None if known is None else known.__dict__.get("key_id")
    if named is None:
        named = connection.execute(select(Person.key_id).where(col(Person.id) == person_ref)).scalar()  # type: ignore[call-overload]
    return person_keys.of_dialect(connection.dialect).standing(named)


for _table, _hook in (
    (Person, _before_person),
    (Contact, _before_contact),
    (Attachment, _before_attachment),
    (ReplyCorrection, _before_correction),
    (Consent, _before_consent),
    (Mandate, _before_mandate),
    (ConsentRequest, _before_consent_request),
    (IncomeSeen, _before_income),
    (BankEntryRow, _before_bank_entry),
    (CollectionCase, _before_case),
    (AgreementEvidence, _before_evidence),
    (InboundMessage, _before_inbound),
    (OwnWords, _before_own_words),
    (Webhook, _before_webhook),
    (Document, _before_document),
):
    event.listen(_table, "before_insert", _hook)
    event.listen(_table, "before_update", _hook)

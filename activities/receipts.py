"""Receipts of payments and letters of payment in full: written once, kept with the loan, sent with a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.orders import ContactOrder
from config.payment_documents import DocumentData, DocumentKind, render_document
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from domain.loan_state import RECEIPT
from domain.money import Money
from providers.ports import Attachment
from records import documents, loans, payments, people
from records.database import Database
from records.tables import Document, Loan, Payment, Person

PAGE = "document"
ADDRESS_LIVES = timedelta(days=30)
_NAMES = {DocumentKind.RECEIPT: "receipt", DocumentKind.PAID_IN_FULL: "paid-in-full"}


@dataclass(frozen=True)
class Enclosed:
    """What goes with a message: files for an e-mail, one address for a text."""

    attachments: tuple[Attachment, ...] = ()
    address: str | None = None


NOTHING = Enclosed()


class Receipts:
    """`settings` say who the lender is and, with a link secret and a public address, sign addresses of documents.

    What a document says is written down when its message is; the PDF is set when somebody wants it: an e-mail that
    takes it along, or whoever opens its address. Setting it takes longer than all the rest of a message.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        secret, url = settings.web.link_secret, settings.web.public_url
        self._addresses = SignedAddresses(secret, url) if secret is not None and url is not None else None

    def enclosed(self, order: ContactOrder, now: datetime) -> Enclosed:
        """The documents of a receipt's message as files."""
        with self._database.writing() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            drafts = self._drafts(session, loan, people.of_loan(session, loan), order, now)
        made = [typeset(self._database, draft) for draft in drafts]
        return Enclosed(tuple(_attachment(one) for one in made if one.pdf), self._address(made, now))

    def address(self, session: Session, loan: Loan, person: Person, order: ContactOrder, now: datetime) -> str | None:
        """Where the document of a receipt's message can be opened; what it says is kept in this transaction."""
        return self._address(self._drafts(session, loan, person, order, now), now)

    def receipt(self, payment: Payment, now: datetime) -> Document:
        """The receipt of a payment of a known loan, with its PDF; made once, with what was left to pay then."""
        assert payment.loan_ref is not None
        with self._database.writing() as session:
            loan = loans.by_ref(session, payment.loan_ref)
            known = documents.receipt_of(session, payment)
            draft = known or self._receipt(session, loan, people.of_loan(session, loan), payment, now)
        return typeset(self._database, draft)

    def _address(self, made: Sequence[Document], now: datetime) -> str | None:
        if self._addresses is None or not made:
            return None
        return self._addresses.address(PAGE, made[-1].public_id, now + ADDRESS_LIVES)

    def _drafts(
        self, session: Session, loan: Loan, person: Person, order: ContactOrder, now: datetime
    ) -> list[Document]:
        """Receipts of the payments that have none yet, else the last one's, and at the end of a loan its letter."""
        if person.key_id is None:
            return []  # nothing personal is made of a person who was erased
        paid = _paid(session, loan)
        unreceipted = documents.unreceipted(session, paid)
        made = [self._receipt(session, loan, person, payment, now) for payment in unreceipted]
        if not made and paid and (last := documents.receipt_of(session, paid[-1])) is not None:
            made = [last]
        if order.step == RECEIPT:
            number = str(order.occurrence)
            letter = documents.letter_of(session, loan, number)
            last_paid = paid[-1] if paid else None
            data = self._data(session, loan, person, DocumentKind.PAID_IN_FULL, number, last_paid, now)
            made.append(letter or _keep(session, loan, data, None, now))
        return made

    def _receipt(self, session: Session, loan: Loan, person: Person, payment: Payment, now: datetime) -> Document:
        number = f"{loan.loan_id}-{payment.id}"
        data = self._data(session, loan, person, DocumentKind.RECEIPT, number, payment, now)
        return _keep(session, loan, data, payment, now)

    def _data(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        kind: DocumentKind,
        number: str,
        payment: Payment | None,
        now: datetime,
    ) -> DocumentData:
        lender = self._settings.lender_named(loan.lender)
        zone = ZoneInfo(person.timezone) if person.timezone else None
        left = max(payments.balance_due(session, loan), 0) if kind is DocumentKind.RECEIPT else 0
        return DocumentData(
            kind=kind,
            language=person.language,
            country=person.country,
            lender_name=lender.name,
            lender_phone=lender.phone,
            loan_id=loan.loan_id,
            borrower_name=person.name,
            number=number,
            made_on=_day(now, zone),
            made_at=now,
            amount=Money(amount_minor=payment.amount_minor, currency=payment.currency) if payment else None,
            paid_on=_day(payment.paid_at, zone) if payment else None,
            payment_reference=payment.payment_id if payment else None,
            remaining=Money(amount_minor=left, currency=loan.currency),
        )


def typeset(database: Database, document: Document) -> Document:
    """The document with its PDF, set now if nobody has wanted it before. Without one for a person who was erased."""
    if document.pdf or document.says is None or document.id is None:
        return document
    # Before the transaction: it takes longer than others should wait.
    pdf = render_document(DocumentData.model_validate_json(document.says))
    with database.writing() as session:
        return documents.keep_pdf(session, document.id, pdf)


def _keep(session: Session, loan: Loan, data: DocumentData, payment: Payment | None, now: datetime) -> Document:
    return documents.keep(
        session,
        loan,
        kind=data.kind.value,
        number=data.number,
        language=data.language,
        says=data.model_dump_json(exclude_none=True),
        at=now,
        payment=payment,
    )


def _paid(session: Session, loan: Loan) -> Sequence[Payment]:
    """The payments of the current entry that stand, in the order they were received."""
    own = [one for one in payments.of_loan(session, loan) if one.entry == loan.entry and one.reversed_at is None]
    return sorted(own, key=lambda one: (one.received_at, one.id or 0))


def _day(moment: datetime, zone: ZoneInfo | None) -> date:
    return (moment.astimezone(zone) if zone else moment).date()


def _attachment(document: Document) -> Attachment:
    name = _NAMES[DocumentKind(document.kind)]
    return Attachment(filename=f"{name}-{document.number}.pdf", media_type="application/pdf", content=document.pdf)

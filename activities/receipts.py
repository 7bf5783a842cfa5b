"""Receipts of payments and letters of payment in full: made once, kept with the loan, sent with a message."""

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
from domain.loan_state import PART_RECEIPT, RECEIPT
from domain.money import Money
from providers.ports import Attachment
from records import documents, loans, payments, people
from records.database import Database
from records.tables import Document, Loan, Payment

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
    """`settings` say who the lender is and, with a link secret and a public address, sign addresses of documents."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        secret, url = settings.web.link_secret, settings.web.public_url
        self._addresses = SignedAddresses(secret, url) if secret is not None and url is not None else None

    def enclosed(self, order: ContactOrder, now: datetime) -> Enclosed:
        """The documents of a receipt's message; made now where they are not there yet. Nothing for other messages."""
        if order.step not in (RECEIPT, PART_RECEIPT):
            return NOTHING
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            if people.of_loan(session, loan).key_id is None:
                return NOTHING  # nothing personal is made of a person who was erased
            unreceipted = [one for one in _paid(session, loan) if documents.receipt_of(session, one) is None]
            last = _paid(session, loan)[-1:]
        for payment in unreceipted:
            self.receipt(payment, now)
        with self._database.reading() as session:
            kept = [documents.receipt_of(session, one) for one in (unreceipted or last)]
        made = [one for one in kept if one is not None]
        if order.step == RECEIPT:
            made.append(self._letter(order, now))
        files = tuple(_attachment(one) for one in made if one.pdf)
        address = None
        if self._addresses is not None and made:
            address = self._addresses.address(PAGE, made[-1].public_id, now + ADDRESS_LIVES)
        return Enclosed(files, address)

    def receipt(self, payment: Payment, now: datetime) -> Document:
        """The receipt of a payment of a known loan; made once, with what was left to pay then."""
        assert payment.loan_ref is not None
        with self._database.reading() as session:
            known = documents.receipt_of(session, payment)
            if known is not None:
                return known
            loan = loans.by_ref(session, payment.loan_ref)
            number = f"{loan.loan_id}-{payment.id}"
            data = self._data(session, loan, DocumentKind.RECEIPT, number, payment, now)
        return self._keep(loan, data, payment, now)

    def _letter(self, order: ContactOrder, now: datetime) -> Document:
        number = str(order.occurrence)
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            known = documents.letter_of(session, loan, number)
            if known is not None:
                return known
            paid = _paid(session, loan)
            last = paid[-1] if paid else None
            data = self._data(session, loan, DocumentKind.PAID_IN_FULL, number, last, now)
        return self._keep(loan, data, None, now)

    def _keep(self, loan: Loan, data: DocumentData, payment: Payment | None, now: datetime) -> Document:
        pdf = render_document(data)  # before the transaction: it takes longer than others should wait
        with self._database.writing() as session:
            return documents.keep(
                session,
                loans.by_ref(session, loan.id or 0),
                kind=data.kind.value,
                number=data.number,
                language=data.language,
                pdf=pdf,
                at=now,
                payment=payment,
            )

    def _data(
        self, session: Session, loan: Loan, kind: DocumentKind, number: str, payment: Payment | None, now: datetime
    ) -> DocumentData:
        person, lender = people.of_loan(session, loan), self._settings.lender_named(loan.lender)
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


def _paid(session: Session, loan: Loan) -> Sequence[Payment]:
    """The payments of the current entry that stand, in the order they were received."""
    own = [one for one in payments.of_loan(session, loan) if one.entry == loan.entry and one.reversed_at is None]
    return sorted(own, key=lambda one: (one.received_at, one.id or 0))


def _day(moment: datetime, zone: ZoneInfo | None) -> date:
    return (moment.astimezone(zone) if zone else moment).date()


def _attachment(document: Document) -> Attachment:
    name = _NAMES[DocumentKind(document.kind)]
    return Attachment(filename=f"{name}-{document.number}.pdf", media_type="application/pdf", content=document.pdf)

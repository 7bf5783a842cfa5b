"""Receipts of payments and letters that nothing is left of what was asked for: written once, kept with the loan, sent.

What a lender hands over may be the arrears of a contract and not all of it: the letter speaks of no more than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.orders import ContactOrder
from config.payment_documents import WORDING, DocumentData, DocumentKind, render_document
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from domain.contact import Channel
from domain.contact_orders import RECEIPT
from domain.ledger_entries import LoanEnd
from domain.money import Money
from domain.payable import payable
from providers.ports import Attachment
from records import agreements, documents, loans, payments, people
from records.database import Database
from records.next_payment import left_to_pay
from records.tables import Document, Loan, Payment, Person

PAGE = "document"
ADDRESS_LIVES = timedelta(days=30)
_NAMES = {DocumentKind.RECEIPT: "receipt", DocumentKind.PAID_IN_FULL: "nothing-left"}


@dataclass(frozen=True)
class Enclosed:
    """What goes with a message: files for an e-mail, one address for a text."""

    attachments: tuple[Attachment, ...] = ()
    address: str | None = None


NOTHING = Enclosed()
Files = Mapping[str, bytes]
"""PDFs by what they say."""
NO_FILES: Files = {}


class NotTypeset(Exception):
    """The message takes documents along whose PDFs are not there, or that say something else by now."""


@dataclass(frozen=True)
class _Left:
    """What is left of a loan, minor units: of what was asked for, of that by a settlement in force, and what one
    forgave."""

    due: int
    agreed: int | None = None
    forgiven: int = 0


@dataclass(frozen=True)
class _Draft:
    """A document that is not kept yet."""

    data: DocumentData
    payment: Payment | None = None

    @cached_property
    def says(self) -> str:
        return self.data.model_dump_json(exclude_none=True)


class Receipts:
    """`settings` say who the lender is and, with a link secret and a public address, sign addresses of documents.

    What a document says is kept in the transaction that takes the message's place. Its PDF is set from that when
    somebody wants it: for an e-mail, which takes it along, before that transaction; else when its address is opened.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        secret, url = settings.web.link_secret, settings.web.public_url
        self._addresses = SignedAddresses(secret, url) if secret is not None and url is not None else None

    def typeset(self, order: ContactOrder, now: datetime) -> Files:
        """The PDFs that the message would take along if it went now; nothing is kept."""
        with self._database.reading() as session:
            loan = loans.get(session, order.lender, order.loan_id)
            papers = self._papers(session, loan, people.of_loan(session, loan), order, now)
        return {says: render_document(DocumentData.model_validate_json(says)) for says in _said(papers)}

    def enclosed(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        order: ContactOrder,
        channel: Channel,
        files: Files,
        now: datetime,
    ) -> Enclosed:
        """What goes with the message, kept in this transaction. Raises NotTypeset for an e-mail without its files."""
        documents.lock(session, loan)
        papers = self._papers(session, loan, person, order, now)
        if channel is Channel.EMAIL and not set(_said(papers)) <= set(files):
            raise NotTypeset
        made = [
            paper if isinstance(paper, Document) else _keep(session, loan, paper, now, looked=True) for paper in papers
        ]
        address = None
        if self._addresses is not None and made:
            address = self._addresses.address(PAGE, made[-1].public_id, now + ADDRESS_LIVES)
        if channel is not Channel.EMAIL:
            return Enclosed(address=address)
        pdfs = [(one, one.pdf or files.get(one.says or "", b"")) for one in made]
        return Enclosed(tuple(_attachment(one, pdf) for one, pdf in pdfs if pdf), address)

    def receipt(self, payment: Payment, now: datetime) -> Document:
        """The receipt of a payment of a known loan; made once, with what was left to pay then."""
        assert payment.loan_ref is not None
        with self._database.writing() as session:
            loan = loans.by_ref(session, payment.loan_ref)
            known = documents.receipt_of(session, payment)
            if known is not None:
                return known
            left = _left(session, loan, payments.payable_due(session, loan))
            return _keep(session, loan, self._receipt(loan, people.of_loan(session, loan), payment, left, now), now)

    def _papers(
        self, session: Session, loan: Loan, person: Person, order: ContactOrder, now: datetime
    ) -> list[Document | _Draft]:
        """Receipts of the payments that have none yet, else the last one's, and at the end of a loan its letter.

        Nothing personal of a person who was erased. Nothing of a hand-over that is over: what was due in it the
        records do not hold any more, and that nothing is due is not true of the loan.
        """
        if people.is_erased(session, person) or order.of_entry != loan.entry:
            return []
        every = payments.of_loan(session, loan)
        paid = _received(loan, every)
        last = paid[-1] if paid else None
        papers: list[Document | _Draft] = []
        if unreceipted := documents.unreceipted(session, paid):
            left = _left(session, loan, max(payable(payments.due_after(loan, every), loan.currency), 0))
            papers += [self._receipt(loan, person, payment, left, now) for payment in unreceipted]
        elif last is not None and (known := documents.receipt_of(session, last)) is not None:
            papers.append(known)
        if order.step == RECEIPT:
            number = str(order.occurrence)
            letter = documents.letter_of(session, loan, number)
            forgiven = agreements.forgiven_minor(session, loan) if loan.end_kind == LoanEnd.SETTLED else 0
            left = _Left(0, forgiven=forgiven)
            papers.append(
                letter or _Draft(self._data(loan, person, DocumentKind.PAID_IN_FULL, number, last, left, now))
            )
        return papers

    def _receipt(self, loan: Loan, person: Person, payment: Payment, left: _Left, now: datetime) -> _Draft:
        number = f"{loan.loan_id}-{payment.id}"
        return _Draft(self._data(loan, person, DocumentKind.RECEIPT, number, payment, left, now), payment)

    def _data(
        self,
        loan: Loan,
        person: Person,
        kind: DocumentKind,
        number: str,
        payment: Payment | None,
        left: _Left,
        now: datetime,
    ) -> DocumentData:
        lender = self._settings.lender_named(loan.lender)
        zone = ZoneInfo(person.timezone) if person.timezone else None

        def money(minor: int) -> Money:
            return Money(amount_minor=minor, currency=loan.currency)

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
            remaining=money(left.due),
            wording=WORDING,
            settled=True if kind is DocumentKind.PAID_IN_FULL and loan.end_kind == LoanEnd.SETTLED else None,
            forgiven=money(left.forgiven) if left.forgiven > 0 else None,
            agreed_left=money(left.agreed) if left.agreed is not None else None,
            agency=lender.caller if lender.caller != lender.name else None,
        )


def pdf_of(document: Document) -> bytes:
    """The document as PDF; empty once the person was erased."""
    if document.pdf or document.says is None:
        return document.pdf
    return render_document(DocumentData.model_validate_json(document.says))


def _left(session: Session, loan: Loan, due_minor: int) -> _Left:
    """A loan that has ended keeps no agreement any more."""
    kept = left_to_pay(session, loan) if loan.end_kind is None else None
    return _Left(due_minor, agreed=kept.most_minor if kept is not None else None)


def _said(papers: Sequence[Document | _Draft]) -> list[str]:
    """What those papers say whose PDF is not kept."""
    return [
        paper.says for paper in papers if paper.says is not None and not (isinstance(paper, Document) and paper.pdf)
    ]


def _keep(session: Session, loan: Loan, draft: _Draft, now: datetime, *, looked: bool = False) -> Document:
    """`looked`: whoever made the draft held `documents.lock` and found no such document."""
    keep = documents.add if looked else documents.keep
    return keep(
        session,
        loan,
        kind=draft.data.kind.value,
        number=draft.data.number,
        language=draft.data.language,
        says=draft.says,
        at=now,
        payment=draft.payment,
    )


def _received(loan: Loan, every: Sequence[Payment]) -> Sequence[Payment]:
    """The payments of the current entry that stand, in the order they were received."""
    own = [one for one in every if one.entry == loan.entry and one.reversed_at is None]
    return sorted(own, key=lambda one: (one.received_at, one.id or 0))


def _day(moment: datetime, zone: ZoneInfo | None) -> date:
    return (moment.astimezone(zone) if zone else moment).date()


def _attachment(document: Document, pdf: bytes) -> Attachment:
    name = _NAMES[DocumentKind(document.kind)]
    return Attachment(filename=f"{name}-{document.number}.pdf", media_type="application/pdf", content=pdf)

"""Receipts and letters, kept with the loan they are about."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, literal
from sqlmodel import Session, col, select

from records.locks import one_at_a_time
from records.tables import Document, Loan, Payment

RECEIPT, PAID_IN_FULL = "receipt", "paid_in_full"
_RECEIPT = select(Document).where(
    col(Document.kind) == literal(RECEIPT), col(Document.payment_ref) == bindparam("payment")
)
_RECEIPTED = select(Document.payment_ref).where(
    col(Document.kind) == literal(RECEIPT), col(Document.loan_ref) == bindparam("loan")
)
_FIND = select(Document).where(
    col(Document.kind) == bindparam("kind"),
    col(Document.loan_ref) == bindparam("loan"),
    col(Document.entry) == bindparam("entry"),
    col(Document.number) == bindparam("number"),
)


def receipt_of(session: Session, payment: Payment) -> Document | None:
    return session.exec(_RECEIPT, params={"payment": payment.id}).first()


def unreceipted(session: Session, paid: Sequence[Payment]) -> list[Payment]:
    """Those of the payments, which are of one loan, that have no receipt yet, in their order."""
    known = {ref for payment in paid[:1] for ref in session.exec(_RECEIPTED, params={"loan": payment.loan_ref})}
    return [payment for payment in paid if payment.id not in known]


def find(session: Session, loan: Loan, kind: str, number: str) -> Document | None:
    """The document of this kind and number of the loan's current entry; not for receipts, which are of payments."""
    return session.exec(_FIND, params={"kind": kind, "loan": loan.id, "entry": loan.entry, "number": number}).first()


def letter_of(session: Session, loan: Loan, number: str) -> Document | None:
    """The letter of this number of the loan's current entry."""
    return find(session, loan, PAID_IN_FULL, number)


def keep(
    session: Session,
    loan: Loan,
    *,
    kind: str,
    number: str,
    language: str,
    at: datetime,
    payment: Payment | None,
    pdf: bytes = b"",
    says: str | None = None,
) -> Document:
    """Keep a document once; the same one kept again is the one that is there. `says` is what its PDF is set from;
    without `pdf` it is set whenever somebody wants it.
    """
    lock(session, loan)
    known = find(session, loan, kind, number) if payment is None else receipt_of(session, payment)
    if known is not None:
        return known
    document = add(
        session, loan, kind=kind, number=number, language=language, at=at, payment=payment, pdf=pdf, says=says
    )
    session.flush()
    return document


def lock(session: Session, loan: Loan) -> None:
    """Let nobody else keep documents of the loan until this transaction ends."""
    one_at_a_time(session, f"document:{loan.lender}:{loan.loan_id}")


def add(
    session: Session,
    loan: Loan,
    *,
    kind: str,
    number: str,
    language: str,
    at: datetime,
    payment: Payment | None,
    pdf: bytes = b"",
    says: str | None = None,
) -> Document:
    """As `keep`, of a document that is known not to be there: whoever looked held `lock`. Written with the rest."""
    assert loan.id is not None
    document = Document(
        public_id=str(uuid.uuid4()),
        loan_ref=loan.id,
        entry=loan.entry,
        kind=kind,
        payment_ref=payment.id if payment is not None else None,
        number=number,
        language=language,
        says=says,
        pdf=pdf,
        made_at=at,
    )
    session.add(document)
    return document


def by_public_id(session: Session, public_id: str) -> Document | None:
    return session.exec(select(Document).where(Document.public_id == public_id)).first()


def of_loan(session: Session, loan: Loan) -> Sequence[Document]:
    """All documents of a loan, oldest first."""
    return session.exec(select(Document).where(Document.loan_ref == loan.id).order_by(col(Document.id))).all()

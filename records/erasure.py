"""Erasing a person: their key is destroyed and their rows lose all that says who they are.

What stays is what law asks to keep and names nobody: that and when contacts were made, decided and answered, the
lender's ids, amounts, payments and the audit trail, that the person wants no contact, and, by a keyed fingerprint, at
which number or e-mail somebody else answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from domain.direct_debit import MandateStatus
from domain.events.contacts import AddressFailure
from records import audit, people, person_keys, refunds, unsettled
from records.database import Database
from records.locks import one_at_a_time
from records.tables import (
    AgreementEvidence,
    Attachment,
    BalanceRead,
    BankEntryRow,
    ClosedAddress,
    CollectionCase,
    Consent,
    ConsentRequest,
    Contact,
    EntryState,
    InboundMessage,
    IncomeSeen,
    Loan,
    LoanState,
    Mandate,
    OwnWords,
    Person,
    RefundTask,
    ReplyCorrection,
    Webhook,
)


class StillNeeded(RuntimeError):
    """What is known of the person is needed yet; the text says what for."""


class StillCollecting(StillNeeded):
    """Loans of the person are in collection or about to be; the text names them."""


class StillUnsettled(StillNeeded):
    """Money is to be given back to the person or comes from them, or a case is to be decided; the text names each."""


def erase(database: Database, lender: str, person_id: str, *, at: datetime, actor: str) -> bool:
    """Erase a person for good. False when there was nothing left to erase. Raises KeyError, StillNeeded.

    Safe to repeat, also after it broke off: the key is destroyed once the rows are empty, and forgotten last. Where the
    key is gone before, as in records from before an erasure, the rows are emptied all the same. Who is handed over
    meanwhile keeps what the hand-over told, under a key of their own (`records.portfolio_people`). The audit trail
    hears of it when it begins and when it is done: one that broke off and was overtaken so has no end.
    """
    with database.writing(durable=True) as session:
        # A hand-over under way may have found them unchanged, and be about to enter a loan of theirs.
        one_at_a_time(session, f"portfolio:{lender}")
        person = people.find(session, lender, person_id)
        if person is None:
            raise KeyError(person_id)
        people.lock(session, person)
        if person.key_id is None:
            return False
        check_not_needed(session, person, at)
        key_id = person.key_id
        if person.erased_at is None:
            _tell(session, person, "person_erasure_begun", at=at, actor=actor)
        _empty(session, person, at)
    database.keys.destroy([key_id])
    with database.writing(durable=True) as session:
        person = people.find(session, lender, person_id)
        assert person is not None
        forgotten = update(Person).where(col(Person.id) == person.id, col(Person.key_id) == key_id)
        session.execute(forgotten.values(key_id=None).execution_options(synchronize_session=False))
        _tell(session, person, "person_erased", at=at, actor=actor)
    return True


def check_not_needed(session: Session, person: Person, at: datetime) -> None:
    """Raises StillNeeded while a loan of the person, or their money or a case, waits at that moment."""
    busy = [loan.loan_id for loan in people.loans_of(session, person) if loan.state is not LoanState.ENDED]
    if busy:
        raise StillCollecting(f"not while loans of the person wait or are in collection: {', '.join(busy)}")
    waiting = unsettled.of_person(session, person, at)
    if waiting:
        raise StillUnsettled(f"not before these are settled: {', '.join(waiting)}")


def _tell(session: Session, person: Person, action: str, *, at: datetime, actor: str) -> None:
    loan_ids: list[str | None] = [loan.loan_id for loan in people.loans_of(session, person)]
    for loan_id in loan_ids or [None]:
        audit.append(session, at=at, actor=actor, action=action, lender=person.lender, loan_id=loan_id)


@dataclass(frozen=True)
class Named:
    """A person by the lender's own id."""

    lender: str
    person_id: str


def begun(session: Session) -> Sequence[Named]:
    """Whose erasure began and did not come to its end: their rows are empty, their key is not forgotten."""
    half = select(Person.lender, Person.person_id).where(
        col(Person.erased_at).is_not(None), col(Person.key_id).is_not(None)
    )
    return [Named(lender, person_id) for lender, person_id in session.exec(half.order_by(col(Person.id)))]


def without_key(session: Session, page: int = 5_000) -> Iterator[Named]:
    """Whose key is gone and whose rows are as they were: records from before their erasure, or old copies of keys.

    Raises KeysMissing where the store of keys is not these records' own.
    """
    keys, last = person_keys.of(session), 0
    while True:
        named = select(Person.id, Person.key_id, Person.lender, Person.person_id).where(
            col(Person.id) > last, col(Person.key_id).is_not(None), col(Person.erased_at).is_(None)
        )
        rows = session.exec(named.order_by(col(Person.id)).limit(page)).all()
        gone = keys.gone([key_id for _, key_id, _, _ in rows if key_id is not None])
        yield from (Named(lender, person_id) for _, key_id, lender, person_id in rows if key_id in gone)
        if len(rows) < page:
            return
        last = rows[-1][0] or 0


def _empty(session: Session, person: Person, at: datetime) -> None:
    own = person.id
    consents = select(Consent.id).where(Consent.person_ref == own)
    loans = select(Loan.id).where(Loan.person_ref == own)
    contacts = update(Contact).where(col(Contact.person_ref) == own)
    session.execute(contacts.values(address=None, text=None).execution_options(synchronize_session=False))
    session.execute(delete(BalanceRead).where(col(BalanceRead.consent_ref).in_(consents)))
    session.execute(delete(ConsentRequest).where(col(ConsentRequest.person_ref) == own))
    session.execute(delete(IncomeSeen).where(col(IncomeSeen.person_ref) == own))
    session.execute(delete(Consent).where(col(Consent.person_ref) == own))
    written = update(InboundMessage).where(col(InboundMessage.person_ref) == own)
    session.execute(written.values(text=None, mail_id=None).execution_options(synchronize_session=False))
    answered = update(OwnWords).where(col(OwnWords.person_ref) == own)
    session.execute(answered.values(subject=None, text=None).execution_options(synchronize_session=False))
    session.execute(delete(ReplyCorrection).where(col(ReplyCorrection.person_ref) == own))
    session.execute(delete(Attachment).where(col(Attachment.person_ref) == own))
    # A stranger's stay closed: nobody may write to them when their number is handed over anew as the person's.
    a_strangers = col(ClosedAddress.reason) == AddressFailure.WRONG_PERSON.value
    session.execute(delete(ClosedAddress).where(col(ClosedAddress.person_ref) == own, ~a_strangers))
    # The row stays: the debits made under it are payments, which law asks to keep.
    mandates = update(Mandate).where(col(Mandate.person_ref) == own)
    session.execute(
        mandates.values(
            iban=None, holder=None, iban_index="", bic=None, status=MandateStatus.CANCELLED, reason="erased"
        ).execution_options(synchronize_session=False)
    )
    entries = update(BankEntryRow).where(col(BankEntryRow.person_ref) == own)
    session.execute(
        entries.values(other_name=None, other_iban=None, iban_index=None, text=None).execution_options(
            synchronize_session=False
        )
    )
    # In somebody's own words, or a gateway's. Why an entry waits names another, by which it counts once.
    ignored = update(BankEntryRow).where(
        col(BankEntryRow.person_ref) == own, col(BankEntryRow.state) == EntryState.IGNORED
    )
    session.execute(ignored.values(why=None).execution_options(synchronize_session=False))
    in_doubt = col(RefundTask.why).contains(refunds.LOOK_THERE, autoescape=True)
    given_back = update(RefundTask).where(col(RefundTask.loan_ref).in_(loans), ~in_doubt)
    session.execute(given_back.values(why=None).execution_options(synchronize_session=False))
    session.execute(update(CollectionCase).where(col(CollectionCase.loan_ref).in_(loans)).values(note=None))
    words = update(AgreementEvidence).where(col(AgreementEvidence.loan_ref).in_(loans))
    session.execute(words.values(text=None).execution_options(synchronize_session=False))
    # Their bodies were sealed under the person's key; the row stays so that the event is not taken in again.
    session.execute(update(Webhook).where(col(Webhook.person_ref) == own).values(url="", headers={}))
    session.execute(
        update(Person)
        .where(col(Person.id) == own)
        .values(
            name=None,
            phone=None,
            email=None,
            phone_index=None,
            email_index=None,
            birth_year=None,
            id_digits=None,
            postal_address=None,
            city=None,
            erased_at=at,
        )
        .execution_options(synchronize_session=False)
    )

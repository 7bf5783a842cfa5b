"""Erasing a person: their key is destroyed and their rows lose all that says who they are.

What stays is what law asks to keep and names nobody: that and when contacts were made, decided and answered, the
lender's ids, amounts, payments and the audit trail, and that the person wants no contact.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from domain.direct_debit import MandateStatus
from records import audit, people, unsettled
from records.database import Database
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
    InboundMessage,
    IncomeSeen,
    Loan,
    LoanState,
    Mandate,
    OwnWords,
    Person,
    ReplyCorrection,
    Webhook,
)


class StillNeeded(RuntimeError):
    """What is known of the person is needed yet; the text says what for."""


class StillCollecting(StillNeeded):
    """Loans of the person are in collection or about to be; the text names them."""


class StillUnsettled(StillNeeded):
    """Money is to be given back to the person, or a case is to be decided; the text names the refunds and cases."""


def erase(database: Database, lender: str, person_id: str, *, at: datetime, actor: str) -> bool:
    """Erase a person for good. False when there was nothing left to erase. Raises KeyError, StillNeeded.

    Safe to repeat, also after it broke off: the key is destroyed once the rows are empty, and forgotten last.
    """
    with database.writing(durable=True) as session:
        person = people.find(session, lender, person_id)
        if person is None:
            raise KeyError(person_id)
        people.lock(session, person)
        if person.key_id is None:
            return False
        busy = [loan.loan_id for loan in people.loans_of(session, person) if loan.state is not LoanState.ENDED]
        if busy:
            raise StillCollecting(f"not while loans of the person wait or are in collection: {', '.join(busy)}")
        waiting = unsettled.of_person(session, person)
        if waiting:
            raise StillUnsettled(f"not before these are settled: {', '.join(waiting)}")
        key_id = person.key_id
        _empty(session, person, at)
    database.keys.destroy([key_id])
    with database.writing(durable=True) as session:
        person = people.find(session, lender, person_id)
        assert person is not None
        if person.key_id == key_id:
            person.key_id = None
            session.add(person)
            loan_ids: list[str | None] = [loan.loan_id for loan in people.loans_of(session, person)]
            for loan_id in loan_ids or [None]:
                audit.append(session, at=at, actor=actor, action="person_erased", lender=lender, loan_id=loan_id)
    return True


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
    session.execute(delete(ClosedAddress).where(col(ClosedAddress.person_ref) == own))
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

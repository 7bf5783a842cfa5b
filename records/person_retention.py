"""Whose records have been kept as long as they must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from records import unsettled
from records.tables import Attachment, Contact, ContactLedger, Loan, LoanState, OwnWords, Payment, Person


@dataclass(frozen=True)
class PastRetention:
    lender: str
    person_id: str
    country: str
    last_at: datetime


def past(
    session: Session, kept_until: Callable[[str, datetime], datetime], at: datetime, *, lender: str | None = None
) -> list[PastRetention]:
    """People with data, no loan waiting or in collection, nothing unsettled, and nothing new since long enough.

    `kept_until` gives the moment until which records of a country with their last event then are kept.
    """
    busy = select(Loan.person_ref).where(Loan.state != LoanState.ENDED)
    people = (
        columns(col(Person.id), col(Person.lender), col(Person.person_id), col(Person.country), col(Person.updated_at))
        .where(
            col(Person.key_id).is_not(None),
            col(Person.id).not_in(busy),
            col(Person.id).not_in(unsettled.people(at)),
        )
        .order_by(col(Person.id))
    )
    if lender is not None:
        people = people.where(col(Person.lender) == lender)
    last: dict[int, datetime] = {}
    for person_ref, moment in (
        *session.exec(select(Loan.person_ref, func.max(Loan.ended_at)).group_by(col(Loan.person_ref))).all(),
        *session.exec(select(Contact.person_ref, func.max(Contact.changed_at)).group_by(col(Contact.person_ref))).all(),
        *session.exec(
            select(Attachment.person_ref, func.max(Attachment.received_at)).group_by(col(Attachment.person_ref))
        ).all(),
        *session.exec(
            select(ContactLedger.person_ref, func.max(ContactLedger.at)).group_by(col(ContactLedger.person_ref))
        ).all(),
        *session.exec(
            select(OwnWords.person_ref, func.max(OwnWords.changed_at)).group_by(col(OwnWords.person_ref))
        ).all(),
        *session.exec(
            select(Loan.person_ref, func.max(Payment.received_at))
            .join(Payment, col(Payment.loan_ref) == col(Loan.id))
            .group_by(col(Loan.person_ref))
        ).all(),
    ):
        if moment is not None:
            last[person_ref] = max(moment, last.get(person_ref, moment))
    found = []
    for own, of_lender, person_id, country, updated_at in session.connection().execute(people):
        assert own is not None
        last_at = max(last.get(own, updated_at), updated_at)
        if kept_until(country, last_at) <= at:
            found.append(PastRetention(of_lender, person_id, country, last_at))
    return found

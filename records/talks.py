"""Calls and visits of people, in the person's contact ledger: from then on the contact rules count them."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from domain.talks import Talk, check_talk
from records import audit, contact_ledger, people
from records.tables import ContactLedger, Loan


def note(session: Session, loan: Loan, talk: Talk, *, by: str, now: datetime) -> bool:
    """Keep that there was a talk about the loan, once for each moment and channel. Raises NoTalk.

    False: it was known. Told again as answered, it is a conversation from then on; as unanswered it stays one.
    """
    check_talk(talk, now)
    person = people.of_loan(session, loan)
    people.lock(session, person)
    known = session.exec(
        select(ContactLedger.kind).where(
            ContactLedger.person_ref == person.id,
            ContactLedger.loan_ref == loan.id,
            ContactLedger.channel == talk.channel,
            ContactLedger.at == talk.at,
            col(ContactLedger.contact_ref).is_(None),
        )
    ).all()
    missing = [kind for kind in talk.kinds_of_ours if kind not in known]
    if missing and talk.inbound:
        contact_ledger.add_talk_begun(session, person, talk.channel, talk.at)
    for kind in missing:
        contact_ledger.add_talk(session, loan, talk.channel, kind, talk.at)
    if missing:
        details = {
            "channel": talk.channel.value,
            "at": talk.at.isoformat(),
            "inbound": talk.inbound,
            "answered": talk.answered,
        }
        audit.append(
            session,
            at=now,
            actor=by[:80],
            action="talk_noted",
            lender=loan.lender,
            loan_id=loan.loan_id,
            details=details,
        )
    return bool(missing)

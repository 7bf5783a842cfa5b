"""A borrower takes back in words the permission to read their account: it is over at once, whoever asks afterwards.

Whoever has the number is believed: nothing but a permission is taken away, and another can be given. The banks are told
by the daily run, as of every consent that was revoked here.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from domain.consent_words import Withdrawal
from domain.replies.labels import Intent
from records import consents, people
from records.tables import InboundMessage, Person
from web.consequence import note


def may_be_read(session: Session, person: Person) -> bool:
    """Whether there is a consent of theirs, or a request for one, that a withdrawal ends."""
    return consents.has_open(session, person)


def withdraw(session: Session, person: Person, message: InboundMessage, said: Withdrawal, at: datetime) -> None:
    """End what the person withdrew; somebody reads the message and tells them so. It asks for no balance."""
    certain, open_one = said in (Withdrawal.SAID, Withdrawal.ASKED), may_be_read(session, person)
    if not certain and not (open_one and (said is Withdrawal.UNNAMED or Intent.ASK_BALANCE in message.intents)):
        return
    kept = [name for name in message.intents if name != Intent.ASK_BALANCE]
    message.intents, message.needs_human = kept or [Intent.OTHER.value], True
    session.add(message)
    if not open_one or said not in (Withdrawal.SAID, Withdrawal.UNNAMED):
        return
    people.lock(session, person)
    ended = consents.revoke(session, person, at)
    loan_id = next((loan.loan_id for loan in people.loans_of(session, person)), None)
    for _ in ended:
        note(session, at, "borrower", "consent_over", person.lender, loan_id, {"because": consents.REVOKED})

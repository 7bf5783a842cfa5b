"""Several people at one number, a couple with one telephone or who owes two lenders: whose loan a message answers.

What gives something away, such as a yes or a promise, counts for that loan alone; what protects counts for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from domain.conversation.yes_no import read_yes_no, word_for_yes_or_no
from domain.opt_out_words import OptOutReading
from domain.quoted_back import own_words
from domain.replies.labels import Intent
from domain.webhook_news import InboundNews
from domain.who_writes import Writer, says_it_is_them
from records.tables import Contact, InboundMessage, Loan, LoanState, Person
from web.hearing import Heard, contact_answered, may_ask_for_silence, says, wants_to_stop
from web.open_questions import asks_yes_or_no, may_be_read, stands
from web.ports import OwedSignal, SignalName

_HOLDS: Final = {Intent.VULNERABLE: "vulnerable", Intent.DISPUTE: "dispute"}
"""What holds a loan also where it was said to another one: which of them is meant a person has to find out."""


@dataclass(frozen=True)
class Meant:
    """Whose loan a message answers. `unanswered`: others who wait for nothing but their yes or no, where that one was
    asked for none: they were written to last, and nothing else tells whose word it is."""

    person: Person
    unanswered: frozenset[int] = frozenset()

    def is_person(self, person: Person) -> bool:
        return person.id == self.person.id

    def may_be_answered_by(self, person_ref: int, text: str) -> bool:
        """Whether a bare yes or no may be what another one was asked for, so that somebody has to ask them."""
        return person_ref in self.unanswered and read_yes_no(text) is not None


def whom_it_answers(session: Session, senders: Sequence[Person], news: InboundNews, at: datetime) -> Meant:
    """Of `senders`, all who are reached by the number a message came from, the one whose loan it answers.

    Who got the message of ours that it quotes; else who names themselves in it; else who was written to last, until
    `at` when it was written: by this channel, and from the number of ours that it came to, where any of them was. Loans
    in collection go before others. Where nobody was written to, whoever owes the loan that was handed over last: what
    is promised is read back.
    """
    known = {person.id: person for person in senders if person.id is not None}
    if len(known) == 1:
        return Meant(senders[0])
    quoted = contact_answered(session, news)
    if quoted is not None and quoted.person_ref in known:
        return Meant(known[quoted.person_ref])
    # Words that anybody may say of themselves ("soy la titular") name nobody.
    by_name = [] if says_it_is_them(news.text) else [one for one in senders if says_it_is_them(news.text, one.name)]
    if len(by_name) == 1:
        return Meant(by_name[0])
    owed = session.exec(select(Loan.id, Loan.person_ref, Loan.state).where(col(Loan.person_ref).in_(list(known)))).all()
    collected = [each for each in owed if each[2] is LoanState.IN_COLLECTION]
    wanted = collected or [each for each in owed if each[2] is not LoanState.ENDED] or owed
    if not wanted:
        return Meant(senders[0])
    told = session.exec(select(Contact).where(col(Contact.loan_ref).in_([each[0] for each in wanted]))).all()
    if not told:
        return Meant(known[max(wanted, key=lambda each: each[0] or 0)[1]])
    ours = _bare(news.written_to)

    def rank(each: Contact) -> tuple[bool, bool, bool, bool, datetime, int]:
        same = each.channel is news.channel
        from_there = same and ours is not None and _bare(each.sender) == ours
        until_then = each.reserved_at <= at
        return may_be_read(each), until_then, same, from_there, each.reserved_at, each.id or 0

    last = max(told, key=rank)
    unanswered = frozenset() if _asks(last, news, at) else _asked_last(told, last.person_ref, news, at)
    return Meant(known[last.person_ref], unanswered)


def concerns(heard: Heard, meant: Meant, heard_of_meant: Heard, news: InboundNews, reading: OptOutReading) -> bool:
    """Whether what was said to another at the number is kept with this person too, who is not `meant`."""
    message = heard.message
    return (
        reading is not OptOutReading.NOT_ABOUT_THIS
        or at_the_wrong_number(heard, heard_of_meant)
        or wants_to_stop(message, news.text)
        or may_ask_for_silence(message)
        or holds_all(message)
        or meant.may_be_answered_by(heard.message.person_ref, news.text)
    )


def at_the_wrong_number(heard: Heard, heard_of_meant: Heard) -> bool:
    """Whether the address is somebody else's and no address of this person.

    It is theirs too where only the model hears a stranger in words of another borrower: that one said who they are.
    """
    if heard.writer is Writer.LIKELY_ANOTHER:
        return heard_of_meant.writer in (Writer.ANOTHER, Writer.LIKELY_ANOTHER)
    return heard.writer is Writer.ANOTHER


def signals_for_others(heard: Heard, loans: Sequence[Loan]) -> list[OwedSignal]:
    """What holds a person's loans although it was said to another's at the same number; that one's loan answers."""
    told = []
    for intent, kind in _held_by(heard.message).items():
        # A death is one of the person, a dispute of what they were last written to about.
        whole = intent is Intent.VULNERABLE
        about = heard.loan.id if heard.loan is not None else None
        held = [loan for loan in loans if loan.state is not LoanState.ENDED and (whole or loan.id == about)]
        name = SignalName.CIRCUMSTANCE_REPORTED
        told += [OwedSignal(lender=one.lender, loan_id=one.loan_id, name=name, payload={"kind": kind}) for one in held]
    return told


def holds_all(message: InboundMessage) -> bool:
    """Whether it says what holds the loans of everybody at the number until a person has decided."""
    return bool(_held_by(message))


def _held_by(message: InboundMessage) -> dict[Intent, str]:
    """Of a plain yes or no, which is an answer to another's question, nothing."""
    if word_for_yes_or_no(own_words(message.text or "")) is not None:
        return {}
    return {intent: kind for intent, kind in _HOLDS.items() if says(message, intent)}


def _asks(told: Contact, news: InboundNews, at: datetime) -> bool:
    """Whether it waited for a yes or a no by the channel of `news` when that was written."""
    asks = asks_yes_or_no(told) and told.channel is news.channel
    return asks and may_be_read(told) and stands(told, at)


def _asked_last(told: Sequence[Contact], answered: int, news: InboundNews, at: datetime) -> frozenset[int]:
    """People but the one who is `answered` whose last message from us by the channel of `news` asks for a yes."""
    last: dict[int, Contact] = {}
    for each in sorted(told, key=lambda one: (one.reserved_at, one.id or 0)):
        if each.channel is news.channel and each.reserved_at <= at and may_be_read(each):
            last[each.person_ref] = each
    return frozenset(ref for ref, each in last.items() if ref != answered and _asks(each, news, at))


def _bare(number: str | None) -> str | None:
    """A number, or a platform's id of one, by its digits alone; None for a name, which cannot be written to."""
    digits = "".join((number or "").replace("+", "").split())
    return digits if digits.isdigit() else None

"""Offering a plan or a settlement in a conversation: asked for, offered with its payments, agreed on by a recorded yes.

The machine asks the same engine as an agent, gets only what it may agree on alone, and what it agrees on goes the way
of every agreement (`domain/agreements/catalogue.py`). One offer at a time; an offer that somebody else made is not
touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.agreements.catalogue import offer_accepted, overtaken, terms_agreed
from domain.agreements.limits import kind_refused, terms_of
from domain.agreements.making import agreement_cancelled
from domain.agreements.model import Agreement, AgreementKind, AgreementState, Evidence, Via
from domain.agreements.terms import Authority
from domain.conversation.model import Answer, AnswerKind, Asking, Offered
from domain.conversation.saying import Heard, change, gets_on, of, say, to_a_person
from domain.events.agreements import (
    AgreementCancelled,
    MadeOffer,
    OfferAccepted,
    OffersMade,
    PlanAgreed,
    SettlementAgreed,
    TermsAgreed,
)
from domain.events.borrower import ReplyUnderstood
from domain.loan_state import LoanState
from domain.replies.labels import Intent

MACHINE = "machine"
OFFER_STANDS = timedelta(days=3)
"""A yes that comes later than this is no answer to what was offered."""
TOLD_AT_MOST = 24
"""Payments that an answer can name one by one; longer schedules are for the borrower's page and for people."""
_PLAN, _SETTLEMENT = AgreementKind.PLAN, AgreementKind.SETTLEMENT
_ASKED_FOR = {Intent.REQUEST_PLAN: (_PLAN,), Intent.REQUEST_DISCOUNT: (_SETTLEMENT, _PLAN)}
_ORDERS: dict[AgreementKind, type[TermsAgreed]] = {_PLAN: PlanAgreed, _SETTLEMENT: SettlementAgreed}
_OFFERS = {_PLAN: AnswerKind.PLAN_OFFER, _SETTLEMENT: AnswerKind.SETTLEMENT_OFFER}


def kinds_asked_for(state: LoanState, event: ReplyUnderstood) -> tuple[AgreementKind, ...]:
    """What the engine may be asked for to answer this message; nothing where only a person could offer it."""
    kinds = _ASKED_FOR.get(event.intents[0], ())
    if Intent.WRONG_PERSON in event.intents or (kinds and not _machine_may(state, kinds[0])):
        return ()
    return tuple(kind for kind in kinds if _machine_may(state, kind))


def ask(state: LoanState, event: ReplyUnderstood, kinds: tuple[AgreementKind, ...]) -> LoanState:
    """The engine is to be asked before anything is said."""
    talk = of(state)
    if talk.offered is not None:
        # It may have left before this takes its place; nobody can say yes to what they were not told. Whoever asks for
        # another offer takes an early yes back.
        state = change(state, offered=talk.offered.hearing_nothing().model_copy(update={"untold": teller(state)}))
    asked = talk.asked + 1
    asking = Asking(
        number=asked,
        kinds=kinds,
        intents=event.intents,
        channel=event.channel,
        bearable_minor=event.promise_amount_minor,
    )
    return change(state, asking=asking, asked=asked, answer=None)


def wants_offers(state: LoanState) -> Asking | None:
    """The question that the engine has to answer now."""
    talk = state.conversation
    return talk.asking if talk is not None and state.end is None and not state.ceased else None


def offers_made(state: LoanState, event: OffersMade, now: datetime) -> tuple[LoanState, str | None]:
    """The first of the engine's offers is told; without any a person goes on."""
    asking = of(state).asking
    if asking is None or asking.number != event.number:
        return state, None
    state = change(state, asking=None)
    if state.end is not None or state.ceased:
        return state, None
    return _offer(state, asking, event.offers, now, "none can be offered"), None


def answered(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState | None:
    """A plain yes or no to the offer that waits; None when none does. Of one that is not known to have left yet, that
    report decides; a yes given in time and heard late is for a person."""
    if (early := _not_told_yet(state, event)) is not None:
        return change(state, offered=early)
    if _heard_late(state, event, now):
        why = "a yes to an offer was heard late"
        return to_a_person(change(state, offered=None), event, now, AnswerKind.PERSON, why)
    offered = standing(state, now)
    if offered is None:
        return _asked_anew(state, event, now)
    if event.says == "no":
        return declined(state, event, offered, now)
    evidence = Evidence(at=event.received_at, message_id=event.message_id, text_sha256=event.text_sha256)
    yes = OfferAccepted(number=offered.number, by="borrower", via=Via.MESSAGE, evidence=evidence)
    state = change(state, offered=None, asking=None)
    accepted, refused = offer_accepted(state, yes, now)
    if refused is not None:
        return to_a_person(state, event, now, AnswerKind.PERSON, f"accepts an offer: {refused}")
    return say(accepted, event, now, AnswerKind.AGREED, agreement=offered.number, progress=True)


def _asked_anew(state: LoanState, event: ReplyUnderstood, now: datetime) -> LoanState | None:
    """A yes to an offer whose last day has passed: what may be offered now is told, else a person goes on."""
    offered = _told_lately(state, now)
    offer = _numbered(state, offered.number) if offered is not None else None
    if event.says != "yes" or offer is None or offer.state is not AgreementState.EXPIRED:
        return None
    state = change(state, offered=None)
    if not _machine_may(state, offer.kind):
        why = f"accepts an offer: {offer.kind} {offer.number} is expired already"
        return to_a_person(state, event, now, AnswerKind.PERSON, why)
    return ask(state, event, (offer.kind,))


def declined(state: LoanState, heard: Heard, offered: Offered, now: datetime) -> LoanState:
    """This offer is off; the next one, else a person."""
    state = change(state, offered=None)
    state, _ = agreement_cancelled(state, AgreementCancelled(number=offered.number, by="borrower"), now)
    return _offer(state, heard, offered.others, now, "declined what could be offered")


def withdrawn(state: LoanState, now: datetime) -> LoanState:
    """Nothing waits for a yes any more, and nothing is asked for."""
    talk = state.conversation
    if talk is None or (talk.offered is None and talk.asking is None):
        return state
    if talk.offered is not None:
        called_off = AgreementCancelled(number=talk.offered.number, by=MACHINE)
        state, _ = agreement_cancelled(state, called_off, now)
    return change(state, offered=None, asking=None)


def standing(state: LoanState, now: datetime) -> Offered | None:
    """The offer that a yes would accept now: one that the borrower was told of, not long ago."""
    offered = _told_lately(state, now)
    offer = _numbered(state, offered.number) if offered is not None else None
    return offered if offer is not None and offer.state is AgreementState.PROPOSED else None


def told(state: LoanState) -> Offered | None:
    """The offer that is known to have left."""
    offered = of(state).offered
    return None if offered is None or teller(state) is not None else offered


def teller(state: LoanState) -> int | None:
    """The number of the answer that tells the offer, while nobody has said yet that it left."""
    talk = of(state)
    if talk.offered is None:
        return None
    waits = talk.answer is not None and talk.answer.agreement == talk.offered.number
    return talk.answer.number if waits and talk.answer is not None else talk.offered.untold


def _not_told_yet(state: LoanState, event: ReplyUnderstood) -> Offered | None:
    """The offer with this yes or no beside it: it may have been read, though nobody has said yet that it left."""
    talk = of(state)
    offered, answer = talk.offered, talk.answer
    if offered is None or teller(state) is None or event.received_at - offered.asked_at > OFFER_STANDS:
        return None
    waits = answer is not None and answer.agreement == offered.number
    if event.says != "yes" and not waits:
        return None
    return offered.hearing(event)


def _heard_late(state: LoanState, event: ReplyUnderstood, now: datetime) -> bool:
    """Said in time and heard late, as what is fetched after an outage: what was offered may be over."""
    offered = told(state)
    if offered is None or event.says != "yes" or now - offered.asked_at <= OFFER_STANDS:
        return False
    return event.received_at - offered.asked_at <= OFFER_STANDS


def _told_lately(state: LoanState, now: datetime) -> Offered | None:
    offered = told(state)
    return None if offered is None or now - offered.asked_at > OFFER_STANDS else offered


def went_out(state: LoanState, number: int, sent_at: datetime | None) -> LoanState:
    """Answer `number` left: the offer that it tells can be agreed on."""
    offered = of(state).offered
    if offered is None or teller(state) != number:
        return state
    return change(state, offered=offered.hearing_nothing().model_copy(update={"untold": None, "sent_at": sent_at}))


def may_be_said(state: LoanState, answer: Answer, now: datetime) -> bool:
    """An offer is told only while it can be agreed on, an agreement confirmed only while it is in force."""
    if answer.agreement is None:
        return True
    about = _numbered(state, answer.agreement)
    if about is None:
        return False
    if answer.kind is AnswerKind.AGREED:
        return about.live
    return about.state is AgreementState.PROPOSED and overtaken(state, about, now) is None


def _offer(state: LoanState, heard: Heard, offers: Sequence[MadeOffer], now: datetime, otherwise: str) -> LoanState:
    waiting = [a for a in state.agreements if a.state is AgreementState.PROPOSED and a.proposed_by != MACHINE]
    for index, made in enumerate(offers if gets_on(state) and not waiting else ()):
        order = _ORDERS.get(made.kind)
        if order is None or made.terms.role is not Authority.MACHINE:
            continue
        terms = order.model_validate(made.terms.model_dump() | {"by": MACHINE, "evidence": None})
        proposed, refused = terms_agreed(state, terms, now)
        if refused is not None or proposed.agreements[-1].approved_by is None:
            continue
        number = proposed.agreements[-1].number
        offered = Offered(number=number, asked_at=now, others=tuple(offers[index + 1 :]))
        told = change(proposed, offered=offered, proposed=None, moving=None)
        return say(told, heard, now, _OFFERS[made.kind], agreement=number)
    why = "another offer waits" if waiting else otherwise if gets_on(state) else "the conversation does not get on"
    asked = ", ".join(heard.intents).replace("_", " ")
    return to_a_person(state, heard, now, AnswerKind.PERSON, f"the borrower wrote: {asked}; {why}")


def _machine_may(state: LoanState, kind: AgreementKind) -> bool:
    """Whether the catalogue has anything of this kind that the machine may agree on alone."""
    terms = terms_of(state.strategy, kind)
    if terms is None or kind_refused(state, kind) is not None:
        return False
    alone = [option for option in terms.options if option.authority is Authority.MACHINE]
    if kind is not _SETTLEMENT:
        return bool(alone)
    return any(getattr(option, "machine_percent", 100) < 100 for option in alone)


def _numbered(state: LoanState, number: int) -> Agreement | None:
    return next((a for a in state.agreements if a.number == number), None)

"""A plan or settlement offered by the machine: asked for, told with its payments, agreed on by a recorded yes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.actions import AskOffers
from domain.agreements.model import AgreementKind, AgreementState, Via
from domain.agreements.offers import agreeing, offers, request_of
from domain.agreements.terms import Authority, PlanTerms, SettlementTerms
from domain.collection import apply
from domain.contact import Channel
from domain.contact_orders import SendContact
from domain.conversation.model import AnswerKind
from domain.conversation.offering import MACHINE
from domain.conversation.terms import ConversationTerms
from domain.entering import enter
from domain.events.agreements import MadeOffer, OffersMade, SettlementAgreed, TermsAgreed
from domain.events.borrower import CircumstanceReported, OptOut
from domain.events.contacts import ContactOutcome, ContactReported
from domain.events.payments import PaymentReceived
from domain.ledger_entries import CaseKind, CaseOpenedEntry
from domain.loan_state import LoanState
from domain.planning import plan
from tests.domain.conversation.test_answering import said
from tests.domain.simulated_loan import START, facts, strategy

CATALOGUE = {
    "plans": PlanTerms.model_validate(
        {
            "options": [
                {"id": "monthly", "instalments": 3, "first_within_days": 10},
                {"id": "fortnightly", "instalments": 4, "every": "fortnight", "first_within_days": 5},
                {"id": "long", "instalments": 12, "authority": "agent"},
            ]
        }
    ),
    "settlements": SettlementTerms.model_validate(
        {"options": [{"id": "late", "floor_percent": 60, "agent_percent": 80, "machine_percent": 90}]}
    ),
}


def lending(**changed: Any) -> LoanState:
    more = {"watch": None, "conversation": ConversationTerms(confidence=0.5), **CATALOGUE, **changed}
    return enter(facts(), strategy(watch=None).model_copy(update=more), START)


def engine(state: LoanState, now: datetime = START) -> LoanState:
    """Answers as the activity does, whenever the loan asks."""
    state, action = plan(state, now)
    if not isinstance(action, AskOffers):
        return state
    asking = action.asking
    request = request_of(state, now, Authority.MACHINE, asking.bearable_minor)
    found = [o for kind in asking.kinds for o in offers(request, state.strategy).offers if o.kind is kind]
    made = tuple(
        MadeOffer(
            kind=o.kind,
            terms=TermsAgreed.model_validate(
                agreeing(o, by=MACHINE, role=Authority.MACHINE, via=Via.MESSAGE).model_dump()
            ),
        )
        for o in found
    )
    return apply(state, OffersMade(number=asking.number, offers=made), now)[0]


def wrote(state: LoanState, *intents: str, number: int, now: datetime = START, **more: Any) -> LoanState:
    """The borrower writes; whatever the loan then wants to say goes out."""
    state, refused = apply(state, said(*intents, number=number, received_at=now, **more), now)
    assert refused is None
    return sent(engine(state, now), now)


def sent(state: LoanState, now: datetime = START) -> LoanState:
    order = answer_of(state, now)
    if order is None:
        return state
    done = ContactReported(step="reply", occurrence=order.occurrence, outcome=ContactOutcome.SENT)
    return apply(state, done, now)[0]


def answer_of(state: LoanState, now: datetime = START) -> SendContact | None:
    _, order = plan(state, now)
    return order if isinstance(order, SendContact) and order.step == "reply" else None


def asked(state: LoanState, *intents: str, **more: Any) -> SendContact | None:
    """What is about to be said to the first message."""
    state, _ = apply(state, said(*intents, **more), START)
    return answer_of(engine(state))


def test_who_asks_for_instalments_is_told_each_with_its_day() -> None:
    order = asked(lending(), "request_plan")

    assert order is not None
    assert order.template == AnswerKind.PLAN_OFFER
    assert [p.amount_minor for p in order.payments] == [10_000, 10_000, 10_000]
    assert len({p.due for p in order.payments}) == 3
    assert order.agreed is not None
    assert order.agreed.amount_minor == sum(p.amount_minor for p in order.payments)


def test_an_offer_is_no_agreement_until_the_yes_and_then_it_is_one_with_its_evidence() -> None:
    state = wrote(lending(), "request_plan", number=1)
    assert state.agreement is None

    state, _ = apply(state, said("acknowledgement", number=2, says="yes", text_sha256="b" * 64), START)

    assert state.agreement is not None
    assert (state.agreement.kind, state.agreement.state) == ("plan", AgreementState.ACTIVE)
    assert state.agreement.evidence is not None
    assert (state.agreement.evidence.message_id, state.agreement.evidence.text_sha256) == ("twilio:SM2", "b" * 64)
    order = answer_of(state)
    assert order is not None
    assert order.template == AnswerKind.AGREED


@pytest.mark.parametrize(("left", "agreed"), [(ContactOutcome.SENT, True), (ContactOutcome.FAILED, False)])
def test_a_yes_to_an_offer_that_left_while_another_message_came_in_counts(left: ContactOutcome, agreed: bool) -> None:
    """Given an offer under way when the borrower asks something else, their yes to it was silently lost."""
    state, _ = apply(lending(), said("request_plan", number=1), START)
    state = engine(state)
    offer = answer_of(state)
    assert offer is not None
    state, _ = apply(state, said("ask_balance", number=2), START)

    state, _ = apply(state, ContactReported(step="reply", occurrence=offer.occurrence, outcome=left), START)
    state, _ = apply(sent(state), said("acknowledgement", number=3, says="yes"), START)

    assert (state.agreement is not None) == agreed


def test_a_yes_before_the_offer_has_gone_out_agrees_to_nothing() -> None:
    state, _ = apply(lending(), said("request_plan", number=1), START)
    state = engine(state)

    state, _ = apply(state, said("acknowledgement", number=2, says="yes"), START)

    assert state.agreement is None


def test_a_yes_to_an_offer_that_another_answer_took_the_place_of_agrees_to_nothing() -> None:
    state, _ = apply(lending(), said("request_plan", number=1), START)
    state = engine(state)
    state = wrote(state, "ask_balance", number=2)

    state, _ = apply(state, said("acknowledgement", number=3, says="yes"), START)

    assert state.agreement is None


def test_a_yes_long_after_agrees_to_nothing() -> None:
    state = wrote(lending(), "request_plan", number=1)
    later = START + timedelta(days=4)

    state, _ = apply(state, said("acknowledgement", number=2, says="yes", received_at=later), later)

    assert state.agreement is None


def test_a_yes_to_an_offer_given_in_time_and_heard_late_is_for_a_person() -> None:
    """Given an offer and a yes an hour later, when an outage lets us hear it four days after, then nothing is agreed
    on, a person reads it, and the borrower is told so."""
    state = wrote(lending(), "request_plan", number=1)
    later = START + timedelta(days=4)

    in_time = said("acknowledgement", number=2, says="yes", received_at=START + timedelta(hours=1))
    state, _ = apply(state, in_time, later)

    assert state.agreement is None
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]
    order = answer_of(state, later)
    assert order is not None
    assert order.template == AnswerKind.PERSON


def offered_while_its_report_is_held_up() -> LoanState:
    state, _ = apply(lending(), said("request_plan", number=1), START)
    return engine(state)


def reported(state: LoanState, left: datetime, now: datetime, occurrence: int = 1) -> LoanState:
    report = ContactReported(step="reply", occurrence=occurrence, outcome=ContactOutcome.SENT, sent_at=left)
    return apply(LoanState.model_validate(state.model_dump(mode="json")), report, now)[0]


@pytest.mark.parametrize(("minutes", "agreed"), [(-3, False), (-1, True), (5, True)])
@pytest.mark.parametrize("between", [(), ("ask_balance",)])
def test_a_yes_that_overtakes_the_report_that_its_offer_left_counts(
    minutes: int, agreed: bool, between: tuple[str, ...]
) -> None:
    """Given an offer that left at nine while its report is held up, when the yes of five past nine is heard first, then
    it counts as soon as the report comes, also where another answer took its place, and so does one of a minute before
    by clocks that are apart; one of before that does not."""
    state = offered_while_its_report_is_held_up()
    for intent in between:
        state, _ = apply(state, said(intent, number=3), START)
    written = START + timedelta(minutes=minutes)
    state, _ = apply(state, said("acknowledgement", number=2, says="yes", received_at=written), START)
    assert state.agreement is None

    state = reported(state, START, START + timedelta(hours=1))

    assert (state.agreement is not None) is agreed
    if agreed:
        assert state.agreement is not None
        assert state.agreement.evidence is not None
        assert (state.agreement.evidence.message_id, state.agreement.evidence.at) == ("twilio:SM2", written)
        order = answer_of(state)
        assert order is not None
        assert order.template == AnswerKind.AGREED


def test_a_no_that_overtakes_the_report_that_its_offer_left_brings_the_next_offer() -> None:
    state = offered_while_its_report_is_held_up()
    state, _ = apply(state, said("other", number=2, says="no", received_at=START + timedelta(minutes=5)), START)

    state = reported(state, START, START + timedelta(hours=1))

    order = answer_of(state)
    assert order is not None
    assert len(order.payments) == 4


@pytest.mark.parametrize("leaves", [True, False])
@pytest.mark.parametrize(
    ("intent", "word", "circumstance", "kinds"),
    [
        ("already_paid", "yes", None, [CaseKind.PAYMENT_QUERY]),
        ("hardship", "no", "hardship", [CaseKind.CIRCUMSTANCE]),
    ],
)
def test_what_was_written_before_the_offer_left_and_heard_before_its_report_says_what_it_says(
    leaves: bool, intent: str, word: str, circumstance: str | None, kinds: list[CaseKind]
) -> None:
    """Given an offer that leaves at ten, or never, when "hecho" or "no puedo" of nine is heard before that is known,
    then that is a payment, or hardship."""
    state = offered_while_its_report_is_held_up()
    state, _ = apply(state, said(intent, number=2, says=word), START)
    left = START + timedelta(hours=1)
    never = ContactReported(step="reply", occurrence=1, outcome=ContactOutcome.UNREACHABLE)

    state = reported(state, left, left) if leaves else apply(state, never, left)[0]

    assert (state.agreement, state.circumstance) == (None, circumstance)
    assert [case.kind for case in state.cases] == kinds


@pytest.mark.parametrize("heard_after", [True, False])
def test_hecho_after_an_offer_that_gave_way_to_another_answer_and_never_left_is_a_payment(heard_after: bool) -> None:
    """Given an offer that gave way to another answer, when the borrower writes "hecho" an hour later, before or after
    that answer is known to have left, then it is a payment; who then asks for a plan is offered one that counts."""
    state = offered_while_its_report_is_held_up()
    state, _ = apply(state, said("ask_balance", number=2), START)
    later = START + timedelta(hours=1)
    state = reported(state, START, START, 2) if heard_after else state
    state, _ = apply(state, said("already_paid", number=3, says="yes", received_at=later), later)
    state = state if heard_after else reported(state, later, later, 2)
    assert [case.kind for case in state.cases] == [CaseKind.PAYMENT_QUERY]

    state = wrote(sent(state, later), "request_plan", number=4, now=later)
    state, _ = apply(state, said("acknowledgement", number=5, says="yes", received_at=later), later)

    assert state.agreement is not None


def test_a_question_by_a_way_that_was_stopped_leaves_an_offer_by_another_as_it_was() -> None:
    """Given text messages stopped and an offer by WhatsApp, when the borrower asks by text message how much it is, then
    a person reads that, and the yes by WhatsApp is a yes to the offer."""
    state, _ = apply(lending(), OptOut(channel=Channel.SMS), START)
    state = wrote(state, "request_plan", number=1, channel="whatsapp")

    state = wrote(state, "ask_balance", number=2)
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]
    state, _ = apply(state, said("acknowledgement", number=3, says="yes", channel="whatsapp"), START)

    assert state.agreement is not None


def test_whoever_asks_for_another_offer_takes_an_early_yes_back() -> None:
    state = offered_while_its_report_is_held_up()
    for number, (intent, word) in enumerate([("acknowledgement", "yes"), ("request_plan", None)], 2):
        written = START + timedelta(minutes=number)
        state, _ = apply(state, said(intent, number=number, says=word, received_at=written), written)

    state = reported(state, START, START + timedelta(hours=1))

    assert state.agreement is None


def test_a_yes_written_before_the_offer_and_fetched_after_it_agrees_to_nothing() -> None:
    """Given "ok" to a reminder, lost on its way, and an offer that left an hour later, when the "ok" is fetched, then
    nothing is agreed on and a person reads it; the offer can still be agreed on."""
    left = START + timedelta(hours=1)
    state = reported(offered_while_its_report_is_held_up(), left, left)

    state, _ = apply(state, said("acknowledgement", number=2, says="yes"), left)
    assert state.agreement is None
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]

    state, _ = apply(state, said("acknowledgement", number=3, says="yes", received_at=left), left)
    assert state.agreement is not None


def test_an_offer_that_could_not_be_sent_agrees_to_nothing() -> None:
    state, _ = apply(lending(), said("request_plan", number=1), START)
    state = engine(state)
    failed = ContactReported(step="reply", occurrence=1, outcome=ContactOutcome.UNREACHABLE)
    state, _ = apply(state, failed, START)

    state, _ = apply(state, said("acknowledgement", number=2, says="yes"), START)

    assert state.agreement is None


@pytest.mark.parametrize("no", [{"says": "no"}, {}])
def test_after_a_no_or_another_question_comes_the_next_offer_and_then_a_person(no: dict[str, Any]) -> None:
    state = wrote(lending(), "request_plan", number=1)
    state, _ = apply(state, said("request_plan", number=2, **no), START)
    order = answer_of(state)
    assert order is not None
    assert len(order.payments) == 4

    state = wrote(sent(state), "request_plan", number=3, **no)

    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]
    assert not [a for a in state.agreements if a.state is AgreementState.PROPOSED]


def test_what_they_say_they_can_pay_each_time_decides_the_plan() -> None:
    order = asked(lending(), "request_plan", promise_amount_minor=8_000)

    assert order is not None
    assert [p.amount_minor for p in order.payments] == [7_500] * 4


def test_a_discount_is_offered_only_as_far_as_the_machine_may_go() -> None:
    order = asked(lending(), "request_discount", needs_human=True)

    assert order is not None
    assert order.template == AnswerKind.SETTLEMENT_OFFER
    assert [p.amount_minor for p in order.payments] == [27_000]


@pytest.mark.parametrize(
    ("intents", "more", "changed"),
    [
        (["request_plan"], {}, {"plans": None}),
        (["request_discount"], {"needs_human": True}, {"settlements": None}),
        (["request_plan", "complaint"], {"needs_human": True}, {}),
        (["request_plan"], {"needs_human": True}, {}),
        (["request_plan"], {"confidence": 0.3}, {}),
        (["request_plan"], {}, {"conversation": ConversationTerms(people_after_dpd=0), "name": "late"}),
        (["hardship"], {}, {}),
        (["request_plan", "dispute"], {}, {}),
        (["vulnerable", "request_plan"], {}, {}),
        (["wrong_person", "request_plan"], {}, {}),
    ],
)
def test_nothing_is_offered_where_a_person_or_nobody_should_answer(
    intents: list[str], more: dict[str, Any], changed: dict[str, Any]
) -> None:
    now = START + timedelta(days=40)
    state, _ = apply(lending(**changed), said(*intents, **more), now)

    state = engine(state, now)

    assert not state.agreements
    order = answer_of(state, now)
    assert order is None or order.template in (AnswerKind.PERSON, AnswerKind.WITH_CARE)


def test_an_offer_that_a_circumstance_overtakes_is_neither_told_nor_agreed_on() -> None:
    state, _ = apply(lending(), said("request_plan", number=1), START)
    state = engine(state)
    state, _ = apply(state, CircumstanceReported.model_validate({"kind": "dispute"}), START)
    assert answer_of(state) is None

    state, _ = apply(state, said("acknowledgement", number=2, says="yes"), START)

    assert state.agreement is None


def test_a_yes_to_an_offer_that_never_left_agrees_to_nothing_although_it_was_asked_for_twice() -> None:
    """Given a conversation that no longer gets on, so that the second question goes to a person."""
    state = lending()
    for number, intent in enumerate(["other", "promise_to_pay", "other"], 1):
        state = wrote(state, intent, number=number)
    for number in (4, 5):
        state, _ = apply(state, said("request_plan", number=number), START)
        state = engine(state)

    state, _ = apply(sent(state), said("acknowledgement", number=6, says="yes"), START)

    assert state.agreement is None


def test_an_offer_of_an_agent_is_not_replaced() -> None:
    state = lending()
    request = request_of(state, START, Authority.SUPERVISOR)
    floor = next(o for o in offers(request, state.strategy).offers if o.percent == 60)
    order = agreeing(floor, by="agent-7", role=Authority.AGENT, via=Via.AGENT)
    state, _ = apply(state, SettlementAgreed.model_validate(order.model_dump()), START)

    state = wrote(state, "request_plan", number=1)

    assert [(a.kind, a.state) for a in state.agreements] == [(AgreementKind.SETTLEMENT, AgreementState.PROPOSED)]
    assert CaseKind.HANDOFF in [case.kind for case in state.cases]


_WRITTEN: list[tuple[str, dict[str, Any]]] = [
    ("request_plan", {}),
    ("request_discount", {"needs_human": True}),
    ("acknowledgement", {"says": "yes"}),
    ("acknowledgement", {"says": "no"}),
    ("promise_to_pay", {"promise_date": "2026-03-20", "promise_amount_minor": 9_000}),
    ("hardship", {}),
]
_MESSAGES = st.lists(st.sampled_from([*_WRITTEN, ("pay", {})]), max_size=9)
_MESSAGES_ALONE = st.sampled_from([*_WRITTEN, ("ask_balance", {}), ("other", {})])


@settings(max_examples=60, deadline=None)
@given(_MESSAGES)
def test_no_order_of_messages_makes_two_live_agreements_or_goes_below_a_floor(
    messages: list[tuple[str, dict[str, Any]]],
) -> None:
    state, now = lending(), START
    for number, (what, more) in enumerate(messages, 1):
        now += timedelta(hours=2)
        if what == "pay":
            paid = {"payment_id": f"p{number}", "provider": "x", "amount_minor": 5_000, "currency": "EUR"}
            state, _ = apply(state, PaymentReceived.model_validate(paid | {"paid_at": now}), now)
        else:
            state = wrote(state, what, number=number, now=now, **more)
        assert sum(a.live for a in state.agreements) <= 1
        assert sum(a.state is AgreementState.PROPOSED for a in state.agreements) <= 1
        for agreement in state.agreements:
            if agreement.kind is AgreementKind.SETTLEMENT:
                assert agreement.total_minor >= -(-agreement.balance_minor * 90 // 100)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(_MESSAGES_ALONE, st.booleans(), st.booleans()), max_size=9))
def test_only_what_was_told_can_be_agreed_on_whatever_leaves_late_or_never(
    messages: list[tuple[tuple[str, dict[str, Any]], bool, bool]],
) -> None:
    """An answer goes out at once, or is still under way when the next message comes in: then it left or not."""
    state, now, told = lending(), START, set[int]()
    under_way: tuple[SendContact, int | None] | None = None
    for number, ((what, more), at_once, leaves) in enumerate(messages, 1):
        now += timedelta(hours=2)
        state, _ = apply(state, said(what, number=number, received_at=now, **more), now)
        state = engine(state, now)
        if under_way is not None and leaves:
            order, agreement = under_way
            report = ContactReported(step="reply", occurrence=order.occurrence, outcome=ContactOutcome.SENT)
            state, _ = apply(state, report, now)
            told |= {agreement} if agreement is not None else set()
        order_now = answer_of(state, now)
        answer = state.conversation.answer if state.conversation is not None else None
        under_way = (order_now, answer.agreement) if order_now is not None and answer is not None else None
        if at_once and under_way is not None:
            told |= {under_way[1]} if under_way[1] is not None else set()
            state, under_way = sent(state, now), None
        made = {a.number for a in state.agreements if a.proposed_by == MACHINE and a.state is AgreementState.ACTIVE}
        assert made <= told


def quick(**changed: Any) -> LoanState:
    option = {"id": "quick", "instalments": 2, "every": "week", "first_within_days": 1}
    return lending(plans=PlanTerms.model_validate({"options": [option], **changed}), settlements=None)


def test_who_says_yes_the_day_after_the_first_payment_was_due_is_offered_new_days() -> None:
    state = wrote(quick(), "request_plan", number=1)
    assert state.agreements[0].instalments[0].due == START.date() + timedelta(days=1)

    later = START + timedelta(days=2)
    state, _ = apply(state, said("acknowledgement", number=2, says="yes", received_at=later), later)
    state = engine(state, later)

    order = answer_of(state, later)
    assert order is not None
    assert (order.template, state.agreement) == (AnswerKind.PLAN_OFFER, None)
    assert order.payments[0].due == later.date() + timedelta(days=1)
    state, _ = apply(sent(state, later), said("acknowledgement", number=3, says="yes", received_at=later), later)
    assert state.agreement is not None
    assert state.agreement.instalments[0].due == later.date() + timedelta(days=1)


def test_a_yes_that_came_too_late_for_what_can_be_offered_no_more_goes_to_a_person() -> None:
    state = wrote(quick(), "request_plan", number=1)
    withdrawn = state.strategy.model_copy(update={"plans": None})
    later = START + timedelta(days=2)
    state = state.model_copy(update={"strategy": withdrawn})

    state, _ = apply(state, said("acknowledgement", number=2, says="yes", received_at=later), later)

    opened = [entry.reason for entry in state.outbox if isinstance(entry, CaseOpenedEntry)]
    assert opened == ["accepts an offer: plan 1 is expired already"]
    order = answer_of(state, later)
    assert order is not None
    assert order.template == AnswerKind.PERSON

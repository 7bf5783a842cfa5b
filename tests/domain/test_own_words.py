"""What a person writes in own words: ordered once, out while the loan is held, and the machine silent meanwhile."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.actions import Finish, Wait
from domain.agreements.model import AgreementState
from domain.collection import apply
from domain.contact import Channel, ContactEvent, ContactEventKind, Purpose
from domain.contact_orders import SendContact
from domain.contact_rules import unanswered_since
from domain.conversation.saying import PERSON_TALKS
from domain.conversation.terms import ConversationTerms
from domain.entering import enter
from domain.events.borrower import CircumstanceReported, OptOut, ReplyUnderstood
from domain.events.contacts import AddressFailure, ContactFailed, ContactOutcome, ContactReported
from domain.events.control import Close, Decide, Pause
from domain.events.messages import WordsWithdrawn, WordsWritten
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.ledger_entries import CaseClosedEntry, CaseKind, CaseOpenedEntry, WordsEntry, WordsState
from domain.loan_snapshot import restore, snapshot
from domain.loan_state import LoanState
from domain.own_words import LONGEST_WAIT, MOST_WAITING, WITHDRAWN
from domain.planning import plan, still_wanted
from domain.replies.labels import Intent
from tests.domain.conversation.test_offering import lending, wrote
from tests.domain.simulated_loan import CATALOGUE, START, facts, strategy

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def written(**changes: Any) -> WordsWritten:
    values = {
        "words_id": "w1",
        "channel": "sms",
        "until": START + 3 * DAY,
        "by": "account:7",
        "role": "agent",
    }
    return WordsWritten.model_validate(values | changes)


def fresh(**changes: Any) -> LoanState:
    more = {"conversation": ConversationTerms(turns=4, confidence=0.3), **CATALOGUE}
    return enter(facts(**changes), strategy(watch=None).model_copy(update=more), START)


def ordered(state: LoanState | None = None, **changes: Any) -> LoanState:
    state, refused = apply(state or fresh(), written(**changes), START)
    assert refused is None
    return state


def said(state: LoanState, *intents: Intent, at: Any = START, says: Any = None, **more: Any) -> LoanState:
    event = ReplyUnderstood(
        message_id=f"m{at.isoformat()}{intents[0]}", channel=Channel.SMS, received_at=at, intents=intents,
        confidence=0.9, says=says, **more,
    )  # fmt: skip
    state, refused = apply(state, event, at)
    assert refused is None
    return state


def reported(outcome: ContactOutcome, **more: Any) -> ContactReported:
    return ContactReported(step="words-w1", outcome=outcome, **more)


def entries(state: LoanState) -> list[tuple[WordsState, str]]:
    return [(entry.state, entry.why) for entry in state.outbox if isinstance(entry, WordsEntry)]


def test_it_goes_out_at_once_by_its_channel_as_an_answer_and_only_by_its_id() -> None:
    state, order = plan(ordered(), START)

    assert isinstance(order, SendContact)
    assert (order.step, order.channels, order.purpose) == ("words-w1", (Channel.SMS,), Purpose.REPLY)
    assert (order.words, order.give_up_at) == ("w1", START + 3 * DAY)
    sent, _ = apply(state, reported(ContactOutcome.SENT, channel=Channel.SMS), START)
    assert sent.words == ()
    assert (sent.records[-1].step, sent.records[-1].result) == ("words-w1", "sent")
    assert entries(sent) == [(WordsState.WAITING, ""), (WordsState.SENT, "")]
    assert isinstance(plan(sent, START)[1], Wait)


@pytest.mark.parametrize("outcome", list(ContactOutcome))
def test_ordered_again_however_it_ended_it_does_not_go_out_again(outcome: ContactOutcome) -> None:
    over, _ = apply(ordered(), reported(outcome, channel=Channel.SMS), START)

    again, refused = apply(over, written(), START + HOUR)

    assert refused is None
    assert again.words == ()


def test_ordered_again_while_it_waits_it_waits_once() -> None:
    assert len(ordered(ordered()).words) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"role": "machine"}, "own words are written by an agent or a supervisor"),
        ({"channel": "call"}, "nobody writes by call: expected sms, whatsapp, email"),
        ({"until": START}, "until lies in the past"),
        ({"until": START + LONGEST_WAIT + HOUR}, "until lies more than 30 days ahead"),
        ({"case_id": "none"}, "no open case none"),
    ],
)
def test_what_cannot_be_is_refused_with_why_and_changes_nothing(changes: dict[str, Any], why: str) -> None:
    before = fresh()

    after, refused = apply(before, written(**changes), START)

    assert refused == why
    assert after == before


def test_nobody_is_written_to_after_an_end_a_stop_or_by_a_closed_channel() -> None:
    ended, _ = apply(fresh(), Close(reason="sold"), START)
    stopped, _ = apply(fresh(), OptOut(channel="all"), START)
    closed, _ = apply(fresh(), OptOut(channel="sms"), START)

    assert apply(ended, written(), START)[1] == "the loan has ended as sold"
    assert apply(stopped, written(), START)[1] == "the borrower asked for no more contact"
    assert apply(closed, written(), START)[1] == "sms is closed for this borrower"
    assert apply(closed, written(channel="email"), START)[1] is None


def test_no_more_wait_than_a_loan_can_carry() -> None:
    state = fresh()
    for number in range(MOST_WAITING):
        state = ordered(state, words_id=f"w{number}")

    assert apply(state, written(words_id="more"), START)[1] == "5 messages of people wait already"


@pytest.mark.parametrize("how", ["pause", "dispute", "person", "promise"])
def test_it_goes_out_while_the_loan_is_held_and_law_hears_of_what_was_reported(how: str) -> None:
    state = fresh()
    if how == "pause":
        state, _ = apply(state, Pause(until=START + DAY), START)
    elif how == "promise":
        state = said(state, Intent.PROMISE_TO_PAY, promise_date=START.date() + 3 * DAY)
        asked = ContactReported(step="reply", occurrence=1, outcome=ContactOutcome.SENT, channel=Channel.SMS)
        state, _ = apply(state, asked, START)
        state = said(state, Intent.ACKNOWLEDGEMENT, at=START + HOUR, says="yes")
        assert state.agreement is not None
    elif how == "person":
        state = said(state, Intent.REQUEST_AGENT)
    else:
        state, _ = apply(state, CircumstanceReported(kind="dispute"), START)

    order = plan(ordered(state), START)[1]

    assert isinstance(order, SendContact)
    assert order.words == "w1"
    assert order.circumstance == ("dispute" if how == "dispute" else None)


def test_a_dispute_that_comes_while_it_waits_makes_another_order_of_it() -> None:
    state, order = plan(ordered(), START)
    assert isinstance(order, SendContact)

    disputed, _ = apply(state, CircumstanceReported(kind="dispute"), START)

    assert not still_wanted(disputed, order, START)
    again = plan(disputed, START)[1]
    assert isinstance(again, SendContact)
    assert (again.words, again.circumstance) == ("w1", "dispute")


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (None, "its time was over"),
        (Close(reason="recalled"), "the loan ended as recalled"),
        (OptOut(channel="all"), "the borrower asked for no more contact"),
        (OptOut(channel="sms"), "no open channel"),
    ],
)
def test_what_stands_in_the_way_meanwhile_keeps_it_from_going_and_the_thread_says_why(event: Any, why: str) -> None:
    state, order = plan(ordered(), START)
    assert isinstance(order, SendContact)
    if event is not None:
        state, _ = apply(state, event, START)
    at = START + 3 * DAY if event is None else START

    assert not still_wanted(state, order, at)
    after, _ = plan(state, at)

    assert after.words == ()
    assert entries(after)[-1] == (WordsState.NOT_SENT, why)
    told = [case for case in after.cases if case.kind is CaseKind.HANDOFF]
    assert bool(told) is (event is None or why == "no open channel")
    assert plan(after, at)[0] == after


def test_a_loan_that_is_paid_meanwhile_ends_and_nothing_more_goes_out() -> None:
    payment = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")
    state = enter(facts(), strategy(watch=None, receipt=None), START)
    paid, _ = apply(ordered(state), payment, START)

    after, action = plan(paid, START)

    assert action == Finish()
    assert entries(after)[-1] == (WordsState.NOT_SENT, "the loan ended as cured")


def test_what_law_refuses_when_it_leaves_becomes_a_case_for_whoever_counts_on_it() -> None:
    refused = reported(ContactOutcome.UNREACHABLE, refused=("stop.dispute",))

    state, _ = apply(ordered(), refused, START)

    assert entries(state)[-1] == (WordsState.NOT_SENT, "stop.dispute")
    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]


@pytest.mark.parametrize("reason", [AddressFailure.UNDELIVERED, AddressFailure.DEAD])
@pytest.mark.parametrize("early", [False, True])
def test_what_did_not_arrive_is_a_case_and_is_not_repeated(reason: AddressFailure, early: bool) -> None:
    failed = ContactFailed(step="words-w1", occurrence=1, channel=Channel.SMS, reason=reason)
    sent = reported(ContactOutcome.SENT, channel=Channel.SMS)
    state = ordered()
    for event in (failed, sent) if early else (sent, failed):
        state, refused = apply(state, event, START)
        assert refused is None

    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF], "there are other addresses"
    assert state.records[-1].result == "not_delivered"
    assert isinstance(plan(state, START)[1], Wait)


def test_where_the_last_address_proved_dead_contact_data_is_looked_for_too() -> None:
    state = ordered().model_copy(update={"dead_addresses": (Channel.EMAIL, Channel.WHATSAPP)})
    state, _ = apply(state, reported(ContactOutcome.SENT, channel=Channel.SMS), START)
    dead = ContactFailed(step="words-w1", occurrence=1, channel=Channel.SMS, reason=AddressFailure.DEAD)

    state, _ = apply(state, dead, START)

    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF, CaseKind.CONTACT_DATA]


def test_what_the_machine_had_asked_or_wanted_to_say_is_a_persons_matter_now() -> None:
    asked = said(fresh(), Intent.PROMISE_TO_PAY, promise_date=START.date() + 3 * DAY)
    assert asked.conversation is not None
    assert asked.conversation.proposed is not None

    state = ordered(asked)

    assert state.conversation is not None
    assert (state.conversation.proposed, state.conversation.answer) == (None, None)
    later = said(state, Intent.ACKNOWLEDGEMENT, at=START + HOUR, says="yes")
    assert later.agreements == (), "a yes to a person is no yes to the machine"
    assert [case.kind for case in later.cases] == [CaseKind.HANDOFF]


def test_an_offer_of_the_machine_is_off_the_table() -> None:
    offered = wrote(lending(), "request_plan", number=1)
    assert [agreement.state for agreement in offered.agreements] == [AgreementState.PROPOSED]

    state = ordered(offered)

    assert [agreement.state for agreement in state.agreements] == [AgreementState.CANCELLED]
    assert state.conversation is not None
    assert state.conversation.offered is None


@pytest.mark.parametrize(
    ("intents", "cases"),
    [
        ((Intent.ASK_BALANCE,), [CaseKind.HANDOFF]),
        ((Intent.PROMISE_TO_PAY,), [CaseKind.HANDOFF]),
        ((Intent.REFUSAL,), [CaseKind.HANDOFF]),
        ((Intent.ACKNOWLEDGEMENT,), []),
        ((Intent.DISPUTE,), [CaseKind.CIRCUMSTANCE]),
        ((Intent.VULNERABLE,), [CaseKind.CIRCUMSTANCE]),
    ],
)
def test_what_the_borrower_writes_then_is_for_the_person_and_the_machine_says_nothing(
    intents: tuple[Intent, ...], cases: list[CaseKind]
) -> None:
    state, _ = apply(ordered(), reported(ContactOutcome.SENT, channel=Channel.SMS), START)

    state = said(state, *intents, at=START + HOUR)

    assert [case.kind for case in state.cases] == cases
    assert state.conversation is not None
    assert state.conversation.answer is None


@pytest.mark.parametrize("intents", [(Intent.HARDSHIP,), (Intent.DISPUTE,), (Intent.OTHER,)])
@pytest.mark.parametrize("says", ["yes", "no"])
def test_a_plain_yes_or_no_is_an_answer_to_the_person_whatever_a_single_word_is_read_as(
    intents: tuple[Intent, ...], says: str
) -> None:
    state, _ = apply(ordered(), reported(ContactOutcome.SENT, channel=Channel.SMS), START)

    state = said(state, *intents, at=START + HOUR, says=says)

    assert [case.kind for case in state.cases] == [CaseKind.HANDOFF]


def test_after_three_days_or_a_decision_the_machine_answers_again() -> None:
    after, _ = apply(ordered(), reported(ContactOutcome.SENT, channel=Channel.SMS), START)
    later = said(after, Intent.ASK_BALANCE, at=START + PERSON_TALKS)
    [case] = said(after, Intent.ASK_BALANCE, at=START + HOUR).cases
    decided, _ = apply(
        said(after, Intent.ASK_BALANCE, at=START + HOUR),
        Decide(case_id=case.case_id, decision="continue", by="account:7"),
        START + 2 * HOUR,
    )
    given_back = said(decided, Intent.ASK_BALANCE, at=START + 3 * HOUR)

    for state in (later, given_back):
        assert state.conversation is not None
        assert state.conversation.answer is not None


def test_a_case_that_the_words_settle_is_decided_with_them_and_the_sequence_goes_on() -> None:
    held = said(fresh(), Intent.REQUEST_AGENT)
    [case] = held.cases
    assert held.hold is not None

    state = ordered(held, case_id=case.case_id)

    assert (state.cases, state.hold) == ((), None)
    [closed] = [entry for entry in state.outbox if isinstance(entry, CaseClosedEntry)]
    assert (closed.case_id, closed.decision, closed.by) == (case.case_id, "continue", "account:7")
    assert ordered(held).cases == held.cases, "unless somebody says so the case stays open"


@pytest.mark.parametrize("kind", ["vulnerable", "dispute", "handoff"])
@pytest.mark.parametrize("how", ["refused", "withdrawn", "too late", "no channel"])
def test_a_case_that_the_words_settled_is_open_again_as_what_it_was_when_they_never_leave(kind: str, how: str) -> None:
    """Given a dispute or distress that a person's words settled, when these never go out, then the loan stands still
    for it again until somebody decides, not for a handoff that lapses."""
    told = said(fresh(), Intent.REQUEST_AGENT) if kind == "handoff" else fresh()
    if kind != "handoff":
        told, _ = apply(told, CircumstanceReported(kind=kind), START)
    [case] = told.cases
    settled = ordered(told, case_id=case.case_id)
    assert LoanState.model_validate_json(settled.model_dump_json()) == settled

    if how == "refused":
        state, _ = apply(settled, reported(ContactOutcome.UNREACHABLE, refused=("sms.window",)), START + HOUR)
    elif how == "withdrawn":
        state, _ = withdrawn(settled)
    elif how == "too late":
        state, _ = plan(settled, START + 3 * DAY)
    else:
        stopped, _ = apply(settled, OptOut(channel="sms"), START)
        state, _ = plan(stopped, START)

    [again] = state.cases
    assert (again.kind, again.circumstance, again.queue) == (case.kind, case.circumstance, case.queue)
    assert (again.case_id, again.holds) == ("demo-L1-1-2", True)
    reason = [entry.reason for entry in state.outbox if isinstance(entry, CaseOpenedEntry)][-1]
    assert f"again after {case.case_id}: what a person wrote was not sent: " in reason
    assert state.circumstance == (None if kind == "handoff" else kind)


def test_what_was_reported_again_meanwhile_has_one_case() -> None:
    told, _ = apply(fresh(), CircumstanceReported(kind="vulnerable"), START)
    state = ordered(told, case_id=told.cases[0].case_id)
    state, _ = apply(state, CircumstanceReported(kind="vulnerable"), START)

    state, _ = withdrawn(state)

    assert [case.circumstance for case in state.cases] == ["vulnerable"]


def test_what_the_words_had_settled_holds_a_loan_whose_payment_is_taken_back() -> None:
    """Given distress that a person's words settled, when the loan is paid before they leave and the payment is taken
    back, then it stands still for it."""
    told, _ = apply(fresh(), CircumstanceReported(kind="vulnerable"), START)
    state = ordered(told, case_id=told.cases[0].case_id)
    payment = PaymentReceived(payment_id="p", amount_minor=30_000, currency="EUR", paid_at=START, provider="x")
    state, _ = apply(state, payment, START)
    state, _ = plan(state, START)
    assert (state.cases, state.words) == ((), ())

    state, _ = apply(state, PaymentReversed(payment_id="p", provider="x"), START + HOUR)

    assert state.circumstance == "vulnerable"


def test_a_case_about_something_else_is_not_settled_by_words() -> None:
    nobody = ContactReported(step="day-3", outcome=ContactOutcome.UNREACHABLE, closed=("sms", "email"))
    state, _ = apply(fresh(), nobody, START)
    [case] = state.cases

    refused = apply(state, written(channel="whatsapp", case_id=case.case_id), START)[1]

    assert refused == "a case of kind contact_data is decided, not answered"


def test_it_survives_a_fresh_run_and_a_loan_without_any_carries_nothing_of_it() -> None:
    state = ordered()

    assert LoanState.model_validate_json(state.model_dump_json()) == state
    assert restore(snapshot(state), state.facts, state.strategy).words == state.words
    assert "words" not in fresh().model_dump(mode="json")


def events(*kinds: tuple[ContactEventKind, int, bool]) -> list[ContactEvent]:
    return [
        ContactEvent(at=START + hours * HOUR, channel=Channel.SMS, kind=kind, holds_over=holds)
        for kind, hours, holds in kinds
    ]


def test_that_a_person_will_answer_is_no_answer_yet() -> None:
    wrote, attempt = ContactEventKind.INBOUND, ContactEventKind.ATTEMPT

    assert unanswered_since(Channel.SMS, events((wrote, 0, False), (attempt, 1, True))) == START
    assert unanswered_since(Channel.SMS, events((wrote, 0, False), (attempt, 1, False))) is None
    assert unanswered_since(Channel.SMS, events((wrote, 0, False), (attempt, 1, True), (attempt, 2, False))) is None
    assert unanswered_since(Channel.EMAIL, events((wrote, 0, False))) is None
    assert unanswered_since(Channel.SMS, events((attempt, 0, False), (wrote, 1, False))) == START + HOUR


def test_a_step_of_a_strategy_that_is_called_like_words_is_a_step() -> None:
    state = fresh()
    first, *others = state.strategy.steps
    steps = (first.model_copy(update={"id": "words-of-welcome"}), *others)
    state = state.model_copy(update={"strategy": state.strategy.model_copy(update={"steps": steps})})
    sent = ContactReported(step="words-of-welcome", outcome=ContactOutcome.SENT, channel=Channel.SMS)

    state, _ = apply(state, sent, START)

    assert state.position == 1


def withdrawn(state: LoanState, **changes: Any) -> tuple[LoanState, str | None]:
    values = {"words_id": "w1", "by": "account:8", "role": "agent"}
    return apply(state, WordsWithdrawn.model_validate(values | changes), START + HOUR)


def test_withdrawn_while_it_waits_it_does_not_go_out_and_asks_nothing_of_anybody() -> None:
    """Given words to a borrower of whom nothing waited, when whoever wrote withdraws them, then nothing is sent,
    nobody gets a case, and ordering them again changes nothing."""
    waiting = ordered()
    _, order = plan(waiting, START)

    state, refused = withdrawn(waiting)
    twice, again = withdrawn(state)
    reordered, _ = apply(state, written(), START + HOUR)

    assert (refused, again) == (None, None)
    assert state.words == twice.words == reordered.words == ()
    assert entries(state) == entries(twice) == [(WordsState.WAITING, ""), (WordsState.NOT_SENT, WITHDRAWN)]
    assert isinstance(order, SendContact)
    assert not still_wanted(state, order, START + HOUR)
    assert state.cases == ()


def test_where_the_borrower_waits_for_an_answer_a_withdrawal_leaves_a_case() -> None:
    """Given words that settled a case, when they are withdrawn, then another case asks for an answer."""
    state = said(fresh(), Intent.REQUEST_AGENT)
    [case] = state.cases

    state, refused = withdrawn(ordered(state, case_id=case.case_id))

    assert refused is None
    assert [each.kind for each in state.cases] == [CaseKind.HANDOFF]
    assert state.cases[0].case_id != case.case_id


def test_what_left_at_that_very_moment_is_told_as_sent() -> None:
    state, _ = withdrawn(ordered())

    left, _ = apply(state, reported(ContactOutcome.SENT, channel=Channel.SMS), START + HOUR)
    missed, _ = apply(state, reported(ContactOutcome.NOT_WANTED), START + HOUR)

    assert entries(left)[-1] == (WordsState.SENT, "")
    assert [record.result for record in left.records if record.step == "words-w1"] == ["sent"]
    assert withdrawn(left)[1] == "these words were sent already"
    assert missed == state


def test_words_withdrawn_before_the_loan_heard_of_them_never_go_out() -> None:
    """Given words that were kept and whose order is still on its way, when they are withdrawn first, then the order
    finds them withdrawn."""
    early, refused = withdrawn(fresh())

    late, _ = apply(early, written(), START + HOUR)

    assert refused is None
    assert late.words == ()
    assert entries(late) == [(WordsState.NOT_SENT, WITHDRAWN)]


def test_the_machine_withdraws_nobodys_words_and_after_the_end_there_are_none() -> None:
    ended, _ = apply(fresh(), Close(reason="sold"), START)

    assert withdrawn(ordered(), role="machine")[1] == "own words are withdrawn by an agent or a supervisor"
    assert withdrawn(ended)[1] == "the loan has ended as sold"

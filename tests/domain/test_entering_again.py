"""A loan that enters once more in the same hand-over counts on: no number of its lost workflow is used again."""

from __future__ import annotations

from datetime import timedelta

from domain.actions import Wait
from domain.agreements.model import Via
from domain.cases import open_once
from domain.collection import apply
from domain.consent_renewal import to_ask
from domain.contact import Channel
from domain.contact_orders import SendContact
from domain.entering import enter
from domain.entering_again import Counted, enter_again
from domain.events.agreements import PromiseMade
from domain.events.balance import AskConsent
from domain.events.control import Pause, Resume
from domain.ledger_entries import CaseKind
from domain.planning import plan
from domain.strategy import BalanceWatch
from tests.domain.simulated_loan import START, facts, strategy

COUNTED = Counted(entries=12, cases=3, agreements=2, answers=4, offers=1, links_asked=2, ends=1, broken_promises=1)


def test_cases_agreements_and_answers_go_on_after_the_highest_numbers() -> None:
    state = enter_again(facts(), strategy(), START, COUNTED)

    day = state.facts.local_date(START) + timedelta(days=2)
    promise = PromiseMade(amount_minor=state.balance_minor, date=day, by="agent-7", via=Via.AGENT)
    promised, refused = apply(state, promise, START)
    asked = open_once(promised, CaseKind.HANDOFF, "a person is wanted", START)

    assert refused is None
    assert [each.number for each in promised.agreements] == [3]
    assert asked.cases[0].case_id.endswith("-1-4")
    assert (state.entries_written, state.offers_made, state.links_asked, state.ends_count) == (12, 1, 2, 1)
    assert state.conversation is not None
    assert state.conversation.answers == 4
    assert state.broken_promises == 1


def test_a_pause_holds_the_loan_until_its_day_and_can_be_ended() -> None:
    until = START + timedelta(days=9)
    late = facts(due_date=START.date() - timedelta(days=4))
    state = enter_again(late, strategy(), START, Counted(own_pause_until=until))

    resumed, refused = apply(state, Resume(), START)

    assert isinstance(plan(state, START)[1], Wait)
    assert isinstance(plan(enter(late, strategy(), START), START)[1], SendContact)
    assert refused is None
    assert resumed.paused_until is None


def test_its_own_pause_outlasts_its_campaigns_whichever_ends_first() -> None:
    own, of_campaign = START + timedelta(days=20), START + timedelta(days=40)
    both = Counted(own_pause_until=own, campaign_pause_until=of_campaign)

    state = enter_again(facts(), strategy(), START, both)
    gone_on, refused = apply(state, Resume(of_campaign=True), START)
    alone = enter_again(facts(), strategy(), START, Counted(own_pause_until=own))
    shorter, _ = apply(alone, Pause(until=START + timedelta(days=5), of_campaign=True), START)

    assert state.paused_until == of_campaign
    assert refused is None
    assert gone_on.paused_until == own
    assert shorter.paused_until == own


def test_a_borrower_who_was_asked_for_a_consent_is_asked_again_only_when_a_person_wants_it() -> None:
    until = START.date() + timedelta(days=3)
    watched = strategy(watch=BalanceWatch(channels=(Channel.SMS,), template="funds", renew_days_before=5))
    state = enter_again(facts(consent=True, consent_until=until), watched, START, Counted(consents_asked=2))

    wanted, refused = apply(state, AskConsent(), START)

    assert to_ask(state, START + timedelta(days=1)) is None
    assert refused is None
    assert to_ask(wanted, START) == (watched.watch, 3)


def test_what_counted_nothing_enters_as_any_other() -> None:
    over = Counted(own_pause_until=START, campaign_pause_until=START)

    assert enter_again(facts(), strategy(), START, over) == enter(facts(), strategy(), START)

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.contact import Channel, ContactEvent, ContactEventKind, Purpose, Verdict
from domain.contact_rules import Pack, RuleBook, decide
from domain.contact_rules.model import ClockRange
from tests.domain.contact_rules.oracle import Oracle
from tests.domain.contact_rules.situations import Situation, ledgers, situations
from tests.domain.contact_rules.wishes import shipped

# More for a thorough run: ORACLE_EXAMPLES=10000 pytest tests/domain/contact_rules/test_oracle.py
EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "200"))


def _agree(case: Situation, rules: RuleBook, pack: Pack) -> None:
    decision = decide(case.request, case.at, case.events, rules, case.lender)
    expected = Oracle(pack, case.request, list(case.events), case.lender).first_moment(case.at)
    if expected is None:
        assert decision.verdict is Verdict.NEVER
        assert decision.reasons[0].rule == "horizon"
    elif expected == case.at:
        assert decision.verdict is Verdict.ALLOWED
    else:
        assert decision.verdict is Verdict.NOT_BEFORE
        assert decision.not_before == expected


def _shipped_pack(case: Situation) -> Pack:
    pack = shipped().pack(case.request.country)
    assert pack is not None
    return pack


@settings(max_examples=EXAMPLES, deadline=None)
@given(situations())
def test_the_answer_agrees_to_the_minute_with_a_walk_over_every_minute(case: Situation) -> None:
    _agree(case, shipped(), _shipped_pack(case))


@cache
def _night(country: str, start: int, end: int) -> tuple[RuleBook, Pack]:
    pack = shipped().pack(country)
    assert pack is not None
    hours = ClockRange(start=start, end=end)
    rules = tuple(rule.model_copy(update={"open": hours}) for rule in pack.hours)
    night = pack.model_copy(update={"hours": rules, "holidays": None})
    return RuleBook([night]), night


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    situations(countries=("CL", "ES", "GB", "US", "MX")),
    st.sampled_from([(0, 60), (0, 1440), (30, 90), (60, 120), (90, 150), (110, 1440), (120, 180), (1380, 1440)]),
)
def test_hours_that_touch_a_clock_change_agree_as_well(case: Situation, hours: tuple[int, int]) -> None:
    # No law opens these hours; they prove that skipped and repeated hours are handled at all.
    _agree(case, *_night(case.request.country, *hours))


@settings(max_examples=EXAMPLES, deadline=None)
@given(situations())
def test_the_given_moment_is_itself_allowed_and_its_window_really_ends(case: Situation) -> None:
    oracle = Oracle(_shipped_pack(case), case.request, list(case.events), case.lender)
    decision = decide(case.request, case.at, case.events, shipped(), case.lender)
    at = case.at if decision.not_before is None else decision.not_before

    now = decide(case.request, at, case.events, shipped(), case.lender)

    assert now.verdict is Verdict.ALLOWED
    assert now.window_ends is not None
    assert oracle.is_open(at)
    assert oracle.is_open(now.window_ends - timedelta(minutes=1))
    assert not oracle.is_open(now.window_ends)


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data(), situations())
def test_more_outbound_contacts_never_make_it_earlier(data: st.DataObject, case: Situation) -> None:
    more = tuple(e for e in data.draw(ledgers(case.at)) if e.kind != "inbound")

    before = decide(case.request, case.at, case.events, shipped(), case.lender)
    after = decide(case.request, case.at, case.events + more, shipped(), case.lender)

    if before.verdict is Verdict.ALLOWED or after.verdict is Verdict.NEVER:
        return
    assert before.verdict is not Verdict.NEVER
    assert after.not_before is not None
    assert before.not_before is not None
    assert after.not_before >= before.not_before


SPOKEN = frozenset({"call", "visit"})
WRITTEN = frozenset({"sms", "whatsapp", "email", "post"})
ANY = SPOKEN | WRITTEN
POLICY = [(ANY, 1, 1), (ANY, 7, 3)]
# Channels, consecutive dates, and the most contacts these dates may hold.
LIMITS: dict[str, list[tuple[frozenset[str], int, int]]] = {
    "CL": [(SPOKEN, 7, 1), (WRITTEN, 7, 2), (WRITTEN, 2, 1)],
    "EC": [(ANY, 1, 1)],
    "PY": [(ANY, 7, 3)],
    "US": [(frozenset({"call"}), 7, 7), (ANY - {"call"}, 1, 1), (ANY - {"call"}, 7, 3)],
}


@settings(max_examples=100, deadline=None)
@given(situations(), st.lists(st.sampled_from(Channel), min_size=14, max_size=14))
def test_sending_at_every_lawful_moment_never_passes_a_limit(case: Situation, channels: list[Channel]) -> None:
    limits = list(LIMITS.get(case.request.country, POLICY))
    limits += [(ANY, 1, case.lender.per_day)] if case.lender.per_day else []
    limits += [(ANY, 7, case.lender.per_week)] if case.lender.per_week else []
    sent: list[ContactEvent] = []
    at = case.at

    for channel in channels:
        wish = case.request.model_copy(update={"channel": channel, "purpose": Purpose.COLLECTION})
        decision = decide(wish, at, sent, shipped(), case.lender)
        at = decision.not_before or at
        assert Oracle(_shipped_pack(case), wish, [], case.lender).is_open(at)
        sent.append(ContactEvent(at=at, channel=channel, kind=ContactEventKind.ATTEMPT, loan_id="A"))

    for zone in map(ZoneInfo, case.request.timezones):
        for among, span, most in limits:
            dates: list[date] = [e.at.astimezone(zone).date() for e in sent if e.channel in among]
            for first in dates:
                assert sum(0 <= (day - first).days < span for day in dates) <= most


@pytest.mark.parametrize("country", ["CL", "CO", "PE", "EC", "MX", "AR", "UY", "PY", "ES", "BR", "US", "GB"])
def test_order_of_the_ledger_does_not_matter(country: str) -> None:
    @settings(max_examples=15, deadline=None)
    @given(st.data(), situations(countries=(country,)))
    def check(data: st.DataObject, case: Situation) -> None:
        shuffled = replace(case, events=tuple(data.draw(st.permutations(case.events))))
        one = decide(case.request, case.at, case.events, shipped(), case.lender)
        other = decide(case.request, case.at, shuffled.events, shipped(), case.lender)
        assert one == other

    check()

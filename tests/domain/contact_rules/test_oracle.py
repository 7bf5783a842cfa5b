from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from config.jurisdictions import load_pack
from domain.contact import Channel, ContactEvent, ContactEventKind, ContactRequest, Decision, Purpose, Verdict
from domain.contact_rules import Profile, RuleBook, decide
from tests.domain.contact_rules.oracle import Oracle, raw
from tests.domain.contact_rules.situations import Situation, ledgers, situations
from tests.domain.contact_rules.wishes import shipped

# More for a thorough run: ORACLE_EXAMPLES=10000 pytest tests/domain/contact_rules/test_oracle.py
EXAMPLES = int(os.environ.get("ORACLE_EXAMPLES", "60"))
# A thorough run takes many minutes; a test of the usual size that takes so long hangs.
pytestmark = [pytest.mark.drawn, pytest.mark.timeout(0 if EXAMPLES > 200 else 120)]


def _oracle(case: Situation, request: ContactRequest | None = None) -> Oracle:
    return Oracle(case.profile.value, request or case.request, case.events, case.lender)


def _decide(case: Situation) -> Decision:
    return decide(case.request, case.at, case.events, shipped(case.profile), case.lender)


def _agree(decision: Decision, expected: datetime | None, at: datetime) -> None:
    if expected is None:
        assert decision.verdict is Verdict.NEVER
        assert "zone.unknown" not in {reason.rule for reason in decision.reasons}
    elif expected == at:
        assert decision.verdict is Verdict.ALLOWED
    else:
        assert decision.verdict is Verdict.NOT_BEFORE
        assert decision.not_before == expected


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situations())
def test_the_answer_agrees_to_the_minute_with_a_walk_over_every_minute(case: Situation) -> None:
    _agree(_decide(case), _oracle(case).first_moment(case.at), case.at)


# Hours that no law opens; they prove that skipped and repeated hours are handled at all.
NIGHTS = {
    "00:00-01:00", "00:00-24:00", "00:30-01:30", "01:00-02:00", "01:30-02:30", "01:50-24:00", "02:00-03:00",
    "23:00-24:00",
}  # fmt: skip


@cache
def _night(country: str, hours: str, folder: Path) -> tuple[RuleBook, dict[str, Any]]:
    document = dict(raw(country))
    rule = {key: value for key, value in document["hours"][0].items() if key in ("id", "source", "basis", "text")}
    rule |= {"evidence": "unverified", "open": hours}
    document |= {"hours": [rule], "holidays": [], "banned": []}
    file = folder / f"{hours.replace(':', '')}" / f"{country}.yaml"
    file.parent.mkdir(exist_ok=True)
    YAML(typ="safe", pure=True).dump(document, file)
    return RuleBook([load_pack(file)]), document


def test_hours_that_touch_a_clock_change_agree_as_well(tmp_path: Path) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        situations(countries=("CL", "ES", "GB", "US", "MX"), profiles=(Profile.STRICT,)),
        st.sampled_from(sorted(NIGHTS)),
    )
    def check(case: Situation, hours: str) -> None:
        rules, document = _night(case.request.country, hours, tmp_path)
        decision = decide(case.request, case.at, case.events, rules, case.lender)
        oracle = Oracle("strict", case.request, case.events, case.lender, document)
        _agree(decision, oracle.first_moment(case.at), case.at)

    check()


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situations(guards=(0,)))
def test_the_given_moment_is_itself_allowed_and_its_window_really_ends(case: Situation) -> None:
    decision = _decide(case)
    if decision.verdict is Verdict.NEVER:
        return
    at = case.at if decision.not_before is None else decision.not_before

    now = decide(case.request, at, case.events, shipped(case.profile), case.lender)

    oracle = _oracle(case)
    assert now.verdict is Verdict.ALLOWED
    assert oracle.is_open(at)
    if now.window_ends is not None:
        assert oracle.is_open(now.window_ends - timedelta(minutes=1))
        assert not oracle.is_open(now.window_ends)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(situations(profiles=(Profile.STRICT,)))
def test_strict_is_never_earlier_than_the_literal_text(case: Situation) -> None:
    literal = _decide(replace(case, profile=Profile.LITERAL))
    strict = _decide(case)

    if strict.verdict is Verdict.ALLOWED:
        assert literal.verdict is Verdict.ALLOWED
    elif strict.verdict is Verdict.NOT_BEFORE and literal.verdict is Verdict.NOT_BEFORE:
        assert strict.not_before is not None
        assert literal.not_before is not None
        assert strict.not_before >= literal.not_before
    elif literal.verdict is Verdict.NEVER:
        assert strict.verdict is Verdict.NEVER


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), situations())
def test_more_outbound_contacts_never_make_it_earlier(data: st.DataObject, case: Situation) -> None:
    more = tuple(e for e in data.draw(ledgers(case.at)) if e.kind != "inbound")

    before = _decide(case)
    after = _decide(replace(case, events=case.events + more))

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
    "CO": [(ANY - {"visit"}, 1, 1), (ANY - {"visit"}, 7, 3)],
    "US": [(frozenset({"call"}), 7, 7), (ANY - {"call"}, 1, 1), (ANY - {"call"}, 7, 3)],
}


@settings(max_examples=100, deadline=None)
@given(
    situations(profiles=(Profile.STRICT,), guards=(0,)), st.lists(st.sampled_from(Channel), min_size=14, max_size=14)
)
def test_sending_at_every_lawful_moment_never_passes_a_limit(case: Situation, channels: list[Channel]) -> None:
    limits = list(LIMITS.get(case.request.country, POLICY))
    limits += [(ANY, 1, case.lender.per_day)] if case.lender.per_day else []
    limits += [(ANY, 7, case.lender.per_week)] if case.lender.per_week else []
    sent: list[ContactEvent] = []
    at = case.at

    for channel in channels:
        wish = case.request.model_copy(
            update={"channel": channel, "purpose": Purpose.COLLECTION, "authorised_channels": None}
        )
        decision = decide(wish, at, sent, shipped(), case.lender)
        if decision.verdict is Verdict.NEVER:
            continue
        at = decision.not_before or at
        assert Oracle("strict", wish, [], case.lender).is_open(at)
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
        assert _decide(case) == _decide(shuffled)

    check()

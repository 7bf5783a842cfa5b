"""Contact decisions a second on one core, beside proactive-gate (MIT) on the checks that it can express.

Every decision has a person of its own with a ledger of 50 events over 45 days, so that nothing is answered from
memory of an earlier question. Time is CPU time of this process, the best of several rounds; the two engines take turns.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from benchmarks import Figure
from config.jurisdictions import load_rulebook
from domain.contact import Channel, ContactEvent, ContactEventKind, ContactRequest, Decision, Verdict
from domain.contact_rules import Caps, RuleBook, decide
from domain.contact_rules.calendar import holidays_at

EVENTS = 50
LEDGER_DAYS = 45
PEOPLE = 1_000
ROUNDS = 5
AT_ONCE, WITH_SEARCH = 20_000, 2_000
_KINDS = (ContactEventKind.ATTEMPT, ContactEventKind.DELIVERED, ContactEventKind.READ, ContactEventKind.INBOUND)
_BOGOTA = ZoneInfo("America/Bogota")


class Question(NamedTuple):
    request: ContactRequest
    at: datetime
    events: tuple[ContactEvent, ...]


def measure(_scale: float = 1.0) -> list[Figure]:
    rules = load_rulebook()
    figures = [
        _rate(rules, "contact-decision.at_once", _asked(rules, Verdict.ALLOWED), AT_ONCE, "allowed at once"),
        _rate(rules, "contact-decision.with_search", _asked(rules, Verdict.NOT_BEFORE), WITH_SEARCH, "next slot found"),
    ]
    return figures + _beside_proactive_gate(rules)


def _rate(rules: RuleBook, name: str, questions: Sequence[Question], bar: float, what: str) -> Figure:
    seconds = min(_cpu_seconds(lambda: _decide_all(rules, questions)) for _ in range(ROUNDS))
    note = f"{what}; {len(questions)} people in 6 countries, {EVENTS} events each"
    return Figure(name, len(questions) / seconds, "decisions/s", bar, note=note)


def _decide_all(rules: RuleBook, questions: Sequence[Question]) -> list[Decision]:
    caps = Caps()
    return [decide(request, at, events, rules, caps) for request, at, events in questions]


def _cpu_seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _asked(rules: RuleBook, verdict: Verdict) -> list[Question]:
    """Questions with this answer, over the countries in turn."""
    chance = random.Random(7)  # nosec B311 # the same questions in every run
    places = [
        ("CL", "RM", "America/Santiago"),
        ("CO", None, "America/Bogota"),
        ("ES", "MD", "Europe/Madrid"),
        ("MX", None, "America/Mexico_City"),
        ("US", "TX", "America/Chicago"),
        ("GB", "ENG", "Europe/London"),
    ]
    found: list[Question] = []
    while len(found) < PEOPLE:
        country, region, zone = places[len(found) % len(places)]
        at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=chance.randrange(3 * 365 * 1440))
        quiet = chance.randrange(2, 9) if verdict is Verdict.ALLOWED else 0
        question = Question(_request(country, region, zone), at, _ledger(chance, at, quiet))
        if decide(*question, rules, Caps()).verdict is verdict:
            found.append(question)
    return found


def _request(country: str, region: str | None, zone: str) -> ContactRequest:
    return ContactRequest(loan_id="A", channel=Channel.SMS, country=country, region=region, timezones=(zone,))


def _ledger(chance: random.Random, at: datetime, quiet_days: int) -> tuple[ContactEvent, ...]:
    """Fifty events, none in the last `quiet_days`: of a busier person nothing would be allowed at once."""
    return tuple(
        ContactEvent(
            at=at - timedelta(minutes=chance.randrange(quiet_days * 1440, LEDGER_DAYS * 1440)),
            channel=chance.choice((Channel.SMS, Channel.EMAIL, Channel.WHATSAPP, Channel.CALL)),
            kind=chance.choice(_KINDS),
            loan_id=chance.choice(("A", "B")),
        )
        for _ in range(EVENTS)
    )


def _beside_proactive_gate(rules: RuleBook) -> list[Figure]:
    """The same people in Colombia asked of both: hours by weekday, holidays by date, a day's and a week's number.

    What proactive-gate cannot express is left out of the question, not of our answer: weeks of any seven dates,
    days that depend on a region, limits after a talk, the exact next lawful minute. Its counters are filled
    before; we count from the ledger of 50 events each time.
    """
    try:
        # Not one of our dependencies: measured beside us where it is installed.
        proactive_gate: Any = import_module("proactive_gate")
    except ImportError:
        missing = "proactive-gate is not installed: pip install proactive-gate==0.9.0"
        return [Figure("contact-decision.to_proactive_gate", None, "times as fast", 1.0, note=missing)]
    questions = _colombians(rules)
    gate, inputs = _gate(proactive_gate, rules, questions)
    caps = Caps()
    ours_allow = [decide(*question, rules, caps).verdict is Verdict.ALLOWED for question in questions]
    theirs_allow = [gate.evaluate(each).allowed for each in inputs]
    if ours_allow != theirs_allow:
        raise AssertionError("the two engines were not asked the same: their answers differ")
    ours = theirs = float("inf")
    for _ in range(ROUNDS):
        ours = min(ours, _cpu_seconds(lambda: _decide_all(rules, questions)))
        theirs = min(theirs, _cpu_seconds(lambda: [gate.evaluate(each) for each in inputs]))
    count = len(questions)
    same = f"{count} people in Colombia, {sum(ours_allow)} allowed, the same answers"
    return [
        Figure("contact-decision.common_checks", count / ours, "decisions/s", note=same),
        Figure(
            "contact-decision.proactive_gate",
            count / theirs,
            "decisions/s",
            note=f"version {version('proactive-gate')}, {same}",
        ),
        Figure("contact-decision.to_proactive_gate", theirs / ours, "times as fast", 1.0, note="on the common checks"),
    ]


def _colombians(rules: RuleBook) -> list[Question]:
    """People whose week so far both engines count alike: their contacts of the week, the rest long before."""
    chance = random.Random(11)  # nosec B311 # the same questions in every run
    found: list[Question] = []
    while len(found) < PEOPLE:
        at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=chance.randrange(350 * 1440))
        local = at.astimezone(_BOGOTA)
        if local.weekday() == 5 and local.hour < 8:
            # After a holiday on Friday a policy of one window a day cannot say when Saturday opens.
            continue
        monday = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0)
        old = _attempts(chance, monday - timedelta(days=8), LEDGER_DAYS, EVENTS)
        this_week: tuple[ContactEvent, ...] = ()
        passed = int((local - monday).total_seconds() // 60)
        if passed > 1440:
            number = chance.randrange(3)
            days = chance.sample(range(local.weekday() + 1), min(number, local.weekday() + 1))
            this_week = tuple(
                _attempt(min(monday + timedelta(days=day, hours=9), local - timedelta(minutes=1))) for day in days
            )
        events = old[: EVENTS - len(this_week)] + this_week
        found.append(Question(_request("CO", None, "America/Bogota"), at, events))
    return found


def _attempts(chance: random.Random, before: datetime, days: int, number: int) -> tuple[ContactEvent, ...]:
    return tuple(_attempt(before - timedelta(minutes=chance.randrange(days * 1440))) for _ in range(number))


def _attempt(at: datetime) -> ContactEvent:
    return ContactEvent(at=at.astimezone(UTC), channel=Channel.SMS, kind=ContactEventKind.ATTEMPT, loan_id="A")


def _gate(library: Any, rules: RuleBook, questions: Sequence[Question]) -> tuple[Any, list[Any]]:
    """Colombia's strict hours and numbers as a policy of proactive-gate, and each person's counters filled."""
    checks: Any = import_module("proactive_gate.checks")
    types: Any = import_module("proactive_gate.types")
    pack = rules.pack("CO")
    assert pack is not None
    closed = types.QuietWindow("00:00", "24:00")
    holidays = {
        day.isoformat(): closed for year in (2026, 2027) for day in holidays_at(pack, None, None, ("public",), year)
    }
    # A window belongs to the day on which it opens, so Saturday's morning is the end of Friday's.
    quiet = types.QuietSchedule(
        days={"fri": types.QuietWindow("19:00", "08:00"), "sat": types.QuietWindow("15:00", "24:00"), "sun": closed},
        dates=holidays,
    )
    gate = library.Gate(
        [
            checks.Consent(),
            checks.AllowedWindow("07:00", "19:00"),
            checks.QuietHours(),
            checks.DailyBudget(limit=1),
            checks.WeeklyBudget(limit=3),
        ],
        library.MemoryStore(),
    )
    inputs: list[Any] = []
    for number, question in enumerate(questions):
        user = library.UserState(id=f"person-{number}", consent=True, timezone="America/Bogota", quiet_hours=quiet)
        candidate = library.Candidate(id=f"reminder-{number}", type="reminder", channel="sms")
        for event in question.events:
            for key in (
                checks.budget_key(user.id, event.at, user.timezone),
                checks.weekly_budget_key(user.id, event.at, user.timezone),
            ):
                gate.store.incr(gate._p.key(key), 400 * 86_400)
        inputs.append(library.EvaluateInput(user, candidate, question.at))
    return gate, inputs

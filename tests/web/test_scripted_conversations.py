"""Every scripted conversation, heard by the web app's own code and answered by the loan's core, on any day.

A few of them are played on the real stack as well: `tests/system/test_conversations.py`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from config.strategies import load_strategy
from domain.contact import Channel, Purpose
from domain.conversation.model import REPLY, AnswerKind
from domain.loans import LoanFacts
from domain.strategy import Strategy
from domain.webhook_news import InboundNews
from records import contacts, loans
from records.database import Database
from records.tables import ContactState
from tests.databases import sqlite_template
from tests.domain.simulated_loan import SimulatedLoan
from tests.records.portfolios import enter, handed
from tests.scripted_conversations import CURRENCY, Conversation, differences, scripted, strategy_text
from web.hearing import MessageReader
from web.inbound_news import record_inbound
from workflows.messages import read_signal

__all__ = ["sqlite_template"]

ZONES = {
    "ES": "Europe/Madrid",
    "MX": "America/Mexico_City",
    "CL": "America/Santiago",
    "AR": "America/Argentina/Buenos_Aires",
    "BR": "America/Sao_Paulo",
}
HOUR = 16
"""UTC; afternoon in Spain, morning in the Americas."""
DAYS = (
    date(2026, 11, 9),
    date(2026, 11, 10),
    date(2027, 3, 24),
    date(2026, 12, 3),
    date(2027, 2, 26),
    date(2026, 12, 26),
    date(2027, 1, 3),
)
"""Monday to Sunday; on some of them tomorrow, or the day three weeks later, is a holiday or falls into a weekend."""
MORE_DAYS = tuple(filter(None, os.environ.get("RECOBRO_CONVERSATION_DAYS", "").split(",")))
READER = MessageReader()


@pytest.fixture(scope="module")
def strategies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Strategy]:
    folder = tmp_path_factory.mktemp("strategies")
    found = {}
    for one in scripted():
        if one.country not in found:
            path = folder / f"{one.country}.yaml"
            path.write_text(strategy_text(CURRENCY[one.country], one.language))
            found[one.country] = load_strategy(path)
    return found


@pytest.fixture(scope="module")
def records(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("conversations") / "lite.db"
    path.write_bytes(sqlite_template.read_bytes())
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.dispose()


def loan_of(one: Conversation, day: date, strategy: Strategy) -> SimulatedLoan:
    begins = datetime(day.year, day.month, day.day, HOUR, tzinfo=UTC)
    facts = LoanFacts(
        lender="acme",
        loan_id=f"{one.id}-{day}",
        country=one.country,
        region=one.region,
        timezone=ZONES[one.country],
        currency=CURRENCY[one.country],
        amount_due_minor=10_000,
        due_date=day - timedelta(days=4),
    )
    return SimulatedLoan.entered(facts, strategy, begins)


def hand_over(records: Database, one: Conversation, loan: SimulatedLoan, phone: str) -> None:
    facts = loan.state.facts
    row = handed(
        facts.loan_id,
        line=2,
        phone=phone,
        language=one.language,
        country=one.country,
        region=one.region,
        timezone=facts.timezone,
        currency=facts.currency,
        due_date=facts.due_date,
    )
    with records.writing() as session:
        enter(session, [row], campaign_id=facts.loan_id, at=loan.now)
        loans.begin(session, loans.get(session, facts.lender, facts.loan_id))


def note_answers(session: Session, loan: SimulatedLoan) -> None:
    """What the loan answered stands in the contact ledger, as where it is really sent."""
    row, person = contacts.lock_person(session, loan.state.facts.lender, loan.state.facts.loan_id)
    for at, order, _ in loan.contacts:
        if order.step == REPLY:
            contacts.reserve(
                session,
                row,
                person,
                step=REPLY,
                occurrence=order.occurrence,
                purpose=Purpose.TRANSACTIONAL,
                channel=Channel.SMS,
                template=order.template,
                at=at,
                state=ContactState.SENT,
            )


def writes(records: Database, loan: SimulatedLoan, phone: str, text: str, number: int) -> None:
    """Their words come in as from the carrier, and the loan hears what was understood of them."""
    news = InboundNews(
        provider="twilio",
        provider_message_id=f"{loan.state.facts.loan_id}-{number}",
        channel=Channel.SMS,
        sender_address=phone,
        text=text,
    )
    loan.run_until(loan.now + timedelta(minutes=1))
    with records.writing() as session:
        note_answers(session, loan)
        told = record_inbound(session, news, loan.now, READER).signals
    for signal in told:
        event = read_signal(signal.name.value, signal.payload)
        assert not isinstance(event, str), event
        loan.hear(event)


def standing(loan: SimulatedLoan, said: list[str]) -> dict[str, Any]:
    answers = [order.template for _, order, _ in loan.contacts if order.step == REPLY]
    words = {hashlib.sha256(text.encode()).hexdigest(): text for text in said}
    agreements = loan.state.agreements
    last = agreements[-1] if agreements else None
    yes = last.evidence if last is not None else None
    moved_yes = last.move_evidence if last is not None else None
    return {
        "answers": len(answers),
        "answer": answers[-1] if answers else "none",
        "case": [case.kind.value for case in loan.state.cases],
        "hold": [case.circumstance.value for case in loan.state.cases if case.circumstance is not None],
        "agreement": last.state.value if last is not None else None,
        "words": words.get(yes.text_sha256) if yes is not None else None,
        "moved": last is not None and last.revision > 0,
        "moved_words": words.get(moved_yes.text_sha256) if moved_yes is not None else None,
    }


def test_there_are_sixty_in_four_national_varieties_and_portuguese() -> None:
    assert len(scripted()) >= 60
    assert len({one.country for one in scripted() if one.language == "es"}) >= 4
    assert {one.language for one in scripted()} == {"es", "pt"}


def test_they_are_played_on_each_day_of_the_week() -> None:
    assert [day.weekday() for day in DAYS] == list(range(7))


@pytest.mark.parametrize("day", [*DAYS, *map(date.fromisoformat, MORE_DAYS)], ids=lambda day: f"{day:%a-%d-%b-%Y}")
def test_each_conversation_goes_as_written_on_this_day(
    day: date, records: Database, strategies: dict[str, Strategy]
) -> None:
    wrong: list[str] = []
    for place, one in enumerate(scripted()):
        phone = f"+34{day.toordinal() % 1_000_000:06d}{place:03d}"
        loan = loan_of(one, day, strategies[one.country])
        hand_over(records, one, loan, phone)
        expected = 0
        for turn, each in enumerate(one.turns):
            writes(records, loan, phone, each["says"], turn)
            found = standing(loan, [before["says"] for before in one.turns[: turn + 1]])
            expected += each["answer"] != "none"
            wrong += differences(one, turn, found)
            if found["answers"] != expected:
                wrong.append(f"{one.id}, turn {turn + 1}: {found['answers']} answers, not {expected}; {found}")
    assert not wrong, "\n".join(wrong)


SHORT_ANSWERS = [
    ("os pago 60 el viernes", "sí, es correcto", "open", 6_000),
    ("os pago 60 el viernes", "sí, confirmo el pago", "open", 6_000),
    ("os pago 60 el viernes", "¿seguro?", None, None),
    ("os pago 60 el viernes", "sí, pero…", None, None),
    ("os pago 60 el viernes", "acepto si me quitan los intereses", None, None),
]


@pytest.mark.parametrize(("says", "then", "state", "minor"), SHORT_ANSWERS)
def test_what_is_read_back_binds_by_a_yes_alone(
    records: Database, strategies: dict[str, Strategy], says: str, then: str, state: str | None, minor: int | None
) -> None:
    """Given a promise that was read back, when it is agreed to in ordinary words, then it counts; when that is doubted,
    asked or made to depend on something, then it does not, and somebody answers."""
    loan, phone = spanish(records, strategies, f"short-{then}")
    writes(records, loan, phone, says, 1)

    writes(records, loan, phone, then, 2)

    last = loan.state.agreements[-1] if loan.state.agreements else None
    assert (last and last.state.value, last and last.total_minor) == (state, minor)
    assert len(answers_of(loan)) == 2
    assert loan.state.circumstance is None


@pytest.mark.parametrize(("then", "weekday"), [("sí, pero el lunes", 0), ("el viernes sin falta te pago", 4)])
def test_a_day_after_a_promise_voids_nothing_and_keeps_its_sum(
    records: Database, strategies: dict[str, Strategy], then: str, weekday: int
) -> None:
    """Given a promise over a part, when they write of a day and say yes to it, then the promise is for that day and
    over the same part."""
    loan, phone = spanish(records, strategies, f"day-{then}")
    writes(records, loan, phone, "os pago 60 el viernes", 1)
    writes(records, loan, phone, "sí", 2)

    writes(records, loan, phone, then, 3)
    read_back = answers_of(loan)[-1]
    writes(records, loan, phone, "sí", 4)

    assert read_back == AnswerKind.CONFIRM_PROMISE
    assert (loan.state.circumstance, loan.state.cases) == (None, ())
    assert {each.total_minor for each in loan.state.agreements} == {6_000}
    assert loan.state.agreements[-1].state.value == "open"
    assert loan.state.agreements[-1].instalments[-1].due.weekday() == weekday


@pytest.mark.parametrize("then", ["mejor el lunes", "el viernes no, mejor el lunes", "el lunes mejor"])
def test_another_day_for_what_is_read_back_is_read_back(
    records: Database, strategies: dict[str, Strategy], then: str
) -> None:
    loan, phone = spanish(records, strategies, f"short-{then}")
    writes(records, loan, phone, "os pago 60 el viernes", 1)

    writes(records, loan, phone, then, 2)
    writes(records, loan, phone, "vale", 3)

    (promise,) = loan.state.agreements
    assert (promise.total_minor, promise.instalments[-1].due.weekday()) == (6_000, 0)
    assert loan.state.cases == ()


@pytest.mark.parametrize(
    ("then", "state"), [("yes I accept the plan", "active"), ("¿hecho?", "proposed"), ("vale?", "proposed")]
)
def test_a_plan_is_agreed_to_by_name_and_by_no_question(
    records: Database, strategies: dict[str, Strategy], then: str, state: str
) -> None:
    """Given a plan that was offered, when it is accepted by name, it is in force; when it is asked about, it waits."""
    loan, phone = spanish(records, strategies, f"plan-{then}")
    writes(records, loan, phone, "quiero pagar en cuotas", 1)
    offered = answers_of(loan)[-1]

    writes(records, loan, phone, then, 2)

    assert offered == AnswerKind.PLAN_OFFER
    assert [each.state.value for each in loan.state.agreements] == [state]
    assert len(answers_of(loan)) == 2


def spanish(records: Database, strategies: dict[str, Strategy], name: str) -> tuple[SimulatedLoan, str]:
    """A loan in Spain on a Monday, with a number of its own."""
    one = replace(
        next(each for each in scripted() if each.country == "ES"), id=hashlib.sha256(name.encode()).hexdigest()[:8]
    )
    loan = loan_of(one, DAYS[0], strategies["ES"])
    phone = f"+34{int(one.id, 16) % 1_000_000_000:09d}"
    hand_over(records, one, loan, phone)
    return loan, phone


def answers_of(loan: SimulatedLoan) -> list[str]:
    return [order.template for _, order, _ in loan.contacts if order.step == REPLY]

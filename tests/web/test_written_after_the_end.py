"""What borrowers wrote after their loan was paid holds it when the payment is taken back and nobody has read it yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from sqlmodel import Session

from commands.case import settle_in_records
from commands.loan_lookup import what_it_knows
from domain.actions import Wait
from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.contact_orders import SendContact
from domain.entering import enter
from domain.events.control import CaseDecision, Decide, Pause, Resume
from domain.events.payments import PaymentReceived, PaymentReversed
from domain.ledger_entries import CaseClosedEntry, CaseKind, CaseOpenedEntry
from domain.loan_snapshot import snapshot
from domain.loan_state import LoanState
from domain.planning import plan
from providers.webhooks import mail_reports
from records import campaigns, cases, contacts, facts, loans, people, strategies
from records.database import Database
from records.tables import CampaignState, CaseState, InboundMessage, Loan
from records.tables import LoanState as Place
from tests.records.portfolios import LENDER, NOW, handed
from tests.records.portfolios import enter as hand_over
from tests.web.test_late_messages import delivered, said
from web.after_the_end import hand_to_a_person
from web.news import record_news
from workflows.loan_control import known_before
from workflows.messages import read_signal

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def paid(session: Session, *loan_ids: str) -> list[Loan]:
    """Loans of one person, the last of which ended last, as cured."""
    same = {"person_id": "p-1", "phone": "+34600000001", "email": "ana@example.com"}
    hand_over(session, [handed(loan_id, **same) for loan_id in loan_ids])
    found = [loans.get(session, LENDER, loan_id) for loan_id in loan_ids]
    for hours, loan in enumerate(found):
        loans.begin(session, loan)
        state = enter(facts.facts_of(session, loan, NOW), strategies.of_loan(session, loan), NOW)
        money = PaymentReceived(payment_id="p", amount_minor=10_000, currency="EUR", paid_at=NOW, provider="bank")
        cured, _ = apply(state, money, NOW)
        loans.end(session, loan, kind="cured", at=NOW + hours * HOUR, final_state=snapshot(cured))
    return found


def wrote(session: Session, loan: Loan, *intents: str, hours: int = 9) -> None:
    """A message that came in when none of the person's loans was in collection."""
    assert loan.person_ref is not None
    at = NOW + hours * HOUR
    message = InboundMessage(
        person_ref=loan.person_ref,
        at=at,
        channel=Channel.SMS,
        provider="twilio",
        provider_message_id=f"SM{hours}",
        text="no reconozco esa deuda",
        language="es",
        intents=list(intents),
        confidence=0.9,
        needs_human=True,
    )
    session.add(message)
    session.flush()
    hand_to_a_person(session, people.of_loan(session, loan), message, at)


def taken_back(database: Database, loan_id: str = "L1") -> LoanState:
    """The loan as it goes on two days later, heard of the reversal."""
    with database.reading() as session:
        state = facts.state_to_go_on_from(session, LENDER, loan_id, NOW + 2 * DAY)
    state, refused = apply(state, PaymentReversed(payment_id="p", provider="bank"), NOW + 2 * DAY)
    assert refused is None
    assert state.end is None
    return state


@pytest.mark.parametrize("intents", [("dispute",), ("hardship",), ("other", "vulnerable")])
def test_a_dispute_that_nobody_has_read_holds_the_loan_however_long(
    database: Database, intents: tuple[str, ...]
) -> None:
    """Given "I do not know this debt" after it was paid, and the payment taken back two days later, then nothing goes
    out, also past the time limit, and the case is the loan's own: deciding it lets the sequence go on."""
    with database.writing() as session:
        wrote(session, paid(session, "L1")[0], *intents)
        [(unread, _)] = cases.listing(session)

    state = taken_back(database)

    assert state.circumstance == intents[-1]
    assert not isinstance(plan(state, NOW + 60 * DAY)[1], SendContact)
    closed = [entry for entry in state.outbox if isinstance(entry, CaseClosedEntry)]
    opened = [entry for entry in state.outbox if isinstance(entry, CaseOpenedEntry)]
    assert [(entry.case_id, entry.note) for entry in closed] == [
        (unread.case_id, f"goes on as case {opened[0].case_id}")
    ]
    decided = Decide(case_id=opened[0].case_id, decision=CaseDecision.CONTINUE, by="ana")
    state, refused = apply(state, decided, NOW + 3 * DAY)
    assert (refused, state.stands_still) == (None, None)


def test_a_dispute_beside_a_case_that_waited_already_is_not_missed(database: Database) -> None:
    """Given "I have paid" and a day later "this was never mine", which share one case, then the dispute counts."""
    with database.writing() as session:
        [loan] = paid(session, "L1")
        wrote(session, loan, "already_paid")
        wrote(session, loan, "dispute", hours=30)
        assert len(cases.listing(session)) == 1

    assert taken_back(database).circumstance == "dispute"


def test_what_was_put_to_another_paid_loan_of_the_person_holds_this_one_too(database: Database) -> None:
    with database.writing() as session:
        wrote(session, paid(session, "L1", "L2")[0], "dispute")
        [(case, put_to)] = cases.listing(session)
        assert put_to.loan_id == "L2"

    state = taken_back(database)

    assert state.circumstance == "dispute"
    assert case.case_id not in [e.case_id for e in state.outbox if isinstance(e, CaseClosedEntry)], "it is the other's"


def test_what_a_person_has_decided_holds_nothing(database: Database) -> None:
    with database.writing() as session:
        [loan] = paid(session, "L1")
        wrote(session, loan, "dispute")
        [(case, _)] = cases.listing(session)
    settle_in_records(database, loan, Decide(case_id=case.case_id, decision=CaseDecision.CONTINUE, by="ana"))

    assert taken_back(database).stands_still is None


@pytest.mark.parametrize("intents", [("complaint",), ("already_paid",), ("promise_to_pay", "hardship")])
def test_what_else_is_written_holds_nothing(database: Database, intents: tuple[str, ...]) -> None:
    with database.writing() as session:
        wrote(session, paid(session, "L1")[0], *intents)

    assert taken_back(database).circumstance is None


def handed_over_afterwards(database: Database) -> LoanState:
    """Another loan of the same person, as it stands in its first moment."""
    with database.writing() as session:
        same = {"person_id": "p-1", "phone": "+34600000001", "email": "ana@example.com"}
        hand_over(session, [handed("L9", **same)], campaign_id="c9")
        entered = facts.as_entered(session, LENDER, "L9", NOW + DAY)
    state = enter(entered.facts, entered.strategy, NOW + DAY)
    for signal in known_before(entered):
        event = read_signal(signal.name, signal.payload)
        assert not isinstance(event, str)
        state, refused = apply(state, event, NOW + DAY)
        assert refused is None
    return state


def test_a_death_that_nobody_has_read_of_holds_what_is_handed_over_afterwards(database: Database) -> None:
    """Given "my mother, whom you write to, has died" after her loan was paid, when another loan of hers is handed over
    before anybody has read it, then that stands still from its first moment."""
    with database.writing() as session:
        wrote(session, paid(session, "L1")[0], "vulnerable", "wrong_person")

    state = handed_over_afterwards(database)

    assert state.circumstance == "vulnerable"
    assert not isinstance(plan(state, NOW + 60 * DAY)[1], SendContact)


@pytest.mark.parametrize("intents", [("dispute",), ("hardship",), ("complaint",)])
def test_what_is_about_one_debt_holds_no_other_that_is_handed_over_afterwards(
    database: Database, intents: tuple[str, ...]
) -> None:
    with database.writing() as session:
        wrote(session, paid(session, "L1")[0], *intents)

    assert handed_over_afterwards(database).stands_still is None


@pytest.mark.parametrize(
    ("reason", "held"),
    [
        ("bereavement reported", "bereavement"),
        ("vulnerable reported; a link asked for on the telephone is not sent", "vulnerable"),
        ("vulnerable reported, again after acme-L1-1-1: the payment that closed it was reversed", "vulnerable"),
        ("again after acme-L1-1-1: the payment that closed it was reversed", "bereavement"),
        ("dispute reported", None),
    ],
)
@pytest.mark.parametrize("decided", [False, True])
def test_what_waits_for_its_decision_in_a_loan_of_the_person_holds_what_is_handed_over_afterwards(
    database: Database, reason: str, held: str | None, decided: bool
) -> None:
    """Also of a case that an earlier version opened again, which names only the one before it."""
    with database.writing() as session:
        hand_over(session, [handed("L1", person_id="p-1", phone="+34600000001", email="ana@example.com")])
        loan = loans.get(session, LENDER, "L1")
        loans.begin(session, loan)
        of_loan = {"queue": "people", "kind": CaseKind.CIRCUMSTANCE.value, "at": NOW, "sla_at": None}
        cases.open(session, loan, case_id="acme-L1-1-1", reason="bereavement reported", **of_loan)  # type: ignore[arg-type]
        cases.close(session, "acme-L1-1-1", CaseState.CLOSED, at=NOW)
        cases.open(session, loan, case_id="acme-L1-1-2", reason=reason, **of_loan)  # type: ignore[arg-type]
        if decided:
            cases.decide(session, "acme-L1-1-2", decision="continue", by="ana", at=NOW)

    assert handed_over_afterwards(database).circumstance == (None if decided else held)


def test_distress_that_was_decided_is_not_told_anew_by_another_case_of_that_loan(database: Database) -> None:
    """Given a loan in collection whose borrower told of distress, on which a person has decided, and who still waits
    for a call, then another loan that is handed over begins as any."""
    with database.writing() as session:
        [loan] = paid(session, "L1")
        wrote(session, loan, "vulnerable")
        loan.state, loan.end_kind, loan.ended_at = Place.IN_COLLECTION, None, None
        session.add(loan)

    assert handed_over_afterwards(database).circumstance is None


def test_distress_told_to_a_loan_in_collection_holds_one_whose_payment_is_taken_back(database: Database) -> None:
    with database.writing() as session:
        other = paid(session, "L1", "L2")[1]
        other.state, other.end_kind, other.ended_at = Place.IN_COLLECTION, None, None
        session.add(other)
        of_loan = {"queue": "people", "kind": CaseKind.CIRCUMSTANCE.value, "at": NOW, "sla_at": None}
        cases.open(session, other, case_id="acme-L2-1-1", reason="vulnerable reported", **of_loan)  # type: ignore[arg-type]

    assert taken_back(database).circumstance == "vulnerable"


NOT_MINE = "no reconozco esta deuda, voy a denunciar el cargo en mi banco"
SECOND = timedelta(seconds=1)


def by_whatsapp(database: Database, at: datetime) -> None:
    delivered(database, at, said("wamid.9", NOT_MINE, at - 2 * SECOND))


def by_mail(database: Database, at: datetime) -> None:
    """In answer to a mail of ours, by a clock that is ten minutes behind."""
    with database.writing() as session:
        loan, person = contacts.lock_person(session, LENDER, "L1")
        named: dict[str, Any] = {"step": "r1", "occurrence": 1, "purpose": Purpose.COLLECTION, "template": "first"}
        ours = contacts.reserve(session, loan, person, channel=Channel.EMAIL, at=NOW, **named).contact
        mail = (
            f"From: {person.email}\nMessage-ID: <a1@mail.example>\nDate: {format_datetime(at - 600 * SECOND)}\n"
            f"In-Reply-To: <{ours.message_id}@credialba.example>\n\n{NOT_MINE}\n"
        )
    with database.writing() as session:
        record_news(session, mail_reports.parse(mail.encode()), at)


@pytest.mark.parametrize("arrives", [by_whatsapp, by_mail])
def test_a_dispute_holds_the_loan_though_it_was_written_before_it_came_in(database: Database, arrives: Any) -> None:
    """Given a dispute by WhatsApp or e-mail, which say when they were written, after the loan was paid, when the
    payment is taken back, then the loan stands still."""
    with database.writing() as session:
        paid(session, "L1")

    arrives(database, NOW + 9 * HOUR)

    assert taken_back(database).circumstance == "dispute"


def test_a_dispute_that_the_loans_own_run_put_to_a_person_holds_it(database: Database) -> None:
    """As an earlier version did: its case is of when the loan heard of the message."""
    with database.writing() as session:
        [loan] = paid(session, "L1")
        wrote(session, loan, "dispute")
        [(of_records, _)] = cases.listing(session)
        cases.close(session, of_records.case_id, CaseState.CLOSED, at=NOW + 9 * HOUR)
        asks = {"queue": "people", "kind": CaseKind.HANDOFF.value, "sla_at": None, "reason": "wrote after the end"}
        cases.open(session, loan, case_id=f"{LENDER}-L1-1-1", at=NOW + 9 * HOUR + SECOND, **asks)  # type: ignore[arg-type]

    assert taken_back(database).circumstance == "dispute"


async def test_who_looks_at_the_ended_loan_is_shown_no_case_that_nobody_can_decide(database: Database) -> None:
    with database.writing() as session:
        [loan] = paid(session, "L1")
        wrote(session, loan, "dispute")

    known = await what_it_knows(None, database, loan)

    assert known.state.cases == ()


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.RUNNING, CampaignState.FINISHED])
def test_a_pause_of_its_campaign_comes_back_only_while_that_is_paused(database: Database, state: CampaignState) -> None:
    """Given a loan that was paid while its campaign was paused, when the payment is taken back, then it stands still as
    long as its campaign does, which the records know."""
    until = NOW + timedelta(days=3640, microseconds=1)
    with database.writing() as session:
        [loan] = paid(session, "L1")
        begun = enter(facts.facts_of(session, loan, NOW), strategies.of_loan(session, loan), NOW)
        paused, _ = apply(begun, Pause(until=until, of_campaign=True), NOW)
        money = PaymentReceived(payment_id="p", amount_minor=10_000, currency="EUR", paid_at=NOW, provider="bank")
        loan.final_state = snapshot(apply(paused, money, NOW)[0])
        session.add(loan)
        assert loan.campaign_id is not None
        campaigns.set_state(session, campaigns.get(session, loan.campaign_id), state, at=NOW + HOUR)

    assert taken_back(database).paused_until == (until if state is CampaignState.PAUSED else None)


@pytest.mark.parametrize("days", [30, 1, None], ids=["lasts", "over", "no end noted"])
def test_a_loan_that_was_paid_before_its_campaign_was_paused_comes_back_paused(
    database: Database, days: int | None
) -> None:
    """Given a payment that is taken back on the second day, then nobody is contacted before the campaign's pause is
    over, or before it goes on."""
    until = NOW + days * DAY if days is not None else None
    with database.writing() as session:
        paid(session, "L1")
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.PAUSED, at=NOW + HOUR, until=until)

    state = taken_back(database)

    if days == 1:
        assert state.paused_until is None
        return
    assert isinstance(plan(state, NOW + 29 * DAY)[1], Wait)
    assert state.paused_until is not None
    assert state.paused_until == until or state.paused_until > NOW + 3000 * DAY
    gone_on, refused = apply(state, Resume(of_campaign=True), NOW + 3 * DAY)
    assert (refused, gone_on.paused_until) == (None, None)


def test_a_loan_that_was_paid_in_its_campaigns_pause_takes_the_end_that_pause_was_given_since(
    database: Database,
) -> None:
    first, later = NOW + 9 * DAY, NOW + 30 * DAY
    with database.writing() as session:
        [loan] = paid(session, "L1")
        begun = enter(facts.facts_of(session, loan, NOW), strategies.of_loan(session, loan), NOW)
        paused, _ = apply(begun, Pause(until=first, of_campaign=True), NOW)
        money = PaymentReceived(payment_id="p", amount_minor=10_000, currency="EUR", paid_at=NOW, provider="bank")
        loan.final_state = snapshot(apply(paused, money, NOW)[0])
        session.add(loan)
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.PAUSED, at=NOW + HOUR, until=later)

    assert taken_back(database).paused_until == later

"""The tray and the conversation: what waits, deciding it, and what was written, to read and to search."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.access import Role
from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.events import Circumstance, CircumstanceReported
from records import cases, contacts, loans
from records.database import Database
from records.tables import InboundMessage
from tests.records.portfolios import LENDER, handed_over_again
from tests.web.calling import NOW
from tests.web.core_loans import CoreLoans
from tests.web.test_agreements import PAGE, clock, orders, person, plain, site, state_of

__all__ = ["clock", "orders", "site"]


@pytest.fixture
def disputed(database: Database, orders: CoreLoans) -> str:
    """L1 is disputed: it stands still, and its case waits, in the loan and in the records."""
    state, _ = apply(state_of(orders), CircumstanceReported(kind=Circumstance.DISPUTE), NOW)
    orders.states[LENDER, "L1"] = state
    [case] = state.cases
    with database.writing() as session:
        loan, borrower = contacts.lock_person(session, LENDER, "L1")
        cases.open(
            session,
            loan,
            case_id=case.case_id,
            queue=case.queue,
            kind="circumstance",
            at=NOW,
            sla_at=NOW - timedelta(hours=1),
            reason="dispute",
        )
        wrote = contacts.reserve(
            session, loan, borrower, step="r1", occurrence=1, purpose=Purpose.COLLECTION, channel=Channel.SMS,
            template="first", at=NOW, address="+34600000001",
        )  # fmt: skip
        assert isinstance(wrote, contacts.Reserved)
        wrote.contact.text = "Credialba: queda una cuota pendiente"
        session.add(wrote.contact)
        assert borrower.id is not None
        session.add(
            InboundMessage(
                person_ref=borrower.id, loan_ref=loan.id, at=NOW + timedelta(hours=1), channel=Channel.SMS,
                provider="twilio", provider_message_id="SM1", text="Esa deuda <no> es mía, ya la pagué",
                language="es", intents=["dispute"], confidence=0.9, needs_human=True,
            )
        )  # fmt: skip
    return case.case_id


def agent_of(site: Any, database: Database) -> TestClient:
    return person(site, database, "ana", Role.AGENT)


def test_an_agent_finds_the_case_reads_what_was_written_and_decides(
    database: Database, site: Any, orders: CoreLoans, disputed: str
) -> None:
    agent, auditor = agent_of(site, database), person(site, database, "ulf", Role.AUDITOR)
    home, tray = agent.get("/").text, agent.get("/cases").text
    loan = agent.get(PAGE).text
    thread = plain(agent.get(f"{PAGE}/thread").text)
    found = plain(agent.get(f"{PAGE}/thread?search=PAGUE").text)
    for_auditor = auditor.get("/cases").text
    by_auditor = auditor.post(f"/cases/{disputed}/decide", data={"decision": "continue"})
    unread = auditor.get(f"{PAGE}/thread")
    decided = agent.post(f"/cases/{disputed}/decide", data={"decision": "continue", "note": "it is theirs"})
    again = agent.post(f"/cases/{disputed}/decide", data={"decision": "continue"})
    unknown = agent.post("/cases/none/decide", data={"decision": "continue"})

    assert 'href="/cases?queue=' in home
    for shown in (tray, loan):
        assert f'action="/cases/{disputed}/decide"' in shown
        assert 'class="late"' in shown
    assert thread.index("queda una cuota pendiente") < thread.index("Esa deuda &lt;no&gt; es mía")
    assert "Esa deuda" in found
    assert "queda una cuota" not in found
    assert (PAGE in for_auditor, "/decide" in for_auditor) == (True, False)
    assert (by_auditor.status_code, unread.status_code) == (403, 403)
    assert decided.headers["location"] == "/cases?done=true"
    assert state_of(orders).circumstance is None
    assert (again.status_code, unknown.status_code) == (409, 404)


def test_a_case_of_an_earlier_hand_over_is_said_to_be_settled_elsewhere(
    database: Database, site: Any, disputed: str
) -> None:
    """Given a case of the first hand-over, when the loan is in its second, then the page names what settles it."""
    with database.writing() as session:
        handed_over_again(session, "L1")

    answer = agent_of(site, database).post(f"/cases/{disputed}/decide", data={"decision": "continue"})

    assert answer.status_code == 409
    assert "starter.py case decide" in plain(answer.text)


def test_what_people_decided_and_noted_stands_in_the_thread(database: Database, site: Any, disputed: str) -> None:
    with database.writing() as session:
        loans.get(session, LENDER, "L1")
        cases.decide(
            session, disputed, decision="continue", by="account:1", at=NOW + timedelta(hours=2), note="Lo hablamos"
        )

    thread = plain(agent_of(site, database).get(f"{PAGE}/thread").text)

    assert thread.index("Esa deuda") < thread.index("Lo hablamos")
    assert "Dispute, hardship or vulnerability: The sequence goes on" in thread


def test_the_note_to_a_decision_stays_in_the_records_and_the_loan_hears_of_the_decision_alone(
    database: Database, site: Any, orders: CoreLoans, disputed: str
) -> None:
    """Given a note that names the borrower, when the decision is taken, then Temporal is told no word of it."""
    agent = agent_of(site, database)

    answer = agent.post(f"/cases/{disputed}/decide", data={"decision": "continue", "note": "Dolores Ibarra ya pagó"})

    assert answer.status_code == 303
    told = [payload for name, payload in orders.orders if name == "decide"]
    assert [("Dolores" in str(one), one.get("note", "")) for one in told] == [(False, "")]
    with database.writing() as session:
        cases.decide(session, disputed, decision="continue", by=told[0]["by"], at=NOW + timedelta(hours=2))
    assert "Dolores Ibarra ya pagó" in plain(agent.get(f"{PAGE}/thread").text)


def test_the_note_to_a_decision_that_the_loan_refuses_is_not_kept(
    database: Database, site: Any, orders: CoreLoans, disputed: str
) -> None:
    orders.states[LENDER, "L1"] = orders.states[LENDER, "L1"].model_copy(update={"cases": ()})

    answer = agent_of(site, database).post(
        f"/cases/{disputed}/decide", data={"decision": "continue", "note": "ya pagó"}
    )

    assert answer.status_code == 409
    with database.reading() as session:
        case = cases.get(session, disputed)
    assert (case.note, case.decided_by) == (None, None)

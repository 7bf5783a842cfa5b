"""The tray and the conversation: what waits, deciding it, and what was written, to read and to search."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.access import Role
from domain.collection import apply
from domain.contact import Channel, Purpose
from domain.events.borrower import Circumstance, CircumstanceReported
from records import cases, contacts, loans
from records.database import Database
from records.tables import InboundMessage
from tests.records.portfolios import LENDER, handed_over_again
from tests.web.calling import NOW
from tests.web.core_loans import CoreLoans
from tests.web.test_agreements import PAGE, clock, orders, person, plain, site, state_of
from web.agreement_desk import noted
from web.loan_record import case_record
from web.ports import LoanNotRunning, OrderRefused

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


def waiting(database: Database, kind: str) -> str:
    """A case of L1 of this kind."""
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        cases.open(session, loan, case_id="acme-L1-1-9", queue="agents", kind=kind, at=NOW, sla_at=NOW, reason="x")
    return "acme-L1-1-9"


def choices(page: str) -> list[tuple[str, str, bool]]:
    """What the decision of a page's only case may be: value, words and whether it is chosen before anybody chose."""
    found = re.findall(r'<option value="(\w*)"( selected)?>([^<]*)</option>', page)
    return [(value, said, bool(chosen)) for value, chosen, said in found]


@pytest.mark.parametrize("where", ["/cases", PAGE])
def test_no_decision_is_taken_before_anybody_has_chosen_one(
    database: Database, site: Any, orders: CoreLoans, disputed: str, where: str
) -> None:
    agent = agent_of(site, database)

    offered = choices(agent.get(where).text)
    unchosen = agent.post(f"/cases/{disputed}/decide", data={"decision": "", "note": "pressed too soon"})

    assert [value for value, _, chosen in offered if chosen] == [""]
    assert "continue" in [value for value, _, _ in offered]
    assert unchosen.status_code == 422
    assert state_of(orders).circumstance == "dispute"


@pytest.mark.parametrize("where", ["/cases", PAGE])
@pytest.mark.parametrize(
    ("language", "declines"),
    [("en", "Decline the offer"), ("es", "Rechazar la oferta"), ("pt", "Recusar a oferta")],
)
def test_whoever_would_send_an_offer_to_approve_on_its_way_reads_that_it_is_declined(
    database: Database, site: Any, where: str, language: str, declines: str
) -> None:
    """Given an offer with the borrower's yes that waits for approval, when its case is looked at, then what calls it
    off says so, and where it is approved is one step away."""
    waiting(database, "approval")

    page = agent_of(site, database).get(where, headers={"accept-language": language}).text

    assert dict((value, said) for value, said, _ in choices(page))["continue"] == declines
    assert f'href="{PAGE}#agreements"' in page


def test_an_offer_that_was_declined_stands_so_in_the_thread(database: Database, site: Any) -> None:
    case_id = waiting(database, "approval")
    with database.writing() as session:
        cases.decide(session, case_id, decision="continue", by="account:1", at=NOW)

    assert "Offer to approve: Decline the offer" in plain(agent_of(site, database).get(f"{PAGE}/thread").text)


@pytest.mark.parametrize("where", ["/cases", PAGE])
def test_a_refund_that_two_people_decide_is_closed_by_nobody_on_a_page(
    database: Database, site: Any, orders: CoreLoans, where: str
) -> None:
    case_id = waiting(database, "refund")
    agent = agent_of(site, database)

    page = plain(agent.get(where).text)
    forced = agent.post(f"/cases/{case_id}/decide", data={"decision": "continue"})

    assert choices(page) == []
    assert f"starter.py refund propose {case_id}" in page
    assert forced.status_code == 409
    assert "refund propose" in plain(forced.text)
    assert [name for name, _ in orders.orders if name == "decide"] == []


def test_an_agent_cannot_give_up_a_whole_debt_by_deciding_a_case(
    database: Database, site: Any, orders: CoreLoans, disputed: str
) -> None:
    """Given a case, when an agent would end its loan, then the page offers no such thing and refuses it when it is
    sent all the same; a supervisor may."""
    agent, boss = agent_of(site, database), person(site, database, "berta", Role.SUPERVISOR)

    offered = {where: [value for value, _, _ in choices(agent.get(where).text)] for where in ("/cases", PAGE)}
    sent = [
        agent.post(f"/cases/{disputed}/decide", data={"decision": each}) for each in ("recall", "sell", "write_off")
    ]
    stands = state_of(orders)
    to_boss = [value for value, _, _ in choices(boss.get("/cases").text)]
    decided = boss.post(f"/cases/{disputed}/decide", data={"decision": "write_off"})

    assert list(offered.values()) == [["", "continue"], ["", "continue"]]
    assert [each.status_code for each in sent] == [409, 409, 409]
    assert "only a supervisor ends a loan that still owes" in plain(sent[0].text)
    assert (stands.end, stands.circumstance) == (None, "dispute")
    assert to_boss == ["", "continue", "recall", "sell", "write_off"]
    assert (decided.status_code, state_of(orders).end) == (303, "written_off")


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
def test_an_offer_that_takes_two_people_is_no_way_for_one_to_end_the_loan(
    database: Database, site: Any, orders: CoreLoans, role: Role
) -> None:
    """Given somebody's own offer that waits for another person, when they decide its case, then they may decline the
    offer and nothing else."""
    one = person(site, database, "ana", role)
    low = {"kind": "settlement", "option": "late", "percent": 60, "words": "acepto"}
    one.post(f"/api/v1/loans/{LENDER}/L1/agreements", json=low)
    [case] = state_of(orders).cases
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        cases.open(
            session, loan, case_id=case.case_id, queue=case.queue, kind="approval", at=NOW, sla_at=NOW, reason="x"
        )

    offered = [value for value, _, _ in choices(one.get("/cases").text)]
    sent = [
        one.post(f"/cases/{case.case_id}/decide", data={"decision": each}) for each in ("recall", "sell", "write_off")
    ]
    stands = state_of(orders)
    declined = one.post(f"/cases/{case.case_id}/decide", data={"decision": "continue"})

    assert offered == ["", "continue"]
    assert [each.status_code for each in sent] == [409, 409, 409]
    assert (stands.end, [each.state for each in stands.agreements]) == (None, ["proposed"])
    assert declined.status_code == 303
    assert (state_of(orders).end, [each.state for each in state_of(orders).agreements]) == (None, ["cancelled"])


def test_what_people_decided_and_noted_stands_in_the_thread(database: Database, site: Any, disputed: str) -> None:
    with database.writing() as session:
        loans.get(session, LENDER, "L1")
        cases.decide(
            session, disputed, decision="continue", by="account:1", at=NOW + timedelta(hours=2), note="Lo hablamos"
        )

    thread = plain(agent_of(site, database).get(f"{PAGE}/thread").text)

    assert thread.index("Esa deuda") < thread.index("Lo hablamos")
    assert "Dispute, hardship or vulnerability: Carry on with the sequence" in thread


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


@pytest.mark.parametrize("note", ["", "habló con su hija"])
def test_the_note_to_a_decision_that_the_loan_refuses_is_never_that_of_anothers_decision(
    database: Database, site: Any, orders: CoreLoans, disputed: str, note: str
) -> None:
    """Given a note to a decision that the loan refused, when somebody else decides the case, with a note or without,
    then the case shows theirs or none, and showed none before."""
    known = orders.states[LENDER, "L1"]
    orders.states[LENDER, "L1"] = known.model_copy(update={"cases": ()})
    refused = agent_of(site, database).post(
        f"/cases/{disputed}/decide", data={"decision": "continue", "note": "ya pagó"}
    )
    with database.reading() as session:
        waiting = case_record(cases.get(session, disputed), loans.get(session, LENDER, "L1"), contact_data=True)
    orders.states[LENDER, "L1"] = known

    decided = person(site, database, "eva", Role.AGENT).post(
        f"/cases/{disputed}/decide", data={"decision": "continue", "note": note}
    )

    assert (refused.status_code, decided.status_code) == (409, 303)
    assert (waiting.note, waiting.decided_by) == (None, None)
    [told] = [payload for name, payload in orders.orders if name == "decide"][-1:]
    with database.writing() as session:
        case = cases.decide(session, disputed, decision="continue", by=told["by"], at=NOW + timedelta(hours=2))
    assert case.note == (note or None)


@pytest.mark.parametrize(("login", "note"), [("ana", "ya pagó"), ("ana", ""), ("ana", "otra vez"), ("eva", "yo")])
def test_the_note_to_an_accepted_decision_outlasts_a_second_press(
    database: Database, site: Any, disputed: str, login: str, note: str
) -> None:
    """Given a decision that the loan has taken and the records have not, when it is decided once more, by the same
    person or another, whatever they note, then that is refused and the first note stands with the decision."""
    first = agent_of(site, database)
    taken = first.post(f"/cases/{disputed}/decide", data={"decision": "continue", "note": "ya pagó"})
    with database.reading() as session:
        by = cases.get(session, disputed).decided_by
    second = first if login == "ana" else person(site, database, login, Role.AGENT)

    again = second.post(f"/cases/{disputed}/decide", data={"decision": "continue", "note": note})

    assert by is not None
    assert (taken.status_code, again.status_code) == (303, 409)
    with database.writing() as session:
        case = cases.decide(session, disputed, decision="continue", by=by, at=NOW + timedelta(hours=2))
    assert case.note == "ya pagó"


async def test_the_note_outlasts_a_second_press_that_is_heard_first(database: Database, disputed: str) -> None:
    """Given two presses at once, when the loan takes the second and then refuses the first, then the note stands."""
    heard = asyncio.Event()

    async def refused() -> None:
        await heard.wait()
        raise OrderRefused("no such open case")

    async def taken() -> None:
        pass

    async def press(order: Callable[[], Awaitable[None]]) -> None:
        await noted(database, disputed, "ya pagó", "account:1", order, refused=OrderRefused, not_running=LoanNotRunning)

    first = asyncio.create_task(press(refused))
    while not await asyncio.to_thread(waits, database, disputed):
        pass
    await press(taken)
    heard.set()
    with pytest.raises(OrderRefused):
        await first

    with database.writing() as session:
        case = cases.decide(session, disputed, decision="continue", by="account:1", at=NOW + timedelta(hours=2))
    assert case.note == "ya pagó"


def waits(database: Database, case_id: str) -> bool:
    """Whether somebody's note stands with the open case."""
    with database.reading() as session:
        return cases.get(session, case_id).note is not None

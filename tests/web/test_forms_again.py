"""What was typed into a form stands there again where its order was not taken, and the page says why."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.access import Role, Scope
from records.database import Database
from tests.web.calling import browser, key
from tests.web.core_loans import CoreLoans
from tests.web.test_agreements import API, PAGE, borrowers, clock, orders, person, plain, site, state_of
from tests.web.test_case_pages import disputed

__all__ = ["clock", "disputed", "orders", "site"]

UNANSWERED = "The loan did not answer. What you asked for may be done all the same"


@pytest.fixture
def agent(site: Any, database: Database) -> TestClient:
    return person(site, database, "ana", Role.AGENT)


def offer_of(page: str) -> dict[str, str]:
    """The form of the monthly plan as the page gives it."""
    of_plan = page.split('value="monthly"')[1]
    given = {name: of_plan.split(f'name="{name}" value="')[1].split('"')[0] for name in ("seen", "mark")}
    return {"kind": "plan", "option": "monthly", **given}


def test_a_promise_that_the_loan_did_not_answer_is_told_and_stands_in_the_form(
    agent: TestClient, orders: CoreLoans
) -> None:
    """Given a worker that restarts, when an agent takes a promise down, then the page says that nobody knows whether it
    was, and what was typed is there."""
    orders.unanswered = True

    answer = agent.post(f"{PAGE}/promise", data={"amount": "50", "day": "2026-12-01", "words": "el martes pago"})

    assert (answer.status_code, UNANSWERED in plain(answer.text)) == (503, True)
    for typed in ('value="50"', 'value="2026-12-01"', 'value="el martes pago"'):
        assert typed in answer.text


def test_what_was_typed_stays_even_when_the_loan_cannot_be_asked_at_all(agent: TestClient, orders: CoreLoans) -> None:
    orders.down = True

    promised = agent.post(f"{PAGE}/promise", data={"amount": "50", "day": "2026-12-01", "words": "el martes pago"})
    offered = agent.post(f"{PAGE}/agree", data={"kind": "plan", "option": "monthly", "words": "sí, de acuerdo"})

    assert (promised.status_code, 'value="el martes pago"' in promised.text) == (503, True)
    assert (offered.status_code, "readonly>sí, de acuerdo</textarea>" in offered.text) == (503, True)


def test_every_order_of_a_loans_page_that_is_not_answered_is_told(agent: TestClient, orders: CoreLoans) -> None:
    form = offer_of(agent.get(PAGE).text)
    assert agent.post(f"{PAGE}/agree", data=form).status_code == 303
    orders.unanswered = True

    yes = agent.post(f"{PAGE}/agreements/1/accept", data={"words": "sí, acepto"})
    called_off = agent.post(f"{PAGE}/agreements/1/cancel")
    offered = agent.post(f"{PAGE}/agree", data=offer_of(agent.get(PAGE).text) | {"words": "de acuerdo"})
    orders.unanswered = False
    assert agent.post(f"{PAGE}/agreements/1/accept", data={"words": "sí, acepto"}).status_code == 303
    orders.unanswered = True
    moved = agent.post(f"{PAGE}/agreements/1/move", data={"to": "2026-12-16", "words": "mejor el 16"})

    for answer in (yes, called_off, offered, moved):
        assert (answer.status_code, UNANSWERED in plain(answer.text)) == (503, True)
    assert 'value="sí, acepto"' in yes.text
    assert 'value="de acuerdo"' in offered.text
    assert 'value="2026-12-16"' in moved.text
    assert 'value="mejor el 16"' in moved.text


def test_an_offer_whose_answer_was_lost_is_made_once_when_its_form_is_sent_again(
    agent: TestClient, orders: CoreLoans
) -> None:
    """Given an offer over what the borrower can bear that nobody answered, when the agent sends the form as it then
    stands, twice, then there is one."""
    orders.unanswered = True
    first = offer_of(agent.get(f"{PAGE}?bearable=120").text) | {"bearable": "120"}
    lost = agent.post(f"{PAGE}/agree", data=first | {"words": "de acuerdo"})
    orders.unanswered = False
    form = offer_of(lost.text) | {"bearable": "120", "words": "de acuerdo"}

    again = [agent.post(f"{PAGE}/agree", data=form).status_code for _ in range(2)]

    assert 'name="bearable" value="120"' in lost.text
    assert 'value="de acuerdo"' in lost.text
    assert form["mark"] == first["mark"]
    assert again == [303, 303]
    assert [a.state for a in state_of(orders).agreements] == ["active"]


def test_an_agreement_whose_button_is_pressed_twice_at_once_is_made_once_and_not_refused(
    database: Database, agent: TestClient, site: Any, orders: CoreLoans
) -> None:
    """Given two presses of one form, when the first is carried out between the second's questions, then both are told
    that it is agreed; so are two calls of a service under one key."""
    form = offer_of(agent.get(PAGE).text) | {"words": "de acuerdo"}
    given = {"kind": "plan", "option": "monthly", "words": "de acuerdo", "message_id": "m1"}
    pressed, called = [], []
    with browser(site) as service:
        header = key(database, Scope.AGREEMENTS_WRITE) | {"Idempotency-Key": "order-1"}
        for _ in range(2):
            orders.known_late = 1
            pressed.append(agent.post(f"{PAGE}/agree", data=form).status_code)
        agent.post(f"{PAGE}/agreements/1/cancel")
        for _ in range(2):
            orders.known_late = 1
            called.append(service.post(f"{API}/agreements", headers=header, json=given).status_code)

    assert (pressed, called) == ([303, 303], [200, 200])
    assert [a.state for a in state_of(orders).agreements] == ["cancelled", "active"]


def test_what_a_loan_refuses_stands_in_the_form_with_money_written_as_money(
    agent: TestClient, orders: CoreLoans
) -> None:
    answer = agent.post(f"{PAGE}/promise", data={"amount": "300.01", "day": "2026-12-01", "words": "lo pago todo"})

    assert answer.status_code == 409
    assert "more than what is due (€300.00)" in plain(answer.text)
    assert 'value="300.01"' in answer.text


@pytest.mark.parametrize("mistyped", ["0026-12-01", "9999-12-01", "hoy"])
def test_a_year_of_another_age_is_no_day(
    database: Database, agent: TestClient, site: Any, orders: CoreLoans, mistyped: str
) -> None:
    """Given a day field that browsers fill with 0026 where somebody types a short year, when it is sent, then the page
    asks for a day and the API refuses to read it."""
    agent.post(f"{PAGE}/agree", data=offer_of(agent.get(PAGE).text) | {"words": "de acuerdo"})
    promised = agent.post(f"{PAGE}/promise", data={"amount": "50", "day": mistyped, "words": "pago"})
    moved = agent.post(f"{PAGE}/agreements/1/move", data={"to": mistyped})
    with browser(site) as service:
        header = key(database, Scope.AGREEMENTS_WRITE)
        given = {"amount_minor": 5_000, "date": mistyped, "words": "pago"}
        by_api = service.post(f"{API}/promises", headers=header, json=given)
        moved_by_api = service.post(f"{API}/agreements/1/due-date", headers=header, json={"to": mistyped})

    assert (promised.status_code, "Write an amount such as 120.50, and a day." in promised.text) == (422, True)
    assert 'value="pago"' in promised.text
    assert (moved.status_code, "Choose a day." in moved.text) == (422, True)
    assert (by_api.status_code, moved_by_api.status_code) == (422, 422)
    assert [a.kind for a in state_of(orders).agreements] == ["plan"]


def test_the_days_that_can_be_chosen_are_those_the_loan_takes(agent: TestClient) -> None:
    page = agent.get(PAGE).text

    assert 'id="day" name="day" type="date" min="2026-11-28" max="2026-12-29" required' in page


def test_the_note_to_a_decision_that_was_not_taken_stands_at_its_case(
    agent: TestClient, orders: CoreLoans, disputed: str
) -> None:
    orders.unanswered = True
    decision = {"decision": "continue", "note": "vuelve al banco"}

    answer = agent.post(f"/cases/{disputed}/decide", data=decision)
    unknown = agent.post("/cases/none/decide", data=decision)

    assert (answer.status_code, UNANSWERED in plain(answer.text)) == (503, True)
    assert 'value="vuelve al banco"' in answer.text
    assert '<option value="continue" selected>' in answer.text
    assert (unknown.status_code, "readonly>vuelve al banco</textarea>" in unknown.text) == (404, True)


def test_a_note_that_says_how_to_reach_somebody_is_refused_and_stands_in_the_form(
    agent: TestClient, orders: CoreLoans, disputed: str
) -> None:
    """Given a note with a telephone number, nothing of it goes to Temporal, and the agent need not write it again."""
    before = state_of(orders)
    decision = {"decision": "continue", "note": "llamar a su hermana al 600 111 222"}

    answer = agent.post(f"/cases/{disputed}/decide", data=decision, headers={"accept-language": "es"})

    assert (answer.status_code, state_of(orders)) == (409, before)
    assert "una nota no lleva teléfonos" in plain(answer.text).lower()
    assert 'value="llamar a su hermana al 600 111 222"' in answer.text


def test_a_borrowers_amount_and_day_stay_when_one_of_them_cannot_be_read(site: Any, orders: CoreLoans) -> None:
    with browser(site) as client:
        answer = client.post(borrowers(), data={"kind": "promise", "amount": "mucho", "day": "2026-12-04"})

    assert answer.status_code == 422
    assert 'value="mucho"' in answer.text
    assert 'value="2026-12-04"' in answer.text

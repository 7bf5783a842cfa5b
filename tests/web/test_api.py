"""The API as a core-banking system uses it."""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import integers
from sqlmodel import Session, col, select

from commands.processes import ROOT
from config.signed_addresses import SignedAddresses
from domain.access import Role, Scope
from domain.collection import apply
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.events.payments import PaymentReceived
from domain.webhook_news import PaymentNews
from records import accounts, audit, bank_entries, cases, loans, payments, people
from records.database import Database
from records.locks import one_at_a_time
from records.tables import Webhook
from tests.records.portfolios import LENDER, NOW, entered, handed_over_again
from tests.web.calling import HERE, LINK_SECRET, Clock, account, app_on, browser, key, sign_in
from tests.web.calling import NOW as ON_PAGES
from tests.web.core_loans import CoreLoans
from tests.web.test_agreements import clock, orders
from tests.web.test_money_news import on_the_statement
from web.news import record_news
from web.payment_entry import Entry, enter_payment

__all__ = ["clock", "orders"]

PAYMENT: dict[str, Any] = {
    "lender": LENDER,
    "loan_id": "L1",
    "provider": "bank",
    "payment_id": "TR-1",
    "amount_minor": 2_500,
    "currency": "EUR",
    "paid_at": "2026-11-27T10:00:00+01:00",
}


@pytest.fixture
def app(database: Database) -> FastAPI:
    with database.writing() as session:
        entered(session, "L1")
    return app_on(database)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with browser(app) as client:
        yield client


def test_a_payment_counts_once_however_often_it_is_sent(database: Database, client: TestClient) -> None:
    mine = key(database, Scope.PAYMENTS_WRITE)

    answers = [client.post("/api/v1/payments", json=PAYMENT, headers=mine) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.json()["new"] for answer in answers] == [True, False, False]
    assert answers[-1].json()["balance_due_minor"] == 7_500
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L1")) == 7_500


def test_a_payment_is_taken_back_once(database: Database, client: TestClient) -> None:
    mine = key(database, Scope.PAYMENTS_WRITE)
    client.post("/api/v1/payments", json=PAYMENT, headers=mine)
    names = {name: PAYMENT[name] for name in ("lender", "loan_id", "provider", "payment_id")}

    answers = [client.post("/api/v1/payments/reversals", json=names, headers=mine).json() for _ in range(2)]
    unknown = client.post("/api/v1/payments/reversals", json=names | {"payment_id": "other"}, headers=mine)

    assert [answer["new"] for answer in answers] == [True, False]
    assert answers[-1]["balance_due_minor"] == 10_000
    assert unknown.status_code == 409


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-11-27T00:00:00Z", "2026-11-27T06:00:00Z"),
        ("2026-11-27T00:00:01Z", "2026-11-27T00:00:01Z"),
        ("2026-11-26T18:00:00-06:00", "2026-11-27T00:00:00Z"),
        ("2026-11-27T00:00:00-06:00", "2026-11-27T06:00:00Z"),
    ],
)
def test_midnight_in_utc_is_that_day_where_the_borrower_lives(
    database: Database, client: TestClient, written: str, kept: str
) -> None:
    """Given a borrower in Mexico, when a day alone is told, then it is that day; a moment that says how far it is from
    UTC is that moment."""
    with database.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        person.timezone = "America/Mexico_City"
        session.add(person)
    told = PAYMENT | {"paid_at": written, "entry": 1}
    mine = key(database, Scope.PAYMENTS_WRITE)

    answers = [client.post("/api/v1/payments", json=told, headers=mine).json() for _ in range(2)]

    assert [(answer["new"], answer["paid_at"]) for answer in answers] == [(True, kept), (False, kept)]


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"amount_minor": 0}, 422, "amount_minor"),
        ({"amount_minor": 12.5}, 422, "amount_minor"),
        ({"amount_minor": "2500"}, 422, "amount_minor"),
        ({"paid_at": "2026-11-27T10:00:00"}, 422, "paid_at"),
        ({"paid_at": "2031-01-01T00:00:00Z"}, 409, "paid_at"),
        ({"currency": "USD"}, 409, "EUR"),
        ({"loan_id": "L9"}, 404, "no such loan"),
        ({"surplus": 1}, 422, "surplus"),
    ],
)
def test_a_wrong_payment_is_refused_by_name_and_changes_nothing(
    database: Database, client: TestClient, change: dict[str, Any], status: int, named: str
) -> None:
    answer = client.post("/api/v1/payments", json=PAYMENT | change, headers=key(database, Scope.PAYMENTS_WRITE))

    assert answer.status_code == status
    assert named in answer.text
    with database.reading() as session:
        assert payments.balance_due(session, loans.get(session, LENDER, "L1")) == 10_000


def test_the_same_id_with_other_money_is_refused(database: Database, client: TestClient) -> None:
    mine = key(database, Scope.PAYMENTS_WRITE)
    client.post("/api/v1/payments", json=PAYMENT, headers=mine)
    assert client.post("/api/v1/payments", json=PAYMENT | {"amount_minor": 1}, headers=mine).status_code == 409


def test_a_key_of_one_lender_does_not_see_anothers_loans(database: Database, client: TestClient) -> None:
    theirs = key(database, Scope.PAYMENTS_WRITE, Scope.LOANS_READ, Scope.AUDIT_READ, lender="other")

    assert client.get(f"/api/v1/loans/{LENDER}/L1", headers=theirs).status_code == 404
    assert client.post("/api/v1/payments", json=PAYMENT, headers=theirs).status_code == 404
    assert client.get("/api/v1/audit", headers=theirs).json() == {"rows": []}
    mine = key(database, Scope.LOANS_READ, lender=LENDER)
    assert client.get(f"/api/v1/loans/{LENDER}/L1", headers=mine).json()["balance_due_minor"] == 10_000


def test_names_and_addresses_only_for_those_whose_work_needs_them(database: Database, app: FastAPI) -> None:
    path = f"/api/v1/loans/{LENDER}/L1"
    with browser(app) as client:
        assert "contact_data" not in client.get(path, headers=key(database, Scope.LOANS_READ)).json()
        both = key(database, Scope.LOANS_READ, Scope.CONTACT_DATA_READ)
        assert client.get(path, headers=both).json()["contact_data"]["name"]
    for role in Role:
        account(database, role.value, role)
        with browser(app) as client:
            sign_in(client, role.value)
            assert ("contact_data" in client.get(path).json()) is (role in (Role.AGENT, Role.SUPERVISOR)), role


def test_what_a_person_noted_on_a_case_only_for_those_whose_work_needs_it(
    database: Database, client: TestClient
) -> None:
    """Given a note that waits for its decision, and then stands with it."""
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        cases.open(session, loan, case_id="c-1", kind="handoff", queue="agents", at=NOW, sla_at=NOW)
        cases.keep_note(session, "c-1", "su hermana paga", by="ana")
    plain = key(database, Scope.LOANS_READ, Scope.CASES_READ)
    full = key(database, Scope.LOANS_READ, Scope.CASES_READ, Scope.CONTACT_DATA_READ)

    def note(mine: dict[str, str]) -> str | None:
        told: str | None = client.get(f"/api/v1/loans/{LENDER}/L1", headers=mine).json()["cases"][0]["note"]
        return told

    assert note(full) is None
    assert client.get("/api/v1/cases", headers=full).json()["cases"][0]["note"] is None
    with database.writing() as session:
        cases.decide(session, "c-1", decision="continue", by="ana", at=NOW)
    assert note(plain) is None
    assert note(full) == "su hermana paga"


def test_the_description_names_every_key_a_loan_is_told_with(database: Database, client: TestClient) -> None:
    headers = key(database, Scope.LOANS_READ, Scope.CONTACT_DATA_READ)
    told = client.get(f"/api/v1/loans/{LENDER}/L1", headers=headers).json()

    described = client.get("/api/v1/openapi.json", headers=headers).json()["components"]["schemas"]

    assert set(described["LoanAnswer"]["properties"]) == set(told)
    assert set(described["PaymentAnswer"]["properties"]) >= {"payment_id", "amount_minor", "reversed_at"}


def everything_described(app: FastAPI) -> dict[str, Any]:
    """Every route, pages and forms and what providers call too, as the API's own are described."""
    shown = [copy.copy(route) for route in app.routes if isinstance(route, APIRoute)]
    for route in shown:
        route.include_in_schema = True
    return get_openapi(title="all", version="1", routes=shown)


def fields_of_what_is_there(database: Database, path: str) -> dict[str, str]:
    """What leads `path` to something that is there, where a made-up name would be turned away at the door."""
    kind = path.split("/")[1]
    addresses = SignedAddresses(LINK_SECRET, HERE)
    with database.reading() as session:
        [case] = cases.of_loan(session, loans.get(session, LENDER, "L1"))
    name = f"{LENDER}/L1" if kind == "agree" else "L1"
    return {
        "lender": LENDER,
        "loan_id": "L1",
        "case_id": case.case_id,
        "token": addresses.token(kind, name, ON_PAGES + timedelta(days=3)),
        "provider": "stripe",
        "stage": "answered",
    }


class Callers:
    """Headers of a key that may do everything, and of a supervisor, each time in a session of their own."""

    def __init__(self, database: Database, app: FastAPI) -> None:
        self._database, self._keeper, self._sessions = database, app.state.doorkeeper, 0
        self._key = key(database, *Scope)
        account(database, "ana", Role.SUPERVISOR)

    def headers(self, *, supervisor: bool) -> dict[str, str]:
        if not supervisor:
            return self._key
        self._sessions += 1
        token = f"token-{self._sessions}"
        with self._database.writing() as session:
            ana = accounts.get(session, "ana")
            accounts.sign_in(session, ana, token, at=ON_PAGES, login_tried="ana", attempt=None)
        return {"cookie": f"{self._keeper.cookie}={token}", "sec-fetch-site": "same-origin"}


def attack(operation: Any, callers: Callers, known: dict[str, str], tried: Counter[str], *, supervisor: bool) -> None:
    """503 is said where somebody else does not answer."""

    @seed(len(tried))
    @settings(
        max_examples=int(os.environ.get("SCHEMATHESIS_EXAMPLES", "6")),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), there=integers(0, 3))
    def one(case: Any, there: int) -> None:
        tried[f"{case.method} {case.path}"] += 1
        if there:
            given = case.path_parameters or {}
            case.path_parameters = {name: known.get(name, value) for name, value in given.items()}
        answer = case.call(headers=callers.headers(supervisor=supervisor))
        failed = answer.status_code >= 500 and answer.status_code != 503
        assert not failed, (case.method, case.path, answer.status_code, answer.text[:300])

    one()


def test_no_input_makes_a_route_fail(database: Database, orders: CoreLoans, clock: Clock) -> None:
    """Every operation of every route, as a service and as a supervisor, with inputs that fit its description and inputs
    that do not, about a loan that is there and about anything."""
    state, _ = apply(orders.states[LENDER, "L1"], CircumstanceReported(kind=Circumstance.DISPUTE), ON_PAGES)
    orders.states[LENDER, "L1"] = state
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        cases.open(
            session, loan, case_id=state.cases[0].case_id, kind="circumstance", queue="agents", at=NOW, sla_at=NOW
        )
    app = app_on(database, clock, orders, addresses=SignedAddresses(LINK_SECRET, HERE))
    callers = Callers(database, app)
    schema = schemathesis.openapi.from_dict(everything_described(app))
    schema.app = app
    tried: Counter[str] = Counter()

    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        known = fields_of_what_is_there(database, operation.path)
        for supervisor in (False, True):
            attack(operation, callers, known, tried, supervisor=supervisor)
    routes = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert set(tried) == {one for one in routes if not one.startswith("HEAD ")}


@pytest.mark.parametrize("path", ["/sign-in", "/password", "/codec/decode", "/webhooks/stripe", "/webhooks/nobody"])
def test_no_body_makes_a_page_or_a_webhook_fail(database: Database, app: FastAPI, path: str) -> None:
    account(database, "ana", Role.SUPERVISOR)
    bodies = [b"", b"\x00", b"{", b"[]", b"a" * 100_000, b"login=%00&password=%ff", b'{"payloads": 1}', b"%" * 5_000]
    kinds = ["", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "\x7f"]
    with browser(app) as client:
        sign_in(client, "ana")
        for body in bodies:
            for kind in kinds:
                answer = client.post(path, content=body, headers={"content-type": kind})
                assert answer.status_code < 500, (path, body[:20], kind)


def test_a_payment_entered_after_word_of_its_reversal_is_told_with_it(database: Database, client: TestClient) -> None:
    """Given a reversal that came before its payment, when the payment is entered, then the loan is owed both: in the
    records it is still due."""
    with database.writing() as session:
        payments.reverse(session, provider="bank", payment_id="TR-1", at=NOW)

    answer = client.post("/api/v1/payments", json=PAYMENT, headers=key(database, Scope.PAYMENTS_WRITE))

    assert (answer.status_code, answer.json()["balance_due_minor"]) == (200, 10_000)
    with database.reading() as session:
        kept = session.exec(select(Webhook).order_by(col(Webhook.id))).all()
        assert [row.outcome for row in kept] == ["payment_received", "payment_reversed"]


def test_a_payment_that_came_before_its_loan_is_booked_under_its_own_id(database: Database, client: TestClient) -> None:
    """Given money that no loan was named for and word of its reversal, when it is entered for its loan, then the loan
    is owed both."""
    news = PaymentNews(
        **{name: PAYMENT[name] for name in ("payment_id", "provider", "amount_minor", "currency", "paid_at")},
        lender=None,
        loan_id=None,
        link_id=None,
    )
    with database.writing() as session:
        record_news(session, [news], NOW)
    mine = key(database, Scope.PAYMENTS_WRITE)

    answers = [client.post("/api/v1/payments", json=PAYMENT, headers=mine) for _ in range(2)]
    names = {name: PAYMENT[name] for name in ("lender", "loan_id", "provider", "payment_id")}
    back = client.post("/api/v1/payments/reversals", json=names, headers=mine)

    assert [answer.status_code for answer in [*answers, back]] == [200, 200, 200]
    assert [answer.json()["new"] for answer in answers] == [True, False]
    assert [answers[-1].json()["balance_due_minor"], back.json()["balance_due_minor"]] == [7_500, 10_000]
    assert outcomes(database) == ["payment_received", "payment_reversed"]


def test_the_reversal_of_an_earlier_hand_overs_payment_is_left_to_a_person(
    database: Database, client: TestClient
) -> None:
    mine = key(database, Scope.PAYMENTS_WRITE)
    client.post("/api/v1/payments", json=PAYMENT, headers=mine)
    with database.writing() as session:
        handed_over_again(session, "L1")
    names = {name: PAYMENT[name] for name in ("lender", "loan_id", "provider", "payment_id")}

    answers = [client.post("/api/v1/payments/reversals", json=names, headers=mine).json() for _ in range(2)]

    assert [(answer["new"], answer["balance_due_minor"]) for answer in answers] == [(True, 6_000), (False, 6_000)]
    assert outcomes(database) == ["payment_received", "earlier_reversal_unmatched"]
    with database.reading() as session:
        assert [row.signals for row in session.exec(select(Webhook).order_by(col(Webhook.id))).all()][1] == []
        [shown] = audit.of_action(session, "webhook_needs_person")
    assert (shown.loan_id, shown.details["reference"]) == ("L1", "TR-1")


def test_what_a_statement_brought_is_not_counted_again_when_the_core_system_tells_of_it(
    database: Database, client: TestClient
) -> None:
    on_the_statement(database, 2_500)
    mine = key(database, Scope.PAYMENTS_WRITE)
    same = PAYMENT | {"provider": "core", "payment_id": "core-1", "paid_at": NOW.isoformat()}

    answers = [client.post("/api/v1/payments", json=same, headers=mine) for _ in range(2)]
    other = client.post("/api/v1/payments", json=same | {"payment_id": "core-2", "amount_minor": 500}, headers=mine)

    assert [answer.status_code for answer in [*answers, other]] == [409, 409, 200]
    assert "a bank statement brought" in answers[0].json()["detail"]
    assert due(database) == 7_000
    assert shown(database) == [("L1", "payment:on_a_statement", "core-1")]
    assert outcomes(database).count("other_payment_unmatched") == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_while_a_statement_is_taken_in_a_payment_is_to_be_told_again_and_keeps_nobody_waiting(
    database: Database, client: TestClient
) -> None:
    mine = key(database, Scope.PAYMENTS_WRITE)

    with Session(database._engine) as statement:
        one_at_a_time(statement, bank_entries.TAKING_IN)
        meanwhile = client.post("/api/v1/payments", json=PAYMENT, headers=mine)
        statement.commit()
    afterwards = client.post("/api/v1/payments", json=PAYMENT, headers=mine)

    assert (meanwhile.status_code, meanwhile.headers["retry-after"]) == (503, "15")
    assert (afterwards.status_code, afterwards.json()["new"]) == (200, True)


def test_every_answer_to_a_payment_that_the_api_describes_is_on_the_page(
    database: Database, client: TestClient
) -> None:
    described = client.get("/api/v1/openapi.json", headers=key(database, Scope.PAYMENTS_WRITE)).json()["paths"]
    told = (ROOT / "docs/access.md").read_text(encoding="utf-8").split("Answers: ")[1].split("\n\n")[0]

    codes = set(described["/api/v1/payments"]["post"]["responses"]) - {"200", "400"}
    assert "503" in codes
    assert {code for code in codes if f"`{code}`" not in told} == set()


def test_a_person_books_what_was_left_to_them_and_then_it_is_known(database: Database, client: TestClient) -> None:
    on_the_statement(database, 2_500)
    mine = key(database, Scope.PAYMENTS_WRITE)
    twice = PAYMENT | {"provider": "core", "payment_id": "core-1", "paid_at": NOW.isoformat()}
    refused = client.post("/api/v1/payments", json=twice, headers=mine)
    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
    paid = PaymentReceived(**{name: twice[name] for name in PaymentReceived.model_fields if name in twice})

    by_hand = enter_payment(database, loan, paid, Entry("operator", NOW))
    again = client.post("/api/v1/payments", json=twice, headers=mine)

    assert (refused.status_code, by_hand.new, again.status_code, again.json()["new"]) == (409, True, 200, False)
    assert due(database) == 5_000


@pytest.mark.parametrize("entry", [1, 3])
def test_money_for_another_hand_over_than_the_open_one_is_refused_and_left_to_a_person(
    database: Database, client: TestClient, entry: int
) -> None:
    with database.writing() as session:
        handed_over_again(session, "L1", 6_000)
    mine = key(database, Scope.PAYMENTS_WRITE)

    answers = [client.post("/api/v1/payments", json=PAYMENT | {"entry": entry}, headers=mine) for _ in range(2)]
    of_the_open = client.post("/api/v1/payments", json=PAYMENT | {"entry": 2, "payment_id": "TR-2"}, headers=mine)

    assert [answer.status_code for answer in [*answers, of_the_open]] == [409, 409, 200]
    assert f"entry {entry}" in answers[0].json()["detail"]
    assert "hand-over 2" in answers[0].json()["detail"]
    assert due(database) == 3_500
    assert shown(database) == [("L1", "payment:other_entry", "TR-1")]
    assert outcomes(database).count("other_payment_unmatched") == 1


def test_money_from_before_the_hand_over_is_refused_and_left_to_a_person_or_said_to_count(
    database: Database, client: TestClient
) -> None:
    mine = key(database, Scope.PAYMENTS_WRITE)
    before = PAYMENT | {"paid_at": (NOW - timedelta(days=3)).isoformat()}

    answers = [client.post("/api/v1/payments", json=before, headers=mine) for _ in range(2)]
    left = due(database)
    said = client.post("/api/v1/payments", json=before | {"entry": 1}, headers=mine)

    assert [answer.status_code for answer in [*answers, said]] == [409, 409, 200]
    assert "before the loan was handed over" in answers[0].json()["detail"]
    assert (left, due(database)) == (10_000, 7_500)
    assert shown(database) == [("L1", "payment:before_hand_over", "TR-1")]


def test_money_that_is_known_of_an_earlier_hand_over_may_be_told_again_with_it(
    database: Database, client: TestClient
) -> None:
    mine = key(database, Scope.PAYMENTS_WRITE)
    client.post("/api/v1/payments", json=PAYMENT, headers=mine)
    with database.writing() as session:
        handed_over_again(session, "L1", 6_000)
    names = {name: PAYMENT[name] for name in ("lender", "loan_id", "provider", "payment_id")}

    right, wrong = (client.post("/api/v1/payments", json=PAYMENT | {"entry": one}, headers=mine) for one in (1, 2))
    back = [client.post("/api/v1/payments/reversals", json=names | {"entry": one}, headers=mine) for one in (2, 1)]

    assert (right.status_code, right.json()["new"], wrong.status_code) == (200, False, 409)
    assert [answer.status_code for answer in back] == [409, 200]
    assert due(database) == 6_000
    assert [kind for _, kind, _ in shown(database)] == [
        "payment:other_entry",
        "reversal:other_entry",
        "reversal:earlier_entry",
    ]


def due(database: Database) -> int:
    with database.reading() as session:
        return payments.balance_due(session, loans.get(session, LENDER, "L1"))


def shown(database: Database) -> list[tuple[Any, ...]]:
    """What a person is shown: of which loan, why, and which payment."""
    with database.reading() as session:
        rows = audit.of_action(session, "webhook_needs_person")
        return [(row.loan_id, row.details["kind"], row.details["reference"]) for row in rows]


def outcomes(database: Database) -> list[str | None]:
    with database.reading() as session:
        return [row.outcome for row in session.exec(select(Webhook).order_by(col(Webhook.id))).all()]

"""Whatever is sent with a valid address or a valid session, and whatever the bank then answers: a page, never a fault,
and nothing is kept that breaks the pages afterwards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import example, given
from hypothesis import strategies as st

from config.signed_addresses import SignedAddresses
from domain.access import Role
from domain.agreements.model import AgreementKind
from domain.collection import apply
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.events.control import CaseDecision
from domain.gateway_choice import BANK
from records import cases, consent_links, links, loans, people
from records.database import Database
from tests.nasty import TEXT, fuzzing
from tests.records.portfolios import LENDER
from tests.web.calling import HERE, LINK_SECRET, NOW, Clock, app_on, browser
from tests.web.core_loans import CoreLoans
from tests.web.test_agreements import PAGE, borrowers, clock, orders, person, sealed_in
from tests.web.test_any_signed_webhook import changed

__all__ = ["clock", "orders"]

pytestmark = [
    pytest.mark.drawn,
    pytest.mark.parametrize(
        "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
    ),
]
READS = {"accept": "text/html", "accept-language": "es"}
IBAN = "ES9121000418450200051332"
LONGER = TEXT | st.sampled_from(["\U0001f600" * 60, "x" * 2_500, "\r\nset-cookie: a=b", "{{ 7 * 7 }}", "<script>"])


class Bank:
    """Answers whatever it is told to answer."""

    def __init__(self) -> None:
        self.status, self.answer = 200, b"{}"
        self.begun = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.begun += request.method == "POST"
        return httpx.Response(self.status, content=self.answer, headers={"content-type": "application/json"})


class Pages:
    """The app, its borrowers' bank, one loan, and a supervisor who has signed in."""

    def __init__(self, database: Database, clock: Clock, orders: CoreLoans) -> None:
        self.database, self.clock, self.orders, self.bank = database, clock, orders, Bank()
        self.addresses = SignedAddresses(LINK_SECRET, HERE)
        outside = httpx.AsyncClient(transport=httpx.MockTransport(self.bank))
        self.app = app_on(database, clock, orders, bank=outside, addresses=self.addresses)
        self.visitor: TestClient
        self.supervisor = person(self.app, database, "ana", Role.SUPERVISOR)
        self._numbers = iter(range(1, 10_000))

    def number(self) -> int:
        return next(self._numbers)

    def token(self, kind: str, name: str) -> str:
        return self.addresses.token(kind, name, self.clock.at + timedelta(days=3))

    def to_pay(self) -> str:
        """A fresh link of ours, not yet paid on."""
        number = self.number()
        reference = f"ref-{number}"
        with self.database.writing() as session:
            links.keep(
                session,
                loans.get(session, LENDER, "L1"),
                purpose="balance",
                amount_minor=1_000 + number,
                generation=1,
                provider=BANK,
                provider_link_id=reference,
                url=HERE,
                at=self.clock.at,
                reference=reference,
            )
        return f"/pay/{self.token('pay', reference)}"

    def to_consent(self) -> str:
        with self.database.writing() as session:
            owner = people.of_loan(session, loans.get(session, LENDER, "L1"))
            return f"/consent/{consent_links.make(session, owner, self.clock.at)}"


@pytest.fixture
def pages(database: Database, clock: Clock, orders: CoreLoans) -> Iterator[Pages]:
    site = Pages(database, clock, orders)
    with browser(site.app) as client:
        site.visitor = client
        yield site


def is_a_page(answer: httpx.Response) -> httpx.Response:
    """503 and 502 say that somebody else does not answer, or not in a way that can be read."""
    assert answer.status_code < 500 or answer.status_code in (502, 503), answer.text[:300]
    assert "{{" not in answer.text or "7 * 7" in answer.text
    return answer


ANSWERS = st.tuples(
    st.sampled_from([200, 201, 201, 201, 400, 401, 404, 429, 500]),
    changed(
        [
            {
                "paymentId": "p-1",
                "transactionStatus": "RCVD",
                "_links": {"scaRedirect": {"href": "https://bank.example/confirm"}},
            },
            {"transactionStatus": "ACSC"},
            {
                "consentId": "c-1",
                "consentStatus": "received",
                "_links": {"scaRedirect": {"href": "https://bank.example/consent?a=b"}},
            },
            {
                "consentId": "c-1",
                "consentStatus": "valid",
                "validUntil": "2027-01-31",
                "frequencyPerDay": 4,
                "accounts": [{"resourceId": "a-1", "iban": IBAN, "currency": "EUR"}],
            },
            {"tppMessages": [{"category": "ERROR", "code": "CONSENT_INVALID", "text": "no"}]},
        ]
    ),
)


@fuzzing(20)
@given(
    iban=LONGER | st.just(IBAN) | st.just(IBAN),
    what=st.none() | st.sampled_from(["pay", "another"]) | TEXT,
    answer=ANSWERS,
    later=ANSWERS,
)
def test_any_account_and_any_word_of_the_bank(
    pages: Pages, iban: str, what: str | None, answer: Any, later: Any
) -> None:
    path = pages.to_pay()
    pages.bank.status, pages.bank.answer = answer[0], json.dumps(answer[1]).encode()
    is_a_page(pages.visitor.post(path, data={"iban": iban, **({} if what is None else {"what": what})}))
    pages.bank.status, pages.bank.answer = later[0], json.dumps(later[1]).encode()
    is_a_page(pages.visitor.get(f"{path}/back"))

    assert is_a_page(pages.visitor.get(path)).status_code == 200


@pytest.mark.parametrize(
    "odd",
    [
        {"transactionStatus": []},
        {"paymentId": "p" * 300},
        {"paymentId": "p\x00"},
        {"_links": {"scaRedirect": {"href": "https://[bank"}}},
        {"_links": {"scaRedirect": {"href": "https://bank.example/\ud800"}}},
    ],
)
def test_a_transfer_that_a_bank_tells_of_oddly_is_not_begun_again(pages: Pages, odd: dict[str, Any]) -> None:
    path = pages.to_pay()
    answer = {"paymentId": "p-1", "transactionStatus": "RCVD", "_links": {"scaRedirect": {"href": "https://b.example"}}}
    pages.bank.status, pages.bank.answer = 201, json.dumps(answer | odd).encode()

    first = pages.visitor.post(path, data={"iban": IBAN})
    again = pages.visitor.post(path, data={"iban": IBAN})

    assert is_a_page(first).status_code in (200, 502)
    assert is_a_page(again).status_code == 200
    assert pages.bank.begun == 1


@fuzzing(15)
@given(answer=ANSWERS, later=ANSWERS, returned=st.dictionaries(st.just("link") | TEXT, TEXT, max_size=3))
def test_any_consent_and_any_word_of_the_bank(pages: Pages, answer: Any, later: Any, returned: dict[str, str]) -> None:
    pages.clock.pass_by(timedelta(days=1))
    path = pages.to_consent()
    pages.bank.status, pages.bank.answer = answer[0], json.dumps(answer[1]).encode()
    is_a_page(pages.visitor.post(path))
    pages.bank.status, pages.bank.answer = later[0], json.dumps(later[1]).encode()
    is_a_page(pages.visitor.get(f"{path}/back", params={name: value for name, value in returned.items()}))

    assert is_a_page(pages.visitor.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("href", "status"),
    [
        ("https://bank.example/confirmación?de=€", 200),
        ("https://bank.example/a\r\nset-cookie: a=b", 503),
        ("https://bank.example/\ud800", 503),
    ],
)
def test_the_address_of_a_bank_is_one_header_or_none(pages: Pages, href: str, status: int) -> None:
    asked = {"consentId": "c-1", "consentStatus": "received", "_links": {"scaRedirect": {"href": href}}}
    pages.bank.status, pages.bank.answer = 201, json.dumps(asked).encode()

    answer = pages.visitor.post(pages.to_consent())

    assert answer.status_code == status
    assert "set-cookie" not in answer.headers
    if status == 200:
        assert answer.headers["refresh"] == "0;url=https://bank.example/confirmaci%C3%B3n?de=%E2%82%AC"


WORDS = LONGER | st.sampled_from(["monthly", "3", "100", "50,00", "2026-12-05", "2026-12-01", "9999-12-31"])


@fuzzing(25)
@given(
    kind=st.sampled_from([kind.value for kind in AgreementKind] + ["move"]) | TEXT,
    fields=st.fixed_dictionaries(
        {}, optional={name: WORDS for name in ("option", "percent", "amount", "day", "sealed", "surplus")}
    ),
)
def test_anything_a_borrower_chooses(pages: Pages, kind: str, fields: dict[str, str]) -> None:
    path = borrowers(pages.clock.at)
    shown = is_a_page(pages.visitor.post(path, data={"kind": kind, **fields}, headers=READS))
    sealed = sealed_in(shown.text) if 'name="sealed"' in shown.text else fields.get("sealed", "")
    is_a_page(pages.visitor.post(f"{path}/yes", data={"sealed": sealed + fields.get("surplus", "")}, headers=READS))

    assert is_a_page(pages.visitor.get(path)).status_code == 200


@fuzzing(10)
@given(kind=st.sampled_from(["pay", "agree", "document", "unsubscribe"]), name=TEXT | st.just("L1"))
@example(kind="pay", name="\x00")
@example(kind="agree", name="\x00/\x00")
@example(kind="document", name="\x00")
@example(kind="unsubscribe", name="\x00")
def test_an_address_of_ours_that_names_anything(pages: Pages, kind: str, name: str) -> None:
    """Signed by us: a loan's, a link's or a message's name of another age."""
    path = f"/{kind}/{pages.token(kind, name)}"
    is_a_page(pages.visitor.get(path, headers=READS))
    is_a_page(pages.visitor.post(path, headers=READS))


@pytest.mark.parametrize("odd", ["%00", "L1%00", "%ED%A0%80", "9" * 30])
@pytest.mark.parametrize("as_program", [True, False])
def test_a_name_in_an_address_that_no_table_could_hold(pages: Pages, odd: str, as_program: bool) -> None:
    """Of a loan, a case, a message: asked for by somebody who has signed in, as PostgreSQL refuses to look for it."""
    headers = {} if as_program else READS
    routes = [route for route in pages.app.routes if isinstance(route, APIRoute) and "{" in route.path]
    assert len(routes) > 25

    for route in routes:
        path = re.sub(r"\{\w+\}", odd, route.path.replace("{lender}", LENDER).replace("{number}", "1"))
        for method in sorted(route.methods or ()):
            answer = pages.supervisor.request(method, path, headers=headers)
            assert 400 <= answer.status_code < 500 or answer.status_code in (200, 303), (method, path)


def with_a_case(pages: Pages) -> str:
    case_id = f"c-{pages.number()}"
    with pages.database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        cases.open(session, loan, case_id=case_id, kind="circumstance", queue="agents", at=NOW, sla_at=NOW)
    state, _ = apply(pages.orders.states[LENDER, "L1"], CircumstanceReported(kind=Circumstance.DISPUTE), NOW)
    pages.orders.states[LENDER, "L1"] = state
    return case_id


@fuzzing(25)
@given(
    where=st.sampled_from(
        ["promise", "agree", "write", "withdraw-words", "talked", "agreements/1/accept", "agreements/1/move"]
    ),
    fields=st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(["plan", "settlement", "restructuring"]) | TEXT,
            "what": st.sampled_from(["look", "send"]),
            "channel": st.sampled_from(["", "sms", "email", "whatsapp", "call"]) | TEXT,
            "words_id": st.just("w1") | TEXT,
            "how": st.sampled_from(["spoke", "no_answer", "inbound"]) | TEXT,
            "at": st.sampled_from(["2026-11-28T10:00", "0001-01-01T00:00", "9999-12-31T23:59", ""]) | TEXT,
            "mark": st.just("ab12") | TEXT,
            "seen": st.sampled_from(["2026-12-01=100", "x=y", "=", "2026-12-01=" + "9" * 5_000]) | TEXT,
            **dict.fromkeys(
                ("option", "percent", "amount", "day", "words", "bearable", "to", "text", "subject", "case_id"), WORDS
            ),
        },
    ),
)
def test_anything_a_supervisor_types(pages: Pages, where: str, fields: dict[str, str]) -> None:
    is_a_page(pages.supervisor.post(f"{PAGE}/{where}", data=fields, headers=READS))

    for path in (PAGE, f"{PAGE}/thread", "/approvals", "/"):
        assert is_a_page(pages.supervisor.get(path, headers=READS)).status_code == 200


@fuzzing(10)
@given(decision=st.sampled_from([each.value for each in CaseDecision]) | TEXT, note=LONGER, search=TEXT)
def test_any_note_on_a_case_and_any_search(pages: Pages, decision: str, note: str, search: str) -> None:
    case_id = with_a_case(pages)
    is_a_page(pages.supervisor.post(f"/cases/{case_id}/decide", data={"decision": decision, "note": note}))

    assert is_a_page(pages.supervisor.get("/cases")).status_code == 200
    is_a_page(pages.supervisor.get(f"{PAGE}/thread", params={"search": search}))
    is_a_page(pages.supervisor.get("/loans", params={"loan": search}))

"""What people with browsers read where a program gets JSON, and where they land when their session is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from config.signed_addresses import SignedAddresses
from domain.access import Role
from records.database import Database
from tests.web.calling import HERE, LINK_SECRET, NOW, app_on, browser
from tests.web.core_loans import CoreLoans
from tests.web.test_agreements import PAGE, borrowers, clock, orders, person, plain, site

__all__ = ["clock", "orders", "site"]

READS = {"accept": "text/html,application/xhtml+xml", "accept-language": "es"}


@pytest.fixture
def agent(site: Any, database: Database) -> TestClient:
    return person(site, database, "ana", Role.AGENT)


@pytest.fixture
def operator(site: Any, database: Database) -> TestClient:
    return person(site, database, "ola", Role.OPERATOR)


@pytest.fixture
def visitor(site: Any) -> Iterator[TestClient]:
    with browser(site) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/loans/acme/typo", 404, "No existe esta página"),
        ("GET", "/nothing-here", 404, "No existe esta página"),
        ("GET", f"{PAGE}/promise", 405, "no se puede abrir sola"),
        ("GET", "/cases?queue=%20x", 422, "No se pudo leer lo enviado"),
        ("POST", "/cases/c/decide", 422, "No se pudo leer lo enviado"),
    ],
)
def test_a_browser_is_told_in_its_language_what_went_wrong(
    agent: TestClient, method: str, path: str, status: int, told: str
) -> None:
    answer = agent.request(method, path, headers=READS)

    assert (answer.status_code, told in plain(answer.text)) == (status, True)
    assert '<html lang="es">' in answer.text
    assert 'href="/"' in answer.text


def test_a_form_that_no_page_of_ours_sent_says_so_and_shows_a_borrower_no_page_of_ours(visitor: TestClient) -> None:
    form = {"kind": "plan", "option": "monthly"}

    answer = visitor.post(borrowers(), data=form, headers=READS | {"sec-fetch-site": "cross-site"})

    assert (answer.status_code, "Esto no lo envió una página nuestra" in plain(answer.text)) == (403, True)
    assert 'href="/"' not in answer.text


def test_programs_get_what_they_always_got(visitor: TestClient) -> None:
    api = visitor.get("/api/v1/nothing", headers=READS)
    page = visitor.get("/nothing-here")

    assert (api.status_code, api.json()) == (404, {"detail": "Not Found"})
    assert (page.status_code, page.json()) == (404, {"detail": "Not Found"})


def test_the_address_of_a_yes_that_is_opened_again_leads_to_the_page(visitor: TestClient, orders: CoreLoans) -> None:
    again = visitor.get(f"{borrowers()}/yes")

    assert (again.status_code, again.headers["location"]) == (303, borrowers())
    assert visitor.get(again.headers["location"]).status_code == 200


@pytest.mark.parametrize("pasted", ["L1%20", "%09L1", "%20L1%0A"])
def test_a_loan_is_found_by_an_id_that_was_pasted_with_its_space(agent: TestClient, pasted: str) -> None:
    assert agent.get(f"/loans?loan={pasted}").headers["location"] == PAGE


@pytest.mark.parametrize("nonsense", ["%00", "un%20nombre", "x" * 100])
def test_what_can_be_no_loans_id_is_simply_not_found(agent: TestClient, nonsense: str) -> None:
    answer = agent.get(f"/loans?loan={nonsense}")

    assert (answer.status_code, "No loan has this id." in answer.text) == (404, True)


# When the session is over


@pytest.mark.parametrize(
    ("path", "next"),
    [
        ("/cases?queue=agents", "/cases%3Fqueue%3Dagents"),
        (f"{PAGE}/thread?case=c1", f"{PAGE}/thread%3Fcase%3Dc1"),
        (f"{PAGE}/thread?search={'x' * 600}", f"{PAGE}/thread"),
    ],
)
def test_whoever_has_to_sign_in_comes_back_to_what_they_had_asked_for(
    visitor: TestClient, path: str, next: str
) -> None:
    assert visitor.get(path).headers["location"] == f"/sign-in?next={next}"


@pytest.mark.parametrize(
    ("form", "came_from", "next"),
    [
        (f"{PAGE}/write", f"{HERE}{PAGE}/thread?case=c1", f"{PAGE}/thread%3Fcase%3Dc1"),
        (f"{PAGE}/write", f"{HERE}{PAGE}/write", f"{PAGE}/write"),  # the page that said what was wrong
        (f"{PAGE}/promise", None, PAGE),
        ("/cases/c1/decide", None, "/cases"),
        (f"{PAGE}/agreements/2/approve", "https://evil.example/cases", PAGE),
        (f"{PAGE}/promise", "http://[", PAGE),
        (f"{PAGE}/promise", "http://x:y/", PAGE),
        ("/sign-out", f"{HERE}/cases", "/"),
    ],
)
def test_after_a_form_that_came_too_late_they_come_back_to_a_page_that_opens(
    visitor: TestClient, form: str, came_from: str | None, next: str
) -> None:
    headers = {"referer": came_from} if came_from else {}

    location = visitor.post(form, headers=headers).headers["location"]

    assert location == f"/sign-in?next={next}" + ("" if form == "/sign-out" else "&unsent=true")
    assert visitor.get(location).status_code == 200


@pytest.mark.parametrize("form", ["write", "withdraw-words"])
def test_the_address_of_a_form_of_the_conversation_that_is_opened_leads_to_the_conversation(
    agent: TestClient, form: str
) -> None:
    opened = agent.get(f"{PAGE}/{form}", headers=READS)

    assert (opened.status_code, opened.headers["location"]) == (303, f"{PAGE}/thread")


def test_what_was_written_when_the_session_ended_can_be_read_and_copied(visitor: TestClient) -> None:
    """Given an agent who wrote an answer for longer than a session lasts, when they send it, then the page to sign in
    says that nothing was sent, holds what they wrote, and leads back to the conversation."""
    form = {"words_id": "w1", "text": "Hemos mirado su <pregunta>", "what": "send"}
    headers = READS | {"referer": f"{HERE}{PAGE}/thread"}

    answer = visitor.post(f"{PAGE}/write", data=form, headers=headers)
    by_another_site = visitor.post(f"{PAGE}/write", data=form, headers=headers | {"sec-fetch-site": "cross-site"})

    assert answer.status_code == 401
    assert "no se ha enviado ni cambiado nada" in plain(answer.text)
    assert "readonly>Hemos mirado su &lt;pregunta&gt;</textarea>" in answer.text
    assert f'name="next" value="{PAGE}/thread"' in answer.text
    assert "Hemos mirado" not in by_another_site.text


def test_an_address_of_ours_in_capitals_and_with_its_usual_port_is_the_one_browsers_name(database: Database) -> None:
    app = app_on(database, public_url="HTTPS://Collect.Example.com:443/")
    with TestClient(app, base_url="https://collect.example.com", follow_redirects=False) as client:
        ours = client.post("/sign-in", data={"login": "x"}, headers={"origin": "https://collect.example.com"})
        other = client.post("/sign-in", data={"login": "x"}, headers={"origin": "https://collect.example.com:8443"})

    assert (ours.status_code, other.status_code) == (401, 403)


# Borrowers' addresses that are over


def test_a_borrowers_address_that_leads_nowhere_is_told_in_the_browsers_language(
    visitor: TestClient, database: Database
) -> None:
    for path in ("/pay/made-up", "/agree/made-up", "/document/made-up", "/unsubscribe/made-up"):
        answer = visitor.get(path, headers=READS | {"accept-language": "pt-BR,pt;q=0.9"})
        assert (answer.status_code, '<html lang="pt">' in answer.text) == (404, True), path
        assert "nossa" in answer.text or "nossos" in answer.text, "what to do instead"


def test_whose_role_does_not_include_a_page_is_told_so_and_where_to_turn(operator: TestClient) -> None:
    answer = operator.get(f"{PAGE}/thread", headers=READS)

    assert (answer.status_code, "Su rol no incluye esto" in answer.text) == (403, True)
    assert 'href="/"' in answer.text


def test_a_document_that_is_gone_says_so_in_a_page(visitor: TestClient) -> None:
    address = SignedAddresses(LINK_SECRET, HERE).address("document", "erased", NOW + timedelta(days=1))

    answer = visitor.get(address.removeprefix(HERE), headers=READS)

    assert (answer.status_code, "Este documento ya no se conserva" in answer.text) == (410, True)

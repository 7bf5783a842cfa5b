"""What may be agreed on over HTTP: the same offers for all, roles and keys, the borrower's page and its kept yes."""

from __future__ import annotations

import hashlib
import html
import re
from datetime import date, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from config.agreement_addresses import agreement_address
from config.lender_settings import Lender
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from domain.access import Role, Scope
from domain.agreements.terms import Authority, RestructuringOption, RestructuringTerms
from domain.collection import apply
from domain.contact import Actor, Channel
from domain.entering import enter
from domain.events.borrower import Circumstance, CircumstanceReported
from domain.events.contacts import AddressFailure
from domain.events.control import CaseDecision, Decide
from domain.events.payments import PaymentReceived
from domain.loan_state import LoanState
from records import accounts, agreements, audit, loans, offer_log, people
from records.database import Database
from records.tables import Agreement
from tests.domain.simulated_loan import CATALOGUE, facts, strategy
from tests.records.portfolios import LENDER, entered
from tests.web.calling import HERE, LINK_SECRET, NOW, Clock, app_on, browser, key
from tests.web.core_loans import CoreLoans

API = f"/api/v1/loans/{LENDER}/L1"
PAGE = f"/loans/{LENDER}/L1"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def orders(database: Database, clock: Clock) -> CoreLoans:
    with database.writing() as session:
        entered(session, "L1", amount_due_minor=30_000, due_date=date(2026, 11, 18))
    loan = facts(lender=LENDER, loan_id="L1", due_date=date(2026, 11, 18), consent=False)
    made = CoreLoans(database, clock)
    made.states[LENDER, "L1"] = enter(loan, strategy(**CATALOGUE), NOW)
    return made


@pytest.fixture
def site(database: Database, clock: Clock, orders: CoreLoans) -> Any:
    return app_on(database, clock, orders)


def person(site: Any, database: Database, login: str, role: Role) -> TestClient:
    """Somebody who has signed in; by which password is another test's."""
    with database.writing() as session:
        made = accounts.create(session, login=login, role=role, password_hash=None, at=NOW, by="test")
        accounts.sign_in(session, made, f"token-{login}", at=NOW, login_tried=login, attempt=None)
    with browser(site) as client:
        client.cookies.set(site.state.doorkeeper.cookie, f"token-{login}")
    return client


def borrowers(at: Any = NOW) -> str:
    return agreement_address(SignedAddresses(LINK_SECRET, HERE), LENDER, "L1", at).removeprefix(HERE)


def state_of(orders: CoreLoans) -> LoanState:
    return orders.states[LENDER, "L1"]


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u00a0", " "))


def kept(session: Session) -> list[Agreement]:
    return list(agreements.of_loan(session, loans.get(session, LENDER, "L1")))


def sealed_in(text: str) -> str:
    return text.split('name="sealed" value="')[1].split('"')[0]


def offers_log(database: Database) -> list[Any]:
    with database.reading() as session:
        return [row for row in audit.of_loan(session, LENDER, "L1") if row.action == offer_log.ACTION]


def test_a_service_gets_what_the_machine_may_agree_on_and_agrees_with_a_recorded_yes(
    database: Database, site: Any, orders: CoreLoans
) -> None:
    header = key(database, Scope.AGREEMENTS_WRITE, lender=LENDER)
    with browser(site) as service:
        offers = service.get(f"{API}/offers", headers=header).json()
        low = {"kind": "settlement", "option": "late", "percent": 60, "message_id": "SM1"}
        refused = service.post(f"{API}/agreements", headers=header, json=low)
        unsaid = service.post(f"{API}/promises", headers=header, json={"amount_minor": 5_000, "date": "2026-12-01"})
        good = {"kind": "plan", "option": "monthly", "words": "sí, de acuerdo", "message_id": "SM1"}
        agreed = service.post(f"{API}/agreements", headers=header, json=good)
        again = service.post(f"{API}/agreements", headers=header, json=good)

    assert {(o["kind"], o["percent"]) for o in offers["offers"]} == {("plan", None), ("settlement", 95)}
    assert refused.status_code == 409
    assert (unsaid.status_code, unsaid.json()["detail"]) == (422, "words or message_id is missing")
    assert agreed.json() == {"detail": "plan 1: 300.00 EUR in 3 payments, the last by 2027-02-15", "agreement": 1}
    assert (again.status_code, again.json()["detail"]) == (409, "plan: plan 1 is in force: call it off first")
    [plan] = state_of(orders).agreements
    assert plan.by.startswith("apikey:")
    assert plan.evidence is not None
    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        assert agreements.words(session, loan, plan.evidence.text_sha256) == "sí, de acuerdo"


def test_beyond_an_agents_authority_a_supervisor_approves_who_is_somebody_else(
    database: Database, site: Any, orders: CoreLoans
) -> None:
    agent = person(site, database, "ana", Role.AGENT)
    boss = person(site, database, "berta", Role.SUPERVISOR)
    other = person(site, database, "carla", Role.SUPERVISOR)
    low = {"kind": "settlement", "option": "late", "percent": 60, "words": "acepto"}
    waiting = agent.post(f"{API}/agreements", json=low)
    by_agent = agent.post(f"{API}/agreements/1/approval")
    listed = plain(boss.get("/approvals").text)
    approved = boss.post(f"{API}/agreements/1/approval")
    boss.post(f"{API}/agreements/1/cancellation")
    own = boss.post(f"{API}/agreements", json=low)
    by_themselves = boss.post(f"{API}/agreements/2/approval")
    page = boss.post(f"{PAGE}/agreements/2/approve")
    by_another = other.post(f"{API}/agreements/2/approval")

    assert waiting.json()["detail"].endswith("waits for an approval")
    assert (by_agent.status_code, by_agent.json()["detail"]) == (409, "nobody approves what they proposed themselves")
    for words in ("L1", "ana", "€180.00"):
        assert words in listed
    assert approved.status_code == 200
    assert own.json()["detail"].endswith("waits for an approval")
    assert by_themselves.status_code == 409
    assert (page.status_code, "nobody approves what they proposed themselves" in page.text) == (409, True)
    assert by_another.status_code == 200
    assert [a.state for a in state_of(orders).agreements] == ["cancelled", "active"]


def test_whoever_offers_the_same_case_gets_the_same_offers_and_a_log_replays(
    database: Database, site: Any, orders: CoreLoans
) -> None:
    header = key(database, Scope.AGREEMENTS_WRITE)
    agent = person(site, database, "ana", Role.AGENT)
    with browser(site) as client:
        service = client.get(f"{API}/offers", headers=header).json()
        page = plain(client.get(borrowers()).text)
        for _ in range(3):
            assert client.get(borrowers()).status_code == 200
    agents = agent.get(f"{API}/offers").json()
    on_agents_page = agent.get(PAGE).text

    machine = [offer for offer in agents["offers"] if offer["needs"] == "machine"]
    assert service["offers"] == machine
    for offer in machine:
        assert f'value="{offer["option"]}"' in page
    assert 'value="weekly"' not in page, "what needs an agent is not offered to a borrower alone"
    assert 'value="weekly"' in on_agents_page
    rows = offers_log(database)
    assert len(rows) == 3, "looked at again the same day, nothing is added"
    with database.reading() as session:
        for row in rows:
            details = row.details | {"strategy_digest": loans.get(session, LENDER, "L1").strategy_digest}
            request = offer_log.OfferRequest.model_validate(details["request"])
            made = offer_log.Offers.model_validate(details["made"])
            assert offer_log.offers(request, strategy(**CATALOGUE)) == made


def test_a_borrower_promises_a_day_on_their_page_and_the_words_are_kept(
    database: Database, site: Any, orders: CoreLoans
) -> None:
    with browser(site) as client:
        first = plain(client.get(borrowers()).text)
        read_back = client.post(borrowers(), data={"kind": "promise", "amount": "120,50", "day": "2026-12-04"})
        assert state_of(orders).agreements == (), "nothing is agreed on before the yes"
        yes = {"sealed": sealed_in(read_back.text)}
        done = client.post(f"{borrowers()}/yes", data=yes)
        twice = client.post(f"{borrowers()}/yes", data=yes)
        after = plain(client.get(borrowers()).text)

    assert 'Queda por pagar: <span class="sum">300,00 €</span>' in first
    words = "Me comprometo con Recobro Demo Lending a pagar 120,50 € hasta el 4 de diciembre de 2026 (contrato L1)."
    assert words in plain(read_back.text)
    assert (done.status_code, words in plain(done.text)) == (200, True)
    assert twice.status_code == 200
    [promise] = state_of(orders).agreements
    assert (promise.via, promise.by, promise.total_minor) == ("page", "borrower", 12_050)
    assert promise.evidence is not None
    assert promise.evidence.message_id is not None
    assert promise.evidence.message_id.startswith("page:")
    with database.reading() as session:
        said = agreements.words(session, loans.get(session, LENDER, "L1"), promise.evidence.text_sha256)
        assert plain(said or "") == words
    assert "Lo que acordamos: Compromiso de pago" in after


def test_a_borrower_accepts_exactly_the_offer_they_were_shown(
    database: Database, site: Any, clock: Clock, orders: CoreLoans
) -> None:
    with browser(site) as client:
        read_back = client.post(borrowers(), data={"kind": "plan", "option": "monthly"})
        clock.pass_by(timedelta(hours=1))
        good = client.post(f"{borrowers()}/yes", data={"sealed": sealed_in(read_back.text)})
    [plan] = state_of(orders).agreements
    assert (good.status_code, plan.state, plan.via) == (200, "active", "page")
    assert plan.holidays, "its dates step over holidays should they move on"

    with browser(site) as client:
        orders.states[LENDER, "L1"] = enter(state_of(orders).facts, strategy(**CATALOGUE), clock())
        read_back = client.post(borrowers(), data={"kind": "plan", "option": "monthly"})
        clock.pass_by(timedelta(minutes=100))
        clock.pass_by(timedelta(hours=22))
        late = client.post(f"{borrowers()}/yes", data={"sealed": sealed_in(read_back.text)})
        altered = client.post(f"{borrowers()}/yes", data={"sealed": sealed_in(read_back.text)[:-2] + "xx"})
    assert (late.status_code, altered.status_code) == (409, 409)
    assert "ha cambiado" in late.text
    assert state_of(orders).agreements == ()


def test_a_borrower_says_yes_to_what_is_forgiven_and_to_what_happens_otherwise(
    database: Database, site: Any, orders: CoreLoans
) -> None:
    """Given a settlement of 285.00 for 300.00, when it is read back on the page, then the yes is to the sum that is
    forgiven, to when it is, and to what is owed if the money does not come; and these are the words that are kept."""
    with browser(site) as client:
        read_back = client.post(borrowers(), data={"kind": "settlement", "option": "late", "percent": "95"})
        done = client.post(f"{borrowers()}/yes", data={"sealed": sealed_in(read_back.text)})

    assert done.status_code == 200
    [settlement] = state_of(orders).agreements
    assert settlement.evidence is not None
    with database.reading() as session:
        said = agreements.words(session, loans.get(session, LENDER, "L1"), settlement.evidence.text_sha256) or ""
    for words in (
        "Acepto este acuerdo con Recobro Demo Lending sobre el contrato L1: acuerdo con quita, 285,00 € en total.",
        "Cuando todo haya llegado en plazo, se me perdonan 15,00 € de los 300,00 € que se me reclaman, y antes nada.",
        "Si un pago no llega en plazo, el acuerdo termina y debo lo que se me reclama, menos lo que haya pagado.",
    ):
        assert words in plain(html.unescape(read_back.text))
        assert words in plain(said)


def test_the_interest_of_a_new_schedule_and_the_debt_make_its_total_in_whole_pesos(
    database: Database, clock: Clock
) -> None:
    """Given a debt of 1,000,000.63 pesos of Colombia, of which nobody can pay the centavos, when a new schedule with
    interest is shown to its borrower, read back and shown to an agent, then debt and interest add up to the total."""
    owed = {"amount_due_minor": 100_000_063, "currency": "COP", "due_date": date(2026, 11, 18)}
    with database.writing() as session:
        entered(session, "L1", **owed)
    option = RestructuringOption(id="half-year", instalments=3, rate_bp=1_200, authority=Authority.MACHINE)
    terms = CATALOGUE | {"restructurings": RestructuringTerms(options=(option,))}
    orders = CoreLoans(database, clock)
    loan = facts(lender=LENDER, loan_id="L1", consent=False, **owed)
    orders.states[LENDER, "L1"] = enter(loan, strategy(**terms), NOW)
    site = app_on(database, clock, orders)
    agent = person(site, database, "ana", Role.AGENT)

    with browser(site) as client:
        first = plain(client.get(borrowers()).text)
        read_back = plain(client.post(borrowers(), data={"kind": "restructuring", "option": "half-year"}).text)
    on_agents_page = plain(agent.get(PAGE).text)

    assert "1.020.067" in first
    for page in (first, read_back, on_agents_page):
        figures = {re.sub(r"[.,](?=\d{3})", "", each) for each in re.findall(r"\d[\d.,]*\d", page)}
        assert "20067" in figures
        assert "20066" not in figures


def test_the_page_of_an_agency_says_for_whom_it_acts(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a lender for whom an agency collects, when the page is opened, then it names both, and the yes names the
    creditor."""
    agency = Lender(name="Credialba", collects_as=Actor.AGENCY, agency="Recupera Sur")
    monkeypatch.setattr(Settings, "lender_named", lambda _settings, _key: agency)

    with browser(site) as client:
        first = client.get(borrowers())
        read_back = client.post(borrowers(), data={"kind": "promise", "amount": "120,50", "day": "2026-12-04"})

    assert "<b>Recupera Sur por encargo de Credialba</b>" in first.text
    assert "Me comprometo con Credialba a pagar" in read_back.text


def test_a_borrower_moves_the_next_due_date_once_on_their_page(
    database: Database, site: Any, orders: CoreLoans
) -> None:
    with browser(site) as client:
        plan = client.post(borrowers(), data={"kind": "plan", "option": "monthly"})
        client.post(f"{borrowers()}/yes", data={"sealed": sealed_in(plan.text)})
        [agreed] = state_of(orders).agreements
        due = agreed.instalments[0].due
        offered = plain(client.get(borrowers()).text)
        too_far = client.post(borrowers(), data={"kind": "move", "day": (due + timedelta(days=8)).isoformat()})
        weekend = client.post(borrowers(), data={"kind": "move", "day": (due + timedelta(days=5)).isoformat()})
        read_back = client.post(borrowers(), data={"kind": "move", "day": (due + timedelta(days=2)).isoformat()})
        unmoved = state_of(orders).agreements[0].instalments[0].due
        yes = client.post(f"{borrowers()}/yes", data={"sealed": sealed_in(read_back.text)})
        twice = client.post(f"{borrowers()}/yes", data={"sealed": sealed_in(read_back.text)})
        after = client.get(borrowers()).text
        again = client.post(borrowers(), data={"kind": "move", "day": (due + timedelta(days=3)).isoformat()})

    assert (agreed.holidays != (), due.weekday()) == (True, 0)
    assert "Otro día para el próximo pago" in offered
    assert (too_far.status_code, weekend.status_code) == (422, 422)
    assert "Elige un día laborable entre" in too_far.text
    assert unmoved == due
    assert (yes.status_code, twice.status_code) == (200, 200)
    [plan_now] = state_of(orders).agreements
    assert (plan_now.instalments[0].due, plan_now.date_moved) == (due + timedelta(days=2), True)
    assert [update for update, _ in orders.orders].count("move_due_date") == 1
    assert "Otro día para el próximo pago" not in after
    assert again.status_code == 422
    with database.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        said = agreements.words(session, loan, hashlib.sha256(_statement(read_back.text).encode()).hexdigest())
    assert said is not None
    assert "hasta el" in said
    assert plan_now.move_evidence is not None
    assert (plan_now.move_evidence.message_id or "").startswith("page:")
    assert plan_now.evidence != plan_now.move_evidence


def pay(orders: CoreLoans, clock: Clock, amount_minor: int) -> None:
    paid = {"payment_id": "p1", "provider": "bank", "currency": "EUR", "paid_at": clock(), "amount_minor": amount_minor}
    state, refused = apply(state_of(orders), PaymentReceived.model_validate(paid), clock())
    assert refused is None
    orders.states[LENDER, "L1"] = state


def test_a_borrower_confirms_another_day_for_what_is_left_of_the_payment(
    site: Any, clock: Clock, orders: CoreLoans
) -> None:
    with browser(site) as client:
        plan = client.post(borrowers(), data={"kind": "plan", "option": "monthly"})
        client.post(f"{borrowers()}/yes", data={"sealed": sealed_in(plan.text)})
        [agreed] = state_of(orders).agreements
        pay(orders, clock, 6_000)
        to = agreed.instalments[0].due + timedelta(days=2)
        read_back = client.post(borrowers(), data={"kind": "move", "day": to.isoformat()})

    assert agreed.instalments[0].amount_minor == 10_000
    assert plain(_statement(read_back.text)).startswith("Pagaré los 40,00 € del ")


def test_a_yes_that_is_sent_again_after_a_person_called_the_promise_off_agrees_on_nothing(
    database: Database, site: Any, clock: Clock, orders: CoreLoans
) -> None:
    agent = person(site, database, "ana", Role.AGENT)
    with browser(site) as client:
        read_back = client.post(borrowers(), data={"kind": "promise", "amount": "120,50", "day": "2026-12-04"})
        yes = {"sealed": sealed_in(read_back.text)}
        assert client.post(f"{borrowers()}/yes", data=yes).status_code == 200
        assert agent.post(f"{PAGE}/agreements/1/cancel").status_code == 303
        again = client.post(f"{borrowers()}/yes", data=yes)
        orders.answers.clear()  # the loan has gone on in a fresh run, which knows no earlier orders
        later = client.post(f"{borrowers()}/yes", data=yes)

    for answer in (again, later):
        assert (answer.status_code, "ha cambiado" in answer.text, "Gracias" in answer.text) == (409, True, False)
    assert [a.state for a in state_of(orders).agreements] == ["cancelled"]
    assert [update for update, _ in orders.orders].count("promise") == 1


def test_a_yes_to_another_day_that_is_sent_again_once_the_days_moved_on_is_no_longer_done(
    site: Any, clock: Clock, orders: CoreLoans
) -> None:
    with browser(site) as client:
        plan = client.post(borrowers(), data={"kind": "plan", "option": "monthly"})
        client.post(f"{borrowers()}/yes", data={"sealed": sealed_in(plan.text)})
        to = state_of(orders).agreements[0].instalments[0].due + timedelta(days=2)
        read_back = client.post(borrowers(), data={"kind": "move", "day": to.isoformat()})
        yes = {"sealed": sealed_in(read_back.text)}
        assert client.post(f"{borrowers()}/yes", data=yes).status_code == 200
        stood, _ = apply(state_of(orders), CircumstanceReported(kind=Circumstance.DISPUTE), clock())
        clock.pass_by(timedelta(minutes=30))
        decided = Decide(case_id=stood.cases[0].case_id, decision=CaseDecision.CONTINUE, by="agent-1")
        orders.states[LENDER, "L1"], _ = apply(stood, decided, clock())
        again = client.post(f"{borrowers()}/yes", data=yes)

    assert state_of(orders).agreements[0].instalments[0].due > to
    assert (again.status_code, "ha cambiado" in again.text) == (409, True)


def test_an_offer_whose_button_was_pressed_twice_is_made_once(database: Database, site: Any, orders: CoreLoans) -> None:
    agent = person(site, database, "ana", Role.AGENT)

    def form() -> dict[str, str]:
        page = agent.get(PAGE).text.split('value="half-year"')[1]
        given = {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("seen", "mark")}
        return {"kind": "restructuring", "option": "half-year", **given}

    pressed = form()
    assert [agent.post(f"{PAGE}/agree", data=pressed).status_code for _ in range(2)] == [303, 303]
    assert [a.state for a in state_of(orders).agreements] == ["proposed"]
    assert state_of(orders).agreements[0].approved_by is not None
    assert "approved by" not in agent.get(PAGE).text, "nobody else had to approve it"
    assert agent.post(f"{PAGE}/agree", data=form()).status_code == 303
    assert [a.state for a in state_of(orders).agreements] == ["replaced", "proposed"], "asked for anew it is another"
    assert agent.post(f"{PAGE}/agree", data=pressed | {"words": "sí, de acuerdo"}).status_code == 303
    assert [a.state for a in state_of(orders).agreements] == ["replaced", "replaced", "active"]


def _statement(page: str) -> str:
    return html.unescape(page.split('<p class="statement">')[1].split("</p>")[0])


def test_what_cannot_be_promised_is_said_in_the_borrowers_words(site: Any, orders: CoreLoans) -> None:
    wrong = [
        ({"amount": "mucho", "day": "2026-12-04"}, "No entendemos el importe"),
        ({"amount": "120", "day": "2027-12-04"}, "Elige un día entre hoy y el 29 de diciembre de 2026"),
        ({"amount": "120", "day": ""}, "Elige un día"),
        ({"amount": "300,01", "day": "2026-12-04"}, "Es más de lo que queda por pagar"),
        ({"amount": "1", "day": "2026-12-04"}, "Lo mínimo a lo que te puedes comprometer son 10,00 €"),
    ]
    with browser(site) as client:
        for form, said in wrong:
            answer = client.post(borrowers(), data={"kind": "promise", **form})
            assert (answer.status_code, said in plain(answer.text)) == (422, True), form


def test_nobody_else_gets_in_and_no_other_site_agrees_for_a_borrower(
    site: Any, clock: Clock, orders: CoreLoans
) -> None:
    with browser(site) as client:
        assert client.get("/agree/made-up").status_code == 404
        elsewhere = client.post(
            borrowers(), data={"kind": "plan", "option": "monthly"}, headers={"sec-fetch-site": "cross-site"}
        )
        assert elsewhere.status_code == 403
        answer = client.get(borrowers())
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-robots-tag"] == "noindex"
        orders.down = True
        assert client.get(borrowers()).status_code == 503
        orders.down = False
        told = borrowers()
        clock.pass_by(timedelta(days=31))
        assert client.get(told).status_code == 410


def test_while_a_person_decides_nothing_is_offered(site: Any, orders: CoreLoans) -> None:
    state, _ = apply(state_of(orders), CircumstanceReported(kind=Circumstance.VULNERABLE), NOW)
    orders.states[LENDER, "L1"] = state
    with browser(site) as client:
        text = client.get(borrowers()).text
    assert "Una persona está mirando tu caso" in text
    assert "<form" not in text


def test_an_agent_agrees_on_the_page_moves_a_date_and_calls_it_off(
    database: Database, site: Any, orders: CoreLoans
) -> None:
    agent = person(site, database, "ana", Role.AGENT)
    auditor = person(site, database, "ulf", Role.AUDITOR)
    page = agent.get(f"{PAGE}?bearable=120").text
    assert agent.get("/loans?loan=L1").headers["location"] == PAGE
    assert agent.get("/loans?loan=nope").status_code == 404
    seen = page.split('value="monthly"')[1].split('name="seen" value="')[1].split('"')[0]
    form = {"kind": "plan", "option": "monthly", "seen": seen, "bearable": "120", "words": "de acuerdo"}
    assert agent.post(f"{PAGE}/agree", data=form | {"seen": "2026-12-13=1"}).status_code == 409
    assert agent.post(f"{PAGE}/agree", data=form | {"seen": "no"}).status_code == 422
    agreed = agent.post(f"{PAGE}/agree", data=form)
    assert agreed.headers["location"] == f"{PAGE}?done=agreed"
    [plan] = state_of(orders).agreements
    to = plan.instalments[0].due + timedelta(days=3)

    saturday = agent.post(f"{PAGE}/agreements/1/move", data={"to": (to + timedelta(days=2)).isoformat()})
    assert (saturday.status_code, "is no working day" in saturday.text) == (409, True)
    yes = {"to": to.isoformat(), "words": "sí, mejor ese día"}
    assert agent.post(f"{PAGE}/agreements/1/move", data=yes).status_code == 303
    moved = state_of(orders).agreements[0].move_evidence
    assert moved is not None
    assert moved.text_sha256 == hashlib.sha256("sí, mejor ese día".encode()).hexdigest()
    again = agent.post(f"{PAGE}/agreements/1/move", data={"to": (to + timedelta(days=1)).isoformat()})
    shown = plain(agent.get(PAGE).text)
    to_auditor = auditor.get(PAGE).text
    assert agent.post(f"{PAGE}/agreements/1/cancel").status_code == 303

    assert (again.status_code, "a due date of it was moved already" in again.text) == (409, True)
    for words in ("ana", "in force", "their yes is on record"):
        assert words in shown
    assert '<form method="post" action="/loans' not in to_auditor
    assert "in force" in to_auditor
    with database.reading() as session:
        [row] = kept(session)
        assert row.state == "cancelled"
        assert row.made_by.startswith("account:")


def test_a_key_without_the_scope_or_of_another_lender_agrees_on_nothing(
    database: Database, site: Any, orders: CoreLoans
) -> None:
    reads = key(database, Scope.LOANS_READ)
    elsewhere = key(database, Scope.AGREEMENTS_WRITE, lender="another")
    with browser(site) as client:
        assert client.get(f"{API}/offers", headers=reads).status_code == 403
        assert client.get(f"{API}/offers", headers=elsewhere).status_code == 404
        approve = client.post(f"{API}/agreements/1/approval", headers=key(database, Scope.AGREEMENTS_WRITE))
        assert approve.status_code == 403


def test_a_service_that_repeats_its_order_under_its_own_key_gets_the_first_answer(
    database: Database, site: Any, orders: CoreLoans
) -> None:
    """Given an order whose answer was lost on the way; said again under its key it is known from a refusal."""
    header = key(database, Scope.AGREEMENTS_WRITE, lender=LENDER)
    plan = {"kind": "plan", "option": "monthly", "words": "sí, de acuerdo", "message_id": "SM1"}
    promise = {"amount_minor": 5_000, "date": "2026-12-01", "message_id": "SM2"}
    with browser(site) as service:
        first, again = (
            service.post(f"{API}/agreements", headers=header | {"Idempotency-Key": "o-1"}, json=plan) for _ in range(2)
        )
        another = service.post(f"{API}/agreements", headers=header | {"Idempotency-Key": "o-2"}, json=plan)
        other_order = service.post(f"{API}/promises", headers=header | {"Idempotency-Key": "o-1"}, json=promise)
        somebody = key(database, Scope.AGREEMENTS_WRITE, lender=LENDER) | {"Idempotency-Key": "o-1"}
        somebody_elses = service.post(f"{API}/agreements", headers=somebody, json=plan)
        broken = service.post(f"{API}/agreements", headers=header | {"Idempotency-Key": "a key"}, json=plan)

    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert [answer.status_code for answer in (another, other_order, somebody_elses, broken)] == [409, 409, 409, 422]
    assert len(state_of(orders).agreements) == 1


@pytest.mark.parametrize("order", ["acceptance", "due-date"])
def test_a_yes_and_a_moved_date_under_a_key_are_done_once(
    database: Database, site: Any, orders: CoreLoans, order: str
) -> None:
    header = key(database, Scope.AGREEMENTS_WRITE, lender=LENDER)
    offer = {"kind": "plan", "option": "monthly"} | ({} if order == "acceptance" else {"message_id": "SM1"})
    with browser(site) as service:
        assert service.post(f"{API}/agreements", headers=header, json=offer).status_code == 200
        due = state_of(orders).agreements[0].instalments[0].due
        body = {"message_id": "SM2"} | ({} if order == "acceptance" else {"to": str(due + timedelta(days=1))})
        path, once = f"{API}/agreements/1/{order}", header | {"Idempotency-Key": "o-1"}
        first, again = (service.post(path, headers=once, json=body) for _ in range(2))
        without = service.post(path, headers=header, json=body)

    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert without.status_code == 409


@pytest.mark.parametrize(
    ("reason", "later", "status"),
    [
        (AddressFailure.WRONG_PERSON, timedelta(hours=1), 410),
        (AddressFailure.WRONG_PERSON, -timedelta(days=1), 200),
        (AddressFailure.DEAD, timedelta(hours=1), 200),
    ],
)
def test_who_is_not_the_borrower_agrees_on_nothing_in_their_name(
    database: Database, site: Any, orders: CoreLoans, reason: AddressFailure, later: timedelta, status: int
) -> None:
    """Given an address that was sent to a borrower's number, when somebody else answers at it, then the address is
    over; not one that was made on a later day, nor where a number only proved dead."""
    with database.writing() as session:
        owner = people.of_loan(session, loans.get(session, LENDER, "L1"))
        people.close_address(session, owner, Channel.SMS, "+34600000999", reason=reason, at=NOW + later)

    with browser(site) as client:
        looked = client.get(borrowers())
        promised = client.post(borrowers(), data={"kind": "promise", "amount": "120,50", "day": "2026-12-04"})

    assert (looked.status_code, promised.status_code) == (status, status)
    assert ("300" in looked.text) == (status == 200)


@pytest.mark.parametrize(
    ("sent_from", "kept_rows"),
    [("cross-site", 0), ("same-site", 0), ("same-origin", 2), ("none", 2)],
)
def test_another_site_writes_nothing_into_the_audit_trail_in_an_agents_name(
    database: Database, site: Any, sent_from: str, kept_rows: int
) -> None:
    """Given an agent who is signed in, when a page of another site leads their browser to what may be offered, then
    it is shown and nothing is kept of what that page said the borrower can bear."""
    agent = person(site, database, "ana", Role.AGENT)
    headers = {"sec-fetch-site": sent_from}

    page = agent.get(f"{PAGE}?bearable=123.00", headers=headers)
    api = agent.get(f"{API}/offers?bearable_minor=4567", headers=headers)

    assert (page.status_code, api.status_code) == (200, 200)
    assert ('value="123.00"' in page.text) == (kept_rows > 0)
    assert len(offers_log(database)) == kept_rows

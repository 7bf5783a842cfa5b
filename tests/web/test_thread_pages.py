"""Answering a borrower on the page of their conversation: seen before it goes, refused with the rule, once."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from domain.access import Role
from domain.collection import apply
from domain.contact import Channel
from domain.events.contacts import ContactOutcome, ContactReported
from domain.ledger_entries import WordsState
from records import accounts, audit, cases, contact_ledger, contacts, loans, own_words, person_export
from records.database import Database
from records.erasure import erase
from records.tables import CaseState, LoanState
from tests.records.portfolios import LENDER
from tests.web.calling import NOW, Clock
from tests.web.core_loans import CoreLoans
from tests.web.test_agreements import PAGE, clock, orders, person, plain, site, state_of
from tests.web.test_case_pages import disputed

__all__ = ["clock", "disputed", "orders", "site"]

LITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What no database could make a difference to: orders are locked, erased and exported on both."""

WORDS = "Hemos mirado su pregunta: el pago nos consta. Gracias."


@pytest.fixture
def wrote(database: Database, orders: CoreLoans, disputed: str) -> str:
    """L1 is in collection and disputed, and its borrower wrote just before NOW; the case that waits."""
    with database.writing() as session:
        loan, borrower = contacts.lock_person(session, LENDER, "L1")
        loans.begin(session, loan)
        contact_ledger.add_inbound(session, borrower, Channel.SMS, NOW + timedelta(minutes=1))
    return disputed


@pytest.fixture
def agent(site: Any, database: Database) -> TestClient:
    return person(site, database, "ana", Role.AGENT)


def form(client: TestClient, **changes: str) -> dict[str, str]:
    """The form as the page gives it, filled in."""
    page = client.get(f"{PAGE}/thread").text
    [words_id] = re.findall(r'name="words_id" value="([a-z0-9]+)"', page)
    return {"words_id": words_id, "text": WORDS, "what": "send", "channel": "sms"} | changes


def kept(database: Database) -> list[Any]:
    with database.reading() as session:
        return list(own_words.of_loan(session, loans.get(session, LENDER, "L1")))


def settle(database: Database, orders: CoreLoans, outcome: ContactOutcome) -> None:
    """As the loan's ledger would: the records hear what became of the words."""
    state, _ = apply(
        state_of(orders),
        ContactReported(step=f"words-{kept(database)[0].words_id}", outcome=outcome, refused=("stop.dispute",)),
        NOW,
    )
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        entry = state.outbox[-1] if state.outbox[-1].entry == "words" else state.outbox[-2]
        assert entry.entry == "words"
        own_words.settle(session, loan, entry.words_id, entry.state, at=NOW, why=entry.why)


@LITE
def test_an_agent_sees_how_it_reads_sends_it_and_it_is_part_of_the_thread(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    clock.pass_by(timedelta(minutes=2))
    given = form(agent)
    seen = plain(agent.post(f"{PAGE}/write", data=given | {"what": "look"}).text)
    nothing_yet = (kept(database), list(orders.orders))
    sent = agent.post(f"{PAGE}/write", data=given)
    twice = agent.post(f"{PAGE}/write", data=given)
    thread = plain(agent.get(f"{PAGE}/thread?done=true").text)
    found = plain(agent.get(f"{PAGE}/thread?search=NOS CONSTA").text)

    for words in (WORDS, "(ref. L1)", "1 SMS", "goes out now", "answers what the borrower wrote", given["words_id"]):
        assert words in seen
    assert nothing_yet == ([], [])
    assert (sent.status_code, twice.status_code) == (303, 303)
    assert sent.headers["location"] == f"{PAGE}/thread?done=true#said"
    [row] = kept(database)
    assert (row.text, row.channel, row.case_id) == (WORDS, Channel.SMS, None)
    [(update, order)] = orders.orders
    assert update == "write"
    assert order["role"] == "agent"
    assert order["by"] == row.written_by
    assert WORDS not in str(order)
    assert [words.words_id for words in state_of(orders).words] == [given["words_id"]]
    assert "Written by ana" in thread
    assert WORDS in found
    assert "queda una cuota" not in found
    with database.reading() as session:
        [line] = [one for one in audit.of_loan(session, LENDER, "L1") if one.action == "words_written"]
        assert (line.actor, WORDS in str(line.details)) == (row.written_by, False)
        raw = session.connection().exec_driver_sql("SELECT text FROM own_words").scalar_one()
        assert WORDS not in raw


@LITE
def test_a_case_is_settled_with_the_answer_where_the_agent_says_so(
    clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    clock.pass_by(timedelta(minutes=2))
    tray = agent.get("/cases").text
    page = agent.get(f"{PAGE}/thread?case={wrote}").text

    agent.post(f"{PAGE}/write", data=form(agent, case_id=wrote))

    assert f'href="{PAGE}/thread?case={wrote}#answer"' in tray
    assert f'<option value="{wrote}" selected>' in page
    assert state_of(orders).circumstance is None


@LITE
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"text": "Pague o procederemos al embargo de su nómina"}, "ALL.content.jail"),
        ({"text": " "}, "there are no words"),
        ({"channel": "whatsapp"}, "no carrier is configured for whatsapp; write by sms or email instead"),
        ({"channel": "email"}, "stop.dispute"),
        ({"case_id": "no-such-case"}, "no open case no-such-case"),
    ],
)
def test_what_may_not_go_is_refused_with_the_rule_and_the_words_stay_in_the_form(
    database: Database,
    clock: Clock,
    agent: TestClient,
    orders: CoreLoans,
    wrote: str,
    changes: dict[str, str],
    why: str,
) -> None:
    clock.pass_by(timedelta(minutes=2))
    given = form(agent, **changes)

    answer = agent.post(f"{PAGE}/write", data=given)

    assert (answer.status_code, why in plain(answer.text)) == (409, True)
    assert f">{given['text']}</textarea>" in answer.text
    assert state_of(orders).words == ()
    assert [(row.state, row.why) for row in kept(database)] == (
        [(WordsState.NOT_SENT, why)] if "case_id" in changes else []
    )


@LITE
def test_while_the_loan_cannot_be_reached_the_words_wait_in_the_form_and_go_out_once(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    clock.pass_by(timedelta(minutes=2))
    given = form(agent)
    orders.down = True
    away = agent.post(f"{PAGE}/write", data=given)
    orders.down = False
    sent = agent.post(f"{PAGE}/write", data=given)

    assert (away.status_code, WORDS in away.text, given["words_id"] in away.text) == (503, True, True)
    assert sent.status_code == 303
    assert len(state_of(orders).words) == 1


def waits(database: Database) -> None:
    """As the loan's ledger tells the records once the loan knows of the words."""
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        own_words.settle(session, loan, kept(database)[0].words_id, WordsState.WAITING, at=NOW)


@LITE
@pytest.mark.parametrize(
    "changes", [{"text": "Y otra cosa: llámenos cuando pueda."}, {"channel": "email"}, {"case_id": "c9"}]
)
def test_another_message_from_a_form_that_was_sent_is_not_taken_for_the_first(
    database: Database,
    clock: Clock,
    agent: TestClient,
    orders: CoreLoans,
    wrote: str,
    changes: dict[str, str],
) -> None:
    """Given a message that was sent, when the agent goes back to its form and sends another one from it, then they are
    told that it was not sent, its words stay, and pressed again it goes out as a message of its own."""
    clock.pass_by(timedelta(minutes=2))
    given = form(agent)
    agent.post(f"{PAGE}/write", data=given)
    waits(database)

    same = agent.post(f"{PAGE}/write", data=given)
    other = agent.post(f"{PAGE}/write", data=given | changes)
    [fresh] = re.findall(r'name="words_id" value="([a-z0-9]+)"', other.text.split('id="answer"')[1])

    assert same.status_code == 303
    assert (other.status_code, "another message was sent from this form" in plain(other.text)) == (409, True)
    assert f">{(given | changes)['text']}</textarea>" in other.text
    assert fresh != given["words_id"]
    if "text" in changes:
        assert agent.post(f"{PAGE}/write", data=given | changes | {"words_id": fresh}).status_code == 303
        assert [row.text for row in kept(database)] == [WORDS, changes["text"]]


@LITE
@pytest.mark.parametrize("heard", [True, False], ids=["the records know it", "the records do not know it yet"])
def test_an_answer_whose_case_it_settled_meanwhile_goes_out_once_when_it_is_sent_again(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str, heard: bool
) -> None:
    """Given an answer under a case that the loan took while its page heard nothing, when it is sent again from the
    form, which lists the case no more, then it is one message."""
    clock.pass_by(timedelta(minutes=2))
    given = form(agent, case_id=wrote)
    agent.post(f"{PAGE}/write", data=given)
    if heard:
        waits(database)

    again = agent.post(f"{PAGE}/write", data=given | {"case_id": ""})

    assert again.status_code == 303
    assert len(state_of(orders).words) == 1
    assert [row.case_id for row in kept(database)] == [wrote]


@LITE
def test_of_words_that_may_still_go_out_the_form_says_just_that(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    """Given a message that the loan did not answer for, when the agent mends it and sends it, then they are told that
    the first may still go out, and how to stop it; pressed again the second goes as well."""
    clock.pass_by(timedelta(minutes=2))
    given = form(agent)
    orders.unanswered = True
    agent.post(f"{PAGE}/write", data=given)
    orders.unanswered = False
    mended = given | {"text": f"{WORDS} Un saludo."}

    other = agent.post(f"{PAGE}/write", data=mended)
    by_api = agent.post(f"/api/v1{PAGE}/words", json={"text": mended["text"], "words_id": given["words_id"]})
    [fresh] = re.findall(r'name="words_id" value="([a-z0-9]+)"', other.text.split('id="answer"')[1])

    assert (other.status_code, "was sent from this form" in plain(other.text)) == (409, False)
    assert "the first message from this form may still go out" in plain(other.text)
    assert f'value="{given["words_id"]}" class="quiet">Withdraw' in other.text
    assert "and they may still go out" in by_api.json()["detail"]
    assert agent.post(f"{PAGE}/write", data=mended | {"words_id": fresh}).status_code == 303


@LITE
def test_a_better_text_from_the_form_of_words_that_were_not_sent_goes_straight_on_and_once(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    """Given words that were withdrawn, when the agent goes back to their form and sends better ones, twice, then these
    are one message."""
    clock.pass_by(timedelta(minutes=2))
    given = form(agent)
    agent.post(f"{PAGE}/write", data=given)
    agent.post(f"{PAGE}/withdraw-words", data={"words_id": given["words_id"]})
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        own_words.settle(session, loan, given["words_id"], WordsState.NOT_SENT, at=NOW, why="withdrawn by a person")
    better = given | {"text": f"{WORDS} Un saludo."}

    sent = [agent.post(f"{PAGE}/write", data=better).status_code for _ in range(2)]

    assert sent == [303, 303]
    assert [row.text for row in kept(database)] == [WORDS, better["text"]]
    assert len(state_of(orders).words) == 1


@LITE
@pytest.mark.parametrize("heard", [True, False], ids=["the records know it", "the records do not know it yet"])
def test_the_same_words_for_another_case_are_refused_with_what_settles_it(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str, heard: bool
) -> None:
    """Given words without a case, when the same are to settle one later that day, then nothing is sent twice and the
    answer says how the case is settled."""
    clock.pass_by(timedelta(minutes=2))
    path = f"/api/v1{PAGE}/words"
    agent.post(path, json={"text": WORDS})
    if heard:
        waits(database)

    again = agent.post(path, json={"text": WORDS, "case_id": wrote})

    assert again.status_code == 409
    assert f"settle case {wrote} by `case decide`, or give a words_id of their own" in again.json()["detail"]
    assert len(kept(database)) == 1


@LITE
def test_the_api_refuses_other_words_under_an_id_that_was_sent(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    clock.pass_by(timedelta(minutes=2))
    path = f"/api/v1{PAGE}/words"
    first = {"text": WORDS, "words_id": "w-1"}
    agent.post(path, json=first)
    waits(database)

    again = agent.post(path, json=first | {"text": f" {WORDS} "})
    other = agent.post(path, json=first | {"text": "Y otra cosa: llámenos."})

    assert again.status_code == 200
    assert (other.status_code, other.json()["detail"]) == (409, "the id w-1 stands for other words already")


def test_sent_twice_at_the_same_moment_it_is_once_and_no_error(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    clock.pass_by(timedelta(minutes=2))
    given = form(agent)
    with database.reading() as session:
        [ana] = [f"account:{each.id}" for each in accounts.listing(session)]
    with ThreadPoolExecutor(1) as pool:
        with database.writing() as session:
            loan, _ = contacts.lock_person(session, LENDER, "L1")
            values = {"words_id": given["words_id"], "by": ana, "channel": Channel.SMS, "subject": None}
            more = {"text": WORDS, "until": NOW + timedelta(days=3), "case_id": None, "at": NOW}
            own_words.keep(session, loan, **values, **more)
            second = pool.submit(agent.post, f"{PAGE}/write", data=given)
            time.sleep(0.4)
        sent = second.result(20)

    assert sent.status_code == 303
    assert len(kept(database)) == 1
    assert len(state_of(orders).words) == 1


@LITE
def test_why_it_may_not_go_and_why_a_case_waits_is_told_in_the_language_of_the_page(
    database: Database, clock: Clock, agent: TestClient, wrote: str
) -> None:
    clock.pass_by(timedelta(minutes=2))
    with database.writing() as session:
        loan, _ = contacts.lock_person(session, LENDER, "L1")
        waits = {"case_id": "c2", "queue": "agents", "kind": "handoff", "at": NOW, "sla_at": NOW}
        cases.open(session, loan, **waits, reason="the borrower wrote: request agent")
    agent.headers["accept-language"] = "es"

    by_whatsapp = agent.post(f"{PAGE}/write", data=form(agent, channel="whatsapp"))
    answer = agent.post(f"{PAGE}/write", data=form(agent, case_id="no-such-case"))

    assert "No hay proveedor configurado para whatsapp; escriba por sms o email" in plain(by_whatsapp.text)
    assert "No se ha enviado. No hay ningún caso abierto no-such-case" in plain(answer.text)
    assert "El cliente escribió: pide una persona" in answer.text


@LITE
def test_what_became_of_it_stands_in_the_thread(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    clock.pass_by(timedelta(minutes=2))
    given = form(agent)
    agent.post(f"{PAGE}/write", data=given)
    settle(database, orders, ContactOutcome.UNREACHABLE)

    thread = plain(agent.get(f"{PAGE}/thread").text)
    again = agent.post(f"{PAGE}/write", data=given)

    assert "not sent" in thread
    assert "stop.dispute" in thread
    assert (again.status_code, "write them anew" in again.text) == (409, True)


@LITE
def test_nobody_is_written_to_after_the_end_and_only_agents_and_supervisors_write(
    database: Database, site: Any, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    given = form(agent)
    auditor = person(site, database, "ulf", Role.AUDITOR)
    by_auditor = auditor.post(f"{PAGE}/write", data=given)
    del orders.states[LENDER, "L1"]
    ended = agent.post(f"{PAGE}/write", data=given)
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        loan.state = LoanState.ENDED
        loan.end_kind, loan.ended_at = "cured", NOW
        session.add(loan)
    page = agent.get(f"{PAGE}/thread").text

    assert by_auditor.status_code == 403
    assert (ended.status_code, "not in collection" in ended.text) == (409, True)
    assert 'id="answer"' not in page
    assert kept(database) == []


def test_the_words_are_told_to_the_person_who_asks_and_go_with_their_key(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    clock.pass_by(timedelta(minutes=2))
    agent.post(f"{PAGE}/write", data=form(agent))
    with database.writing() as session:
        loan, borrower = contacts.lock_person(session, LENDER, "L1")
        told = person_export.export(session, borrower)
        loan.state = LoanState.ENDED
        loan.end_kind, loan.ended_at = "cured", NOW
        session.add(loan)
        cases.close(session, wrote, CaseState.RETRACTED, at=NOW)
        person_id = borrower.person_id

    erase(database, LENDER, person_id, at=NOW, actor="test")

    assert [row["text"] for row in told["words_of_people_to_them"]] == [WORDS]
    [row] = kept(database)
    with database.reading() as session:
        raw = session.connection().exec_driver_sql("SELECT text FROM own_words").scalar_one()
    assert raw is None, "nothing is left to open should a key come back"
    assert (row.text, row.subject, row.written_by) == (None, None, told["words_of_people_to_them"][0]["written_by"])


@LITE
def test_what_waits_is_withdrawn_beside_it_and_stands_there_as_not_sent(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    """Given words that wait, when an agent presses Withdraw, then they are not sent and the trail names the agent."""
    clock.pass_by(timedelta(minutes=2))
    agent.post(f"{PAGE}/write", data=form(agent))
    [row] = kept(database)
    page = agent.get(f"{PAGE}/thread").text

    gone = agent.post(f"{PAGE}/withdraw-words", data={"words_id": row.words_id})
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        own_words.settle(session, loan, row.words_id, WordsState.NOT_SENT, at=NOW, why="withdrawn by a person")
    after = agent.get(gone.headers["location"].replace("#said", "")).text
    unknown = agent.post(f"{PAGE}/withdraw-words", data={"words_id": "nobodys"})

    assert f'name="words_id" value="{row.words_id}" class="quiet"' in page
    assert (gone.status_code, state_of(orders).words) == (303, ())
    assert "Withdrawn. If it left at this very moment" in plain(after)
    assert f'value="{row.words_id}" class="quiet"' not in after
    assert (unknown.status_code, "Not withdrawn. no words nobodys" in plain(unknown.text)) == (409, True)
    with database.reading() as session:
        assert "words_withdrawn" in [line.action for line in audit.of_loan(session, LENDER, "L1")]


@LITE
def test_the_api_shows_sends_and_withdraws_own_words(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    clock.pass_by(timedelta(minutes=2))
    path = f"/api/v1{PAGE}/words"

    seen = agent.post(f"{path}/preview", json={"text": WORDS})
    sent = [agent.post(path, json={"text": WORDS}) for _ in range(2)]
    refused = agent.post(path, json={"text": WORDS, "channel": "whatsapp"})
    withdrawn = agent.post(f"{path}/{sent[0].json()['words_id']}/withdrawal")
    down, orders.down = orders.down, True
    away = agent.post(f"{path}/preview", json={"text": WORDS})

    assert (seen.status_code, seen.json()["channel"], seen.json()["answers"]) == (200, "sms", True)
    assert WORDS in seen.json()["text"]
    assert sent[0].json() == sent[1].json()
    assert [row.words_id for row in kept(database)] == [sent[0].json()["words_id"]]
    assert (refused.status_code, "no carrier is configured for whatsapp" in refused.json()["detail"]) == (409, True)
    assert withdrawn.status_code == 200
    assert state_of(orders).words == ()
    assert (down, away.status_code, away.headers["retry-after"]) == (False, 503, "5")


@LITE
def test_what_was_understood_and_how_far_a_message_got_is_told_in_the_language_of_the_page(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    """Given a borrower who disputes, and words of an agent that were not sent, when the page is opened in Spanish,
    then no word of ours on it is English."""
    clock.pass_by(timedelta(minutes=2))
    agent.post(f"{PAGE}/write", data=form(agent))
    with database.writing() as session:
        loan = loans.get(session, LENDER, "L1")
        own_words.settle(
            session, loan, kept(database)[0].words_id, WordsState.NOT_SENT, at=NOW, why="withdrawn by a person"
        )

    page = plain(agent.get(f"{PAGE}/thread", headers={"accept-language": "es"}).text)

    assert "disputa la deuda" in page
    assert "Lo retiró una persona" in page
    assert "not sent" not in page


@LITE
@pytest.mark.parametrize("until", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_a_moment_that_no_clock_can_tell_is_refused_at_the_api(
    clock: Clock, agent: TestClient, wrote: str, until: str
) -> None:
    answer = agent.post(f"/api/v1{PAGE}/words", json={"text": WORDS, "until": until})

    assert answer.status_code == 422


@LITE
def test_words_of_a_loan_that_does_not_run_are_withdrawn_only_if_it_never_heard_of_them(
    database: Database, clock: Clock, agent: TestClient, orders: CoreLoans, wrote: str
) -> None:
    """Given words that were kept, and others that the loan has sent meanwhile, when both are withdrawn after its run is
    over, then the first are, with the agent's name in the trail, and of the second nobody says so."""
    with database.writing() as session:
        loan, _ = contacts.lock_person(session, LENDER, "L1")
        for words_id in ("w1", "w2"):
            values = {"words_id": words_id, "by": "account:1", "channel": Channel.SMS, "subject": None, "text": WORDS}
            own_words.keep(session, loan, **values, until=NOW + timedelta(days=3), case_id=None, at=NOW)
    del orders.states[LENDER, "L1"]
    first, second = kept(database)
    sent = agent.post(f"/api/v1{PAGE}/words/{first.words_id}/withdrawal")
    with database.writing() as session:
        own_words.settle(session, loans.get(session, LENDER, "L1"), second.words_id, WordsState.WAITING, at=NOW, why="")
    waits = agent.post(f"/api/v1{PAGE}/words/{second.words_id}/withdrawal")

    assert (sent.status_code, waits.status_code) == (200, 409)
    assert [row.state for row in kept(database)] == [WordsState.NOT_SENT, WordsState.WAITING]
    with database.reading() as session:
        trail = [line for line in audit.of_loan(session, LENDER, "L1") if line.action == "words_withdrawn"]
        assert [line.details["words_id"] for line in trail] == [first.words_id]

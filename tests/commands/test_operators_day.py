"""An operator's day on a real stack: Temporal, worker, web app, sandbox and records."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from config.strategies import STRATEGIES_FOLDER
from records import audit, offer_log
from records.database import Database
from tests.commands.stacks import Operator, running_stack, until


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("day")
    with running_stack(folder) as stack:
        yield Operator(stack, folder)


def start(operator: Operator, campaign: str, *loan_ids: str, strategy: str | None = None, **more: object) -> Path:
    path = operator.portfolio(f"{campaign}.csv", [{"loan_id": loan_id} | more for loan_id in loan_ids])
    under = ("--strategy", strategy) if strategy else ()
    told = operator.json("campaign", "start", str(path), "--id", campaign, *under, "--yes")
    assert told["held"] == len(loan_ids)
    assert told["refused"] == []
    until(lambda: operator.json("campaign", "status", campaign)["in_collection"] == len(loan_ids))
    return path


def test_a_campaign_starts_once_and_is_shown(operator: Operator) -> None:
    path = start(operator, "once", "A1", "A2")
    before = operator.json("campaign", "status", "once")

    again = operator.json("campaign", "start", str(path), "--id", "once", "--yes")

    assert (again["resumed"], again["started"], again["waiting"]) == (True, 2, 0)
    after = operator.json("campaign", "status", "once")
    assert (after["total"], after["started"]) == (before["total"], before["started"]) == (2, 2)
    assert after["money"] == [{"currency": "EUR", "loans": 2, "due_minor": 20_000, "recovered_minor": 0}]
    assert after["workflow"] == "running"
    assert "once" in operator.run("campaign", "list").out
    costs = operator.json("campaign", "costs", "once")
    assert {row["channel"] for row in costs["channels"]} >= {"all"}
    assert "cost of 1" in operator.run("campaign", "costs", "once").out


def test_a_second_campaign_names_each_loan_the_first_holds_and_takes_the_others(operator: Operator) -> None:
    first = start(operator, "first-come", "B1", "B2")
    both = operator.portfolio("both.csv", [{"loan_id": name} for name in ("B1", "B2", "B3")])

    told = operator.json("campaign", "start", str(both), "--id", "second-come", "--yes")
    none = operator.run("campaign", "start", str(first), "--id", "third-come", "--yes")

    assert [(one["loan_id"], one["reason"]) for one in told["refused"]] == [
        ("B1", "held by campaign first-come"),
        ("B2", "held by campaign first-come"),
    ]
    assert told["held"] == 1
    assert none.code == 1
    assert "loan B1 (line 2): held by campaign first-come" in none.out
    assert "loan B2 (line 3): held by campaign first-come" in none.out
    assert operator.run("campaign", "status", "third-come").code == 2


def test_payments_recorded_by_hand_cure_a_loan_and_count_once(operator: Operator) -> None:
    start(operator, "money", "C1", amount_minor=15_000)
    today = datetime.now(UTC).date().isoformat()

    part = operator.json("payment", "record", "C1", "100.00", "--id", "C1-T1", "--provider", "bank", "--paid-at", today)
    assert (part["new"], part["balance_due_minor"], part["loan_told"]) == (True, 5_000, True)
    full = operator.json("payment", "record", "C1", "50", "--id", "C1-T2", "--provider", "bank")
    again = operator.json("payment", "record", "C1", "50", "--id", "C1-T2", "--provider", "bank")

    assert (full["new"], again["new"], again["balance_due_minor"]) == (True, False, 0)
    until(lambda: operator.loan("C1")["end"] == "cured")
    assert [one["amount_minor"] for one in operator.loan("C1")["payments"]] == [10_000, 5_000]
    assert operator.json("webhooks", "list")["waiting"] == 0


def test_a_payment_taken_back_lets_a_cured_loan_go_on(operator: Operator) -> None:
    start(operator, "bounced", "D1")
    operator.json("payment", "record", "D1", "100", "--id", "D1-T1", "--provider", "bank")
    until(lambda: operator.loan("D1")["end"] == "cured")
    why = operator.json("loan", "why", "D1")
    assert [one["cause"] for one in why["would_change"]] == ["the last payment is reversed"]

    told = operator.json("payment", "reverse", "D1", "--id", "D1-T1", "--provider", "bank")

    assert told["balance_due_minor"] == 10_000
    until(lambda: operator.loan("D1")["state"] == "in_collection")
    assert operator.json("loan", "why", "D1")["source"] == "running"


def test_wrong_money_is_refused_in_one_line_and_changes_nothing(operator: Operator) -> None:
    start(operator, "wrong", "E1")
    operator.json("payment", "record", "E1", "10", "--id", "E1-T1", "--provider", "bank")
    far = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()

    for words, told in (
        (("11", "--id", "E1-T1", "--provider", "bank"), "recorded already, with another amount"),
        (("1.234", "--id", "E1-T2"), "more decimals than EUR allows"),
        (("ten", "--id", "E1-T2"), "is not an amount"),
        (("0", "--id", "E1-T2"), "AMOUNT: input should be greater than 0"),
        (("10", "--id", "E1-T2", "--currency", "USD"), "the loan is in EUR, not USD"),
        (("10", "--id", "T 2"), "--id: "),
        (("10", "--id", "E1-T2", "--paid-at", far), "more than 7 days ahead"),
        (("10", "--id", "E1-T2", "--paid-at", "yesterday"), "is no moment"),
        (("--id", "E1-T2"), "AMOUNT is missing"),
        (("--id", "T9", "--reverse"), "has no payment 'T9'"),
    ):
        said = operator.run("payment", "record", "E1", *words)
        assert said.code == 2, words
        assert told in said.err
        assert said.err.count("\n") == 1

    assert [one["payment_id"] for one in operator.loan("E1")["payments"]] == ["E1-T1"]


def test_why_tells_what_comes_next_by_which_rule_and_what_would_change_it(operator: Operator) -> None:
    start(operator, "reasons", "F1")

    why = operator.json("loan", "why", "F1")
    text = operator.run("loan", "why", "F1")

    planned = why["planned"]
    assert planned["because"].startswith("es-microloan@3, ")
    assert planned["expected_at"] >= planned["falls_due_at"]
    answers = planned["contact_rules"]
    assert answers
    assert all(reason["source"] for answer in answers for reason in answer["reasons"])
    changes = {one["cause"]: one for one in why["would_change"]}
    assert changes["the borrower pays all that is due"]["end"] == "cured"
    assert "a case (cease) opens" in changes["the borrower asks for no contact at all"]["then"]
    assert text.code == 0
    assert "What would change it" in text.out
    assert "(Europe/Madrid)" in text.out


def test_a_pause_holds_a_loan_until_its_day_and_resume_ends_it(operator: Operator) -> None:
    start(operator, "paused", "G1")

    assert operator.run("loan", "pause", "G1", "--until", "2020-01-01").code == 2
    day = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    operator.json("loan", "pause", "G1", "--until", day)
    why = operator.json("loan", "why", "G1")
    operator.json("loan", "resume", "G1")

    assert why["holds"][0]["text"] == "it is paused and goes on by itself"
    assert why["planned"]["falls_due_at"] >= why["holds"][0]["until"]
    assert "somebody resumes it" in {one["cause"] for one in why["would_change"]}
    assert operator.json("loan", "why", "G1")["holds"] == []
    assert "refused: the loan is not paused" in operator.run("loan", "resume", "G1").err


def test_a_closed_loan_has_ended_and_hears_nothing_more(operator: Operator) -> None:
    start(operator, "closing", "H1")

    operator.json("loan", "close", "H1", "--reason", "sold")

    until(lambda: operator.loan("H1")["end"] == "sold")
    again = operator.run("loan", "close", "H1", "--reason", "sold")
    assert (again.code, again.err) == (2, "refused: loan 'H1' has ended as sold\n")
    assert operator.json("loan", "why", "H1")["end"] == "sold"


def test_a_case_of_a_running_loan_holds_it_until_a_person_decides(operator: Operator) -> None:
    weeks_ago = (datetime.now(UTC).date() - timedelta(days=25)).isoformat()
    start(operator, "talks", "Q1", due_date=weeks_ago)
    until(lambda: bool(operator.json("loan", "why", "Q1")["holds"]))
    [case] = [one for one in operator.json("case", "list", "--queue", "agents")["cases"] if one["loan_id"] == "Q1"]
    assert case["kind"] == "handoff"
    causes = {one["cause"] for one in operator.json("loan", "why", "Q1")["would_change"]}
    assert f"somebody decides continue on case {case['case_id']}" in causes
    text = operator.run("loan", "why", "Q1").out
    assert f"Case {case['case_id']} (handoff) is with queue agents" in text

    operator.json("case", "decide", case["case_id"], "--decision", "continue", "--by", "agent-7")

    assert operator.json("loan", "why", "Q1")["holds"] == []
    until(lambda: operator.json("case", "show", case["case_id"])["state"] == "decided")


def test_an_overpayment_opens_a_refund_case_that_a_person_settles_after_the_end(operator: Operator) -> None:
    start(operator, "refunds", "J1")
    operator.json("payment", "record", "J1", "130", "--id", "J1-T1", "--provider", "bank")
    until(lambda: operator.loan("J1")["end"] == "cured")
    [case] = [one for one in operator.json("case", "list")["cases"] if one["loan_id"] == "J1"]
    assert case["kind"] == "refund"

    refused = operator.run("case", "decide", case["case_id"], "--decision", "sell", "--by", "agent-7")
    operator.json("case", "decide", case["case_id"], "--decision", "continue", "--by", "agent-7", "--note", "sent back")
    again = operator.run("case", "decide", case["case_id"], "--decision", "continue", "--by", "agent-8")

    assert refused.code == 2
    shown = operator.json("case", "show", case["case_id"], "--contact-data")
    assert (shown["state"], shown["decided_by"], shown["note"]) == ("decided", "agent-7", "sent back")
    assert again.err == f"refused: case '{case['case_id']}' is decided already\n"
    assert case["case_id"] not in {one["case_id"] for one in operator.json("case", "list")["cases"]}


def test_a_settled_refund_is_not_open_again_when_the_loan_goes_on(operator: Operator) -> None:
    start(operator, "refunds-again", "J2")
    operator.json("payment", "record", "J2", "130", "--id", "J2-T1", "--provider", "bank")
    until(lambda: operator.loan("J2")["end"] == "cured")
    [case] = [one for one in operator.json("case", "list")["cases"] if one["loan_id"] == "J2"]
    operator.json("case", "decide", case["case_id"], "--decision", "continue", "--by", "agent-7")

    operator.json("payment", "reverse", "J2", "--id", "J2-T1", "--provider", "bank")

    until(lambda: operator.loan("J2")["state"] == "in_collection")
    operator.json("loan", "close", "J2", "--reason", "recalled")
    until(lambda: operator.loan("J2")["end"] == "recalled")
    assert [one["state"] for one in operator.loan("J2")["cases"]] == ["decided"]


def test_a_campaign_is_paused_resumed_and_stopped_with_all_its_loans(operator: Operator) -> None:
    start(operator, "steered", "K1", "K2")

    operator.json("campaign", "pause", "steered")
    until(lambda: bool(operator.json("loan", "why", "K2")["holds"]))
    assert operator.json("campaign", "status", "steered")["state"] == "paused"
    assert "Paused until somebody resumes it" in operator.run("loan", "why", "K1").out
    operator.json("campaign", "resume", "steered")
    until(lambda: not operator.json("loan", "why", "K2")["holds"])
    asked = operator.run("campaign", "stop", "steered")
    operator.json("campaign", "stop", "steered", "--reason", "recalled", "--yes")

    assert asked.code == 2
    assert "Say --yes" in asked.err
    until(lambda: operator.json("campaign", "status", "steered")["ends"] == {"recalled": 2})


def test_a_migration_is_shown_before_it_is_made_and_pins_the_loans(operator: Operator) -> None:
    start(operator, "moving", "M1", "M2")
    text = (STRATEGIES_FOLDER / "es-microloan.yaml").read_text(encoding="utf-8")
    new = operator.folder / "next.yaml"
    new.write_text(text.replace("version: 3", "version: 4").replace('dpd: 12, at: "18:00"', 'dpd: 14, at: "12:00"'))
    words = ("strategy", "migrate", "es-microloan@3", str(new), "--campaign", "moving")

    shown = operator.json(*words, "--dry-run")
    assert (shown["moved"], shown["previews"][0]["loans"], shown["previews"][0]["steps_changed"]) == (
        0, 2, ["second-link"],
    )  # fmt: skip
    assert operator.loan("M1")["strategy"] == "es-microloan@3"
    assert operator.run(*words).code == 2
    told = operator.json(*words, "--yes")

    assert (told["moved"], told["failed"]) == (2, [])
    assert operator.loan("M1")["strategy"] == operator.json("loan", "why", "M1")["strategy"] == "es-microloan@4"


def test_names_and_numbers_are_shown_only_on_request(operator: Operator) -> None:
    start(operator, "discreet", "N1")

    plain = operator.run("loan", "show", "N1", "--history").out + operator.run("loan", "why", "N1").out
    told = operator.json("loan", "show", "N1", "--contact-data")["contact_data"]

    assert told["name"]
    for value in told.values():
        assert value not in plain


def test_money_recorded_while_temporal_is_away_reaches_the_loan_when_it_is_back(operator: Operator) -> None:
    start(operator, "outage", "P1")
    operator.stack.processes.stop("temporal", kill=True)

    told = operator.json("payment", "record", "P1", "100", "--id", "P1-T1", "--provider", "bank")
    why = operator.run("loan", "why", "P1")
    status = operator.json("campaign", "status", "outage")
    owed = operator.json("webhooks", "list")["waiting"]
    operator.stack.start_temporal()

    assert (told["loan_told"], owed) == (False, 1)
    assert "the web app tells the loan" in told["detail"]
    assert why.code == 2
    assert why.err.startswith("no Temporal server at ")
    assert status["workflow"] == "unknown"
    until(lambda: operator.loan("P1")["end"] == "cured", seconds=60)


def test_one_message_goes_to_the_loans_that_meet_a_condition_and_to_no_other(operator: Operator) -> None:
    start(operator, "segment", "S1", "S2", amount_minor=25_000)
    start(operator, "other", "S3", amount_minor=45_000)
    where = "campaign = 'segment' and amount < 300"

    preview = operator.json("campaign", "send", "--template", "help_offer", "--where", where, "--dry-run")
    told = operator.json("campaign", "send", "--template", "help_offer", "--where", where, "--id", "help", "--yes")

    assert preview["loans"] == told["loans"] == 2
    assert sum(one["loans"] for one in preview["now"] + preview["later_by_rule"]) >= 2
    assert 1 <= len(preview["samples"]) <= 3
    until(lambda: operator.json("campaign", "send-status", "help")["state"] == "finished")
    status = operator.json("campaign", "send-status", "help")
    assert (status["told"], status["waiting"], status["refused"]) == (2, 0, 0)
    trail = operator.json("audit", "list", "--loan", "S1")
    assert any(row["action"] == "notice_ordered" for row in trail["entries"])
    again = operator.run("campaign", "send", "--template", "help_offer", "--where", where, "--id", "help", "--yes")
    assert (again.code, "exists already" in again.err) == (2, True)
    stopped = operator.json("campaign", "send-stop", "help", "--yes")
    assert stopped["accepted"]
    until(lambda: operator.json("campaign", "send-status", "help")["state"] == "stopped")


def test_a_message_to_nobody_or_by_a_wrong_word_sends_nothing(operator: Operator) -> None:
    def said(*words: str) -> str:
        return operator.run("campaign", "send", *words, "--yes").err

    assert "no template 'help_ofer'; did you mean help_offer?" in said("--template", "help_ofer", "--where", "dpd > 1")
    assert "no field 'dpt'" in said("--template", "help_offer", "--where", "dpt > 1")
    nobody = operator.run("campaign", "send", "--template", "help_offer", "--where", "dpd > 3000", "--yes")
    assert (nobody.code, "no loan in collection meets the condition" in nobody.out) == (1, True)


def replayed_offers(operator: Operator, loan_id: str) -> int:
    """How many answers of the offer engine were kept; each is given again by the same request."""
    database = Database(operator.stack.environment["RECOBRO_DATABASE_URL"])
    with database.reading() as session:
        kept = [row for row in audit.of_loan(session, "demo", loan_id) if row.action == offer_log.ACTION]
        for row in kept:
            then, again = offer_log.replay(session, row.details)
            assert then == again
    database.dispose()
    return len(kept)


def promised_on_the_page(address: str, **promise: str) -> str:
    """A borrower opens their page, promises a day, reads it once more and says yes; what the page says then."""
    with httpx.Client(trust_env=False, headers={"sec-fetch-site": "same-origin"}, timeout=20) as browser:
        assert 'name="day"' in browser.get(address).text
        read_back = browser.post(address, data={"kind": "promise", **promise}).text
        sealed = read_back.split('name="sealed" value="')[1].split('"')[0]
        answer = browser.post(f"{address}/yes", data={"sealed": sealed})
    assert answer.status_code == 200, answer.text
    return answer.text


def test_an_operator_takes_a_promise_then_a_plan_and_a_supervisor_approves_a_settlement(
    operator: Operator, tmp_path: Path
) -> None:
    start(
        operator,
        "agreeing",
        "AG1",
        amount_minor=15_000,
        due_date=(datetime.now(UTC).date() - timedelta(days=70)).isoformat(),
    )
    until(lambda: operator.run("loan", "why", "AG1").code == 0)
    for login, role in (("agent-7", "agent"), ("boss-1", "supervisor")):
        operator.account(login, role)
    soon = (datetime.now(UTC).date() + timedelta(days=5)).isoformat()

    promised = operator.json("loan", "promise", "AG1", "--amount", "20", "--date", soon, "--by", "agent-7")
    offers = operator.json("loan", "offers", "AG1", "--role", "agent")
    plan = operator.json("loan", "plan", "AG1", "--option", "monthly", "--by", "agent-7", "--words", "sí, de acuerdo")
    until(lambda: [one["state"] for one in operator.loan("AG1")["agreements"]] == ["replaced", "active"])
    file = tmp_path / "plan.pdf"
    written = operator.json("loan", "agreement-document", "AG1", "2", str(file))
    due = date.fromisoformat(operator.loan("AG1")["agreements"][-1]["instalments"][0]["due"])
    move = ("loan", "move-due-date", "AG1", "2", "--by", "agent-7", "--words", "mejor ese día", "--to")
    days = [(due + timedelta(days=ahead)).isoformat() for ahead in range(1, 8)]
    assert any(operator.run(*move, day).code == 0 for day in days), "one of them is a working day"
    until(lambda: operator.loan("AG1")["agreements"][-1]["move_evidence"] is not None)
    operator.json("loan", "cancel-agreement", "AG1", "2", "--by", "agent-7")
    page = operator.json("loan", "page", "AG1")["address"]
    said_yes = promised_on_the_page(page, amount="25,50", day=soon)
    until(lambda: operator.loan("AG1")["agreements"][-1]["number"] == 3)
    on_page = operator.loan("AG1")["agreements"][-1]
    low = ("loan", "settlement", "AG1", "--option", "pre-legal", "--percent", "65", "--by", "agent-7")
    waiting = operator.json(*low, "--message-id", "SM1")
    own = operator.run("loan", "approve", "AG1", "4", "--by", "agent-7")
    nobody = operator.run("loan", "approve", "AG1", "4", "--by", "boss-2")
    pretended = operator.run(*low, "--role", "supervisor")
    approved = operator.json("loan", "approve", "AG1", "4", "--by", "Boss-1")

    assert promised["detail"] == f"promise 1: 20.00 EUR by {soon}"
    assert "a pagar 25,50 €" in said_yes.replace("\u00a0", " ")
    assert (on_page["kind"], on_page["via"], on_page["total_minor"]) == ("promise", "page", 2_550)
    assert on_page["evidence"]["message_id"].startswith("page:")
    assert {offer["kind"] for offer in offers["offers"]} == {"plan", "settlement"}
    assert plan["detail"].startswith("plan 2: 150.00 EUR in 3 payments, the last by ")
    assert (written["number"], file.read_bytes()[:4]) == ("AG1-1-2", b"%PDF")
    assert waiting["detail"].endswith("; waits for an approval")
    assert (own.code, "nobody approves what they proposed themselves" in own.err) == (2, True)
    assert approved["detail"].startswith("settlement 4: 97.50 EUR")
    assert (nobody.code, "nobody signs in as 'boss-2'" in nobody.err) == (2, True)
    assert (pretended.code, pretended.err) == (2, "--by: 'agent-7' is agent: it takes a supervisor\n")
    until(lambda: operator.loan("AG1")["agreements"][-1]["approved_by"] is not None)
    settled = operator.loan("AG1")["agreements"][-1]
    people = [settled["proposed_by"], settled["approved_by"]]
    assert [name.split(":")[0] for name in people] == ["account", "account"]
    assert people[0] != people[1]
    assert (settled["state"], settled["remission_minor"]) == ("active", 5_250)
    assert replayed_offers(operator, "AG1") >= 3


def talk_alone(operator: Operator) -> str:
    """A strategy whose first step lies months ahead: whatever the hour, nothing but the conversation takes a place."""
    path = operator.folder / "talk-alone.yaml"
    path.write_text(
        """
name: talk-alone
version: 1
title: Nothing but the conversation
currency: EUR
languages: [es]
steps:
  - {id: much-later, kind: remind, dpd: 300, channels: [sms], template: account_overdue}
queues:
  agents: {sla_hours: 48}
conversation: {turns: 4, confidence: 0.5, queue: agents}
ends: {after_days: 400}
"""
    )
    return str(path)


SAID = "Soy Ana: hemos mirado tu caso y el pago del dia 3 nos consta."


def world(operator: Operator, path: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{operator.stack.addresses.sandbox}{path}", data=data, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def borrower_writes(operator: Operator, loan_id: str, text: str) -> None:
    world(operator, "/_world/act", {"loan_id": loan_id, "act": "write", "text": text})


def thread(operator: Operator, loan_id: str) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = operator.json("loan", "thread", loan_id)["thread"]
    return said


def open_cases(operator: Operator, loan_id: str) -> list[str]:
    return [case["case_id"] for case in operator.loan(loan_id)["cases"] if case["state"] == "open"]


async def waits(operator: Operator, loan_id: str) -> bool:
    """Whether the loan has done all that it was told so far, and does nothing before something else happens."""
    client = await Client.connect(operator.stack.addresses.temporal, namespace=operator.stack.namespace)
    told = (await client.get_workflow_handle(f"loan-demo-{loan_id}").describe()).raw_description
    return not told.HasField("pending_workflow_task") and not told.pending_activities


async def history(operator: Operator, loan_id: str) -> str:
    client = await Client.connect(operator.stack.addresses.temporal, namespace=operator.stack.namespace)
    handle = client.get_workflow_handle(f"loan-demo-{loan_id}")
    return str((await handle.fetch_history()).to_json())


def test_a_person_answers_in_own_words_once_and_the_machine_is_silent_meanwhile(operator: Operator) -> None:
    start(operator, "words", "W1", strategy=talk_alone(operator))
    operator.account("ana", "agent")
    operator.account("olga", "operator")
    # Given a borrower who wants a person, and a case of it.
    borrower_writes(operator, "W1", "quiero hablar con una persona por favor")
    until(lambda: bool(open_cases(operator, "W1")))
    [case] = open_cases(operator, "W1")
    write = ("loan", "write", "W1", "--by", "ana", "--text", SAID)

    # When an agent looks at their answer, sends it, and says it again because no answer was heard.
    shown = operator.json(*write, "--dry-run")
    unsaid = operator.run(*write)
    sent = operator.json(*write, "--case", case, "--yes")
    until(lambda: any(one["who"] == "person" and one["state"] != "waiting" for one in thread(operator, "W1")))
    again = operator.json(*write, "--case", case, "--yes")

    # Then it went out once, as an answer, and stands in the thread with who wrote it.
    assert (shown["answers"], shown["accepted"], shown["not_before"], shown["channel"]) == (True, False, None, "sms")
    assert shown["text"].startswith(SAID)
    assert (unsaid.code, "Say --yes" in unsaid.err) == (2, True)
    assert (sent["accepted"], sent["words_id"]) == (True, again["words_id"])
    assert again["detail"] == "these words were sent already"
    [mine] = [one for one in thread(operator, "W1") if SAID in (one["text"] or "")]
    assert (mine["who"], mine["channel"], mine["about"]) == ("person", "sms", f"answers {case}")
    assert mine["by"].startswith("account:")
    assert str(world(operator, "/_world/log")).count(SAID) == 1
    assert case not in open_cases(operator, "W1")
    found = operator.json("loan", "thread", "W1", "--search", "NOS CONSTA")["thread"]
    assert [one["text"] for one in found] == [mine["text"]]

    # And what the borrower writes then is for a person: the machine says nothing.
    until(lambda: asyncio.run(waits(operator, "W1")))
    before = sum(one["who"] == "machine" for one in thread(operator, "W1"))
    borrower_writes(operator, "W1", "y cuanto debo?")
    until(lambda: bool(open_cases(operator, "W1")))
    until(lambda: asyncio.run(waits(operator, "W1")))
    assert sum(one["who"] == "machine" for one in thread(operator, "W1")) == before
    told = asyncio.run(history(operator, "W1"))
    assert sent["words_id"] in told
    assert "pago del dia 3" not in told


def test_words_that_cannot_be_sent_are_one_line_and_nothing_is_kept(operator: Operator) -> None:
    start(operator, "unsaid", "W4", "W5", strategy=talk_alone(operator))
    operator.account("ana", "agent")
    operator.account("olga", "operator")
    by = ("--by", "ana")
    hello = ("--text", "Hola, le escribo por su consulta.")
    operator.json("loan", "close", "W5", "--reason", "recalled")
    until(lambda: operator.loan("W5")["state"] == "ended")

    for words, told in (
        (("W4", *by, "--text", "  "), "--text: there are no words"),
        (("W4", *by, "--text", "a" * 801, "--channel", "sms"), "801 characters are too long for sms: at most 800"),
        (("W4", *by, "--text", "a" * 30_000), "--text: more than 20,000 characters"),
        (("W4", "--by", "nobody", *hello), "nobody signs in as 'nobody'"),
        (("W4", "--by", "olga", *hello), "'olga' is operator: it takes a agent"),
        (("W4", *by, *hello, "--channel", "pigeon"), "--channel: 'pigeon': expected sms, whatsapp, email"),
        (("W4", *by, *hello, "--channel", "whatsapp"), "WhatsApp takes own words only within 24 hours"),
        (("W4", *by, *hello, "--channel", "sms", "--subject", "x"), "only an e-mail has a subject"),
        (("W4", *by, "--text", "Pague o procederemos al embargo", "--channel", "sms"), "ALL.content.jail"),
        (("W4", *by, *hello, "--until", "2020-01-01"), "--until lies in the past"),
        (("W4", *by, *hello, "--case", "that one"), "--case: 'that one': expected the id of a case"),
        (("W4", *by, "--text", "\udcff"), "--text: not UTF-8 text"),
        (("W4", *by, *hello, "--channel", "email", "--subject", "\udcff"), "--subject: not UTF-8 text"),
        (("W4", *by, *hello, "--case", "none"), "refused: no open case none"),
        (("W9", *by, *hello), "'W9'"),
        (("W5", *by, *hello), "has ended as recalled"),
        (("W4", *by), "--text"),
    ):
        said = operator.run("loan", "write", *words, "--yes")
        assert (said.code, told in said.err) == (2, True), (words, said)
        assert said.err.count("\n") == 1
    written = [one["about"] for one in thread(operator, "W4") if one["who"] == "person"]
    assert written == ["answers none; not sent: no open case none"], "what the loan itself refused says so"


def test_what_a_person_wrote_is_withdrawn_while_it_waits(operator: Operator) -> None:
    """Given words that wait, because law lets one contact a day or it is night, when whoever wrote withdraws them, then
    they are never sent, and saying so again is no error."""
    start(operator, "withdrawn", "W6", strategy=talk_alone(operator))
    operator.account("ana", "agent")
    by = ("--by", "ana")
    write = ("loan", "write", "W6", *by, "--channel", "sms", "--text")
    first = operator.json(*write, SAID, "--yes")
    if first["not_before"] is None:
        until(lambda: states(operator, "W6").get(first["words_id"]) in ("sent", "delivered"))
    second = operator.json(*write, "Un segundo mensaje, que sobra.", "--yes")
    until(lambda: states(operator, "W6").get(second["words_id"]) == "waiting")

    gone = operator.json("loan", "withdraw-words", "W6", second["words_id"], *by)
    until(lambda: states(operator, "W6")[second["words_id"]] == "not_sent")
    again = operator.run("loan", "withdraw-words", "W6", second["words_id"], *by)
    unknown = operator.run("loan", "withdraw-words", "W6", "nobodys", *by)

    assert second["not_before"] is not None
    assert (gone["accepted"], gone["detail"]) == (True, f"words {second['words_id']} are withdrawn")
    [told] = [one for one in thread(operator, "W6") if one["words_id"] == second["words_id"]]
    assert told["about"] == "not sent: withdrawn by a person"
    assert (again.code, "were not sent (withdrawn by a person)" in again.out) == (0, True)
    assert (unknown.code, unknown.err) == (2, "refused: no words nobodys to this borrower\n")
    assert "que sobra" not in str(world(operator, "/_world/log"))


def states(operator: Operator, loan_id: str) -> dict[str, str]:
    return {one["words_id"]: one["state"] for one in thread(operator, loan_id) if one["words_id"]}

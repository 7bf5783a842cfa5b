"""Refunds from the command line: proposed by one, approved by another, told to the loan and to the auditor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from activities.refunds import Carried, Refunds
from commands import case, configuration, refund
from domain.access import Role
from domain.events.control import Decide
from records import accounts, audit, cases, loans, payments, refunds
from records.database import Database
from records.tables import CaseState, Loan, LoanState, RefundWay, Webhook
from tests.activities.outside import TUESDAY, enter_loan
from tests.activities.test_refunds import EXCESS, book
from tests.records.portfolios import LENDER


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/r.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    configuration._records.cache_clear()
    database = configuration._records(url)
    yield database
    database.dispose()
    configuration._records.cache_clear()


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(refund.app, list(words))
    return done.exit_code, done.output


@pytest.fixture
def loan_id(records: Database) -> str:
    """Paid 25.00 too much, and ended."""
    loan_id = enter_loan(records)
    book(records, loan_id, "stripe", f"pi-{loan_id}", 12_500, "EUR")
    with records.writing() as session:
        for login, role in (("marta", Role.AGENT), ("luis", Role.SUPERVISOR), ("eva", Role.AUDITOR)):
            accounts.create(session, login=login, role=role, password_hash="x", at=TUESDAY, by="test")
        loan = loans.get(session, LENDER, loan_id)
        cases.open(session, loan, case_id="c-1", queue="q", kind="refund", at=TUESDAY, sla_at=None, amount_minor=EXCESS)
        loans.end(session, loan, kind="cured", at=TUESDAY, final_state={"cases": [{"case_id": "c-1"}]})
        assert loan.state is LoanState.ENDED
    return loan_id


def test_one_proposes_another_approves_and_the_money_goes_back_by_transfer(records: Database, loan_id: str) -> None:
    assert "to be proposed" in run("list")[1]
    proposed = json.loads(run("propose", "c-1", "--by", "Marta", "--transfer", "--json")[1])
    assert (proposed["amount_minor"], proposed["state"], proposed["way"]) == (EXCESS, "proposed", "transfer")
    number = str(proposed["refund"])

    refused = [
        run("approve", number, "--by", "marta"),
        run("approve", number, "--by", "eva"),
        run("approve", number, "--by", "nobody"),
        run("paid", number, "--reference", "TR-1", "--by", "marta"),
    ]
    code, waits = run("approve", number, "--by", "luis")
    assert [each[0] for each in refused] == [2, 2, 2, 2]
    assert "role agent decides no refunds" in refused[0][1]
    assert "nobody signs in as 'nobody'" in refused[2][1]
    assert "is proposed" in refused[3][1]
    assert (code, "the lender's own transfer is awaited" in waits) == (1, True)

    code, done = run("paid", number, "--reference", "TR-5512", "--by", "marta")

    assert (code, f"refund {number} is done" in done) == (0, True)
    with records.reading() as session:
        loan = loans.get(session, LENDER, loan_id)
        assert payments.balance_due(session, loan) == 0
        actions = [row.action for row in audit.of_loan(session, LENDER, loan_id)]
        assert actions[-4:] == ["refund_proposed", "refund_approved", "refund_done", "case_closed"]
        [signal] = [one for row in session.exec(select(Webhook)).all() for one in row.signals]
        assert (signal["name"], signal["restart"]) == ("payment_refunded", True)
    [row] = json.loads(run("list", "--json")[1])["refunds"]
    assert (row["state"], row["proposed_by"], row["decided_by"]) == ("done", "marta", "luis")
    assert row["reference"] == "TR-5512"
    with records.reading() as session:
        case = cases.get(session, "c-1")
        assert (case.state, case.decided_by) == (CaseState.DECIDED, "luis")
        assert loans.get(session, LENDER, loan_id).final_state == {"cases": []}


def test_whoever_proposes_does_not_approve_whatever_their_role(records: Database, loan_id: str) -> None:
    run("propose", "c-1", "--by", "luis", "--transfer")

    code, told = run("approve", "1", "--by", "luis")

    assert (code, "whoever proposed a refund does not decide it" in told) == (2, True)


def test_a_refund_whose_gateway_never_answered_is_settled_by_who_looked_there(records: Database, loan_id: str) -> None:
    run("propose", "c-1", "--by", "marta", "--transfer")
    with records.writing() as session:
        task = refunds.get(session, 1)
        refunds.decide(session, task, approved=True, by="luis", at=TUESDAY)
        task.way = RefundWay.GATEWAY
        session.add(task)
    unasked = run("not-made", "1", "--by", "marta")
    with records.writing() as session:
        assert refunds.note_asked(session, refunds.get(session, 1), None)

    code, told = run("not-made", "1", "--by", "marta", "--json")
    anew = json.loads(run("propose", "c-1", "--by", "marta", "--transfer", "--json")[1])

    assert (unasked[0], "no answer about it was lost" in unasked[1]) == (2, True)
    assert (code, json.loads(told)["state"], json.loads(told)["why"]) == (0, "failed", refunds.NOT_MADE)
    assert (anew["refund"], anew["look_first"]) == (2, None)
    with records.reading() as session:
        [failed] = audit.of_action(session, "refund_failed")
        assert failed.actor == "marta"


def test_a_rejected_one_may_be_proposed_anew(records: Database, loan_id: str) -> None:
    run("propose", "c-1", "--by", "marta", "--transfer")
    again = run("propose", "c-1", "--by", "marta", "--transfer")
    named = run("reject", "1", "--by", "luis", "--why", "she called from +34 600 111 222")
    rejected = run("reject", "1", "--by", "luis", "--why", "another contract")
    anew = run("propose", "c-1", "--by", "marta", "--transfer", "--amount", "10.00")

    assert (again[0], "refund 1 of this case is proposed" in again[1]) == (2, True)
    assert (named[0], "--why: say why, without" in named[1]) == (2, True)
    assert rejected[0] == 0
    assert anew[0] == 0
    assert "nothing" not in run("list", "--open")[1]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("c-9", "--by", "marta"), "no case 'c-9'"),
        (("c-1", "--by", "eva"), "auditor proposes no refunds"),
        (("c-1", "--by", "marta", "--amount", "25.01", "--transfer"), "more than is paid beyond what is due"),
        (("c-1", "--by", "marta", "--amount", "ten"), "is not an amount"),
        (("c-1", "--by", "marta", "--payment", "pi_x"), "no standing payment"),
        (("c-1", "--by", "marta"), "stripe gives nothing back by itself"),
    ],
)
def test_what_cannot_be_proposed_is_told_in_one_line(
    records: Database, loan_id: str, words: tuple[str, ...], why: str
) -> None:
    code, told = run("propose", *words)

    assert code == 2
    assert why in told
    assert told.count("\n") == 1


def test_a_refund_in_colombian_pesos_is_proposed_over_what_can_be_given_back(records: Database, loan_id: str) -> None:
    """Given a case of an earlier version that has centavos."""
    pesos = {"country": "CO", "currency": "COP", "timezone": "America/Bogota", "region": None}
    other = enter_loan(records, amount_due_minor=15_000_037, **pesos)
    book(records, other, "bank", f"b-{other}", 15_050_074, "COP")
    with records.writing() as session:
        loan = loans.get(session, LENDER, other)
        cases.open(session, loan, case_id="c-2", queue="q", kind="refund", at=TUESDAY, sla_at=None, amount_minor=50_037)

    refused = run("propose", "c-2", "--by", "marta", "--transfer", "--amount", "500.37")
    proposed = json.loads(run("propose", "c-2", "--by", "marta", "--transfer", "--json")[1])

    assert (refused[0], "no decimals of COP can be paid: 500 is the next lower" in refused[1]) == (2, True)
    assert proposed["amount_minor"] == 50_000


def overpaid_and_approved(records: Database, number: int) -> str:
    """A loan of which 25.00 are to go back, by a gateway that is not configured here."""
    loan_id = enter_loan(records)
    payment = book(records, loan_id, "stripe", f"pi-{loan_id}", 12_500, "EUR")
    with records.writing() as session:
        loan = loans.get(session, LENDER, loan_id)
        case = cases.open(
            session,
            loan,
            case_id=f"c-run-{number}",
            queue="q",
            kind="refund",
            at=TUESDAY,
            sla_at=None,
            amount_minor=EXCESS,
        )
        task = refunds.propose(
            session, case, payment, amount_minor=EXCESS, way=RefundWay.GATEWAY, by="marta", at=TUESDAY
        )
        refunds.decide(session, task, approved=True, by="luis", at=TUESDAY)
    return loan_id


def test_a_refund_that_does_not_get_through_holds_up_no_other(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given three approved ones; when the first finds no gateway and the others do; then these go back."""
    loan_ids = [overpaid_and_approved(records, number) for number in (1, 2, 3)]
    carry_out = Refunds.carry_out

    async def first_without_a_gateway(desk: Refunds, number: int, now: datetime) -> Carried:
        if number == 1:
            return await carry_out(desk, number, now)
        await asyncio.to_thread(desk._done, number, f"re_{number}", now)
        return Carried(True)

    monkeypatch.setattr(Refunds, "carry_out", first_without_a_gateway)

    code, told = run("run")
    again = json.loads(run("run", "--json")[1])

    assert code == 1
    for line in ("refund 1 is not done: stripe is not configured", "refund 2 is done", "refund 3 is done"):
        assert line in told
    with records.reading() as session:
        due = [payments.balance_due(session, loans.get(session, LENDER, loan_id)) for loan_id in loan_ids]
    assert due == [-EXCESS, 0, 0]
    assert [(one["refund"], one["state"]) for one in again["refunds"]] == [(1, "approved")]
    assert again["refunds"][0]["detail"] == "stripe is not configured"


def test_a_refund_that_somebody_else_settles_meanwhile_holds_up_no_other(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given two approved ones; when another person settles the first while its gateway answers; then the second goes
    back, and what became of both is told."""
    for number in (1, 2):
        overpaid_and_approved(records, number)

    async def carry_out(desk: Refunds, number: int, _now: datetime) -> Carried:
        if number == 1:
            with records.writing() as session:
                refunds.failed(session, refunds.get(session, number), why="seen at the gateway", at=TUESDAY)
        await asyncio.to_thread(desk._done, number, f"re_{number}", TUESDAY)
        return Carried(True)

    monkeypatch.setattr(Refunds, "carry_out", carry_out)

    done = CliRunner().invoke(refund.app, ["run", "--json"])

    first, second = json.loads(done.stdout)["refunds"]
    assert done.exit_code == 1
    assert (first["state"], first["detail"]) == ("failed", "refund 1 is failed")
    assert (second["state"], second["detail"]) == ("done", None)


def test_a_case_that_somebody_else_decides_meanwhile_is_no_error(
    records: Database, loan_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a refund that was transferred; when another decides its case in that moment; then it is done."""
    run("propose", "c-1", "--by", "marta", "--transfer")
    run("approve", "1", "--by", "luis")

    def decided_meanwhile(database: Database, loan: Loan, order: Decide) -> str:
        with database.writing() as session:
            cases.decide(session, order.case_id, decision="continue", by="eva", at=TUESDAY)
        return settle_in_records(database, loan, order)

    settle_in_records = case.settle_in_records
    monkeypatch.setattr(case, "settle_in_records", decided_meanwhile)

    code, told = run("paid", "1", "--reference", "TR-1", "--by", "marta")

    assert (code, told) == (0, "refund 1 is done\n")


def test_with_nothing_to_try_again_json_is_an_empty_list(records: Database) -> None:
    code, told = run("run", "--json")

    assert (code, json.loads(told)) == (0, {"refunds": []})


def test_what_is_to_be_proposed_is_listed_in_major_units_like_the_rest(records: Database, loan_id: str) -> None:
    code, told = run("list")
    listed = json.loads(run("list", "--json")[1])

    assert code == 0
    assert "25.00 EUR" in told
    assert "2500" not in told
    assert [(one["amount_minor"], one["currency"]) for one in listed["cases"]] == [(EXCESS, "EUR")]

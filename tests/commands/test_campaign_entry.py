"""What `campaign start` refuses before anything is started, and what it enters into the records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

import intake
from commands import configuration
from commands.campaign_entry import Held, NothingHeld, Order, enter
from commands.campaign_start_text import print_start, start_as_json
from commands.console import Refused
from config.strategies import find_strategy
from records import campaigns, loans
from records.database import Database
from records.tables import CampaignState
from starter import app
from tests.commands.stacks import DOCUMENTED, keys_of

run = CliRunner(env={"COLUMNS": "160"})
HEADER = "loan_id,language,country,currency,amount_due_minor,due_date,priority\n"
SPANISH = find_strategy("es-microloan")


@pytest.fixture(autouse=True)
def far_from_any_server(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Iterator[None]:
    monkeypatch.setenv("RECOBRO_DATABASE_URL", database_url)
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    configuration._records.cache_clear()
    yield
    configuration._records.cache_clear()


def write(path: Path, *rows: str) -> intake.PortfolioReport:
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return intake.check(path, None, date(2026, 11, 23))


def euro(loan_id: str, priority: int = 0) -> str:
    return f"{loan_id},es,ES,EUR,1000,2026-11-01,{priority}"


def order(campaign_id: str = "one") -> Order:
    return Order(campaign_id, campaign_id, "demo", "loans.csv")


@pytest.mark.parametrize(
    ("rows", "words", "told"),
    [
        ([euro("A1"), euro("A 2")], ["--strict", "--yes"], "1 of 2 rows are bad: --strict starts none"),
        ([euro("A 2")], ["--yes"], "no row is good"),
        ([euro("A1")], [], "Start campaign loans: 1 loans of demo under es-microloan@3? Say --yes to do it"),
        ([euro("A1")], ["--id", "No Such Id"], "--id: 'No Such Id': expected"),
        ([euro("A1")], ["--lender", "has-dash"], "--lender: 'has-dash': expected"),
        ([euro("A1")], ["--strategy", "es-micro"], "did you mean es-microloan?"),
        ([euro("A1"), "A2,es,CO,COP,1000,2026-11-01,0"], ["--yes"], "one (br-consumer, es-microloan, latam-consumer"),
        ([euro("A1")], ["--mapping", "nothing"], "nothing"),
        ([euro("A1")], ["--yes"], "no Temporal server at 127.0.0.1:1"),
    ],
)  # fmt: skip
def test_what_cannot_start_is_told_in_one_line_and_nothing_is_entered(
    tmp_path: Path, database: Database, rows: list[str], words: list[str], told: str
) -> None:
    write(tmp_path / "loans.csv", *rows)

    result = run.invoke(app, ["campaign", "start", str(tmp_path / "loans.csv"), "--json", *words])

    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert json.loads(run.invoke(app, ["campaign", "list", "--json"]).stdout) == {"campaigns": []}


def test_the_highest_priority_is_first_in_line(tmp_path: Path, database: Database) -> None:
    report = write(tmp_path / "loans.csv", euro("A1"), euro("A2", 5), euro("A3", 9))

    held = enter(database, order(), SPANISH, report.loans_by_priority(), bank="xs2a")

    with database.reading() as session:
        places = campaigns.claim_page(session, "one")
    assert [place.loan_id for place in places] == ["A3", "A2", "A1"]
    assert (held.resumed, held.held, held.waiting, held.refused) == (False, 3, 3, ())


def test_the_same_file_again_adds_no_loan_and_names_those_it_does_not_hold(tmp_path: Path, database: Database) -> None:
    enter(database, order(), SPANISH, write(tmp_path / "loans.csv", euro("A1")).loans_by_priority(), bank="xs2a")
    longer = write(tmp_path / "loans.csv", euro("A1"), euro("A2"))

    held = enter(database, order(), SPANISH, longer.loans_by_priority(), bank="xs2a")

    assert (held.resumed, held.held, held.waiting, held.started) == (True, 1, 1, 0)
    assert [(one.loan_id, one.reason) for one in held.refused] == [
        ("A2", "is not among the loans campaign one was started with")
    ]


def test_of_a_campaign_that_is_known_the_rows_that_change_nothing_are_named(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    """Given last month's campaign of portfolio.csv; when this month's file of the same name comes, which says other
    amounts and due dates, and has loans that ended meanwhile."""
    first = write(tmp_path / "loans.csv", *(euro(f"A{number}") for number in range(1, 6)))
    enter(database, order(), SPANISH, first.loans_by_priority(), bank="xs2a")
    with database.writing() as session:
        for loan_id, kind in (("A3", "cured"), ("A4", "not_cured"), ("A5", "cured")):
            loans.end(session, loans.get(session, "demo", loan_id), kind=kind, at=datetime.now(UTC), final_state=None)
    enter(database, order("two"), SPANISH, write(tmp_path / "b.csv", euro("A5")).loans_by_priority(), bank="xs2a")
    later = write(
        tmp_path / "loans.csv",
        "A1,es,ES,EUR,1000,2026-12-01,0",
        euro("A2"),
        "A3,es,ES,EUR,2500,2026-11-01,5",
        euro("A4"),
        euro("A5"),
    )

    held = enter(database, order(), SPANISH, later.loans_by_priority(), bank="xs2a")
    told = start_as_json(order(), SPANISH.key, later.findings(10), held, True, held.refused)
    print_start(told, held.refused)

    assert [(one.loan_id, one.line, one.reason) for one in held.changed] == [
        ("A1", 2, "was entered with 10.00 EUR due 2026-11-01"),
        ("A3", 4, "was entered with 10.00 EUR due 2026-11-01 and has ended as cured"),
    ]
    assert [(one.loan_id, one.reason) for one in held.ended] == [
        ("A4", "has ended as not_cured"),
        ("A5", "was handed over again to campaign two"),
    ]
    assert (held.refused, held.passed_over) == ((), True)
    assert keys_of(told) <= DOCUMENTED
    said = capsys.readouterr().err
    assert "2 rows say another amount, currency or due date than their loans were entered with" in said
    assert "loan A3 (line 4): was entered with 10.00 EUR due 2026-11-01 and has ended as cured" in said
    assert "2 rows are of loans that have ended: to collect them again use another --id" in said


def test_due_dates_that_are_counted_from_today_are_no_news_of_the_same_file(tmp_path: Path, database: Database) -> None:
    (tmp_path / "own.yaml").write_text(
        "name: own\nfields:\n  loan_id: {columns: id}\n  language: {value: es}\n  country: {value: ES}\n"
        "  currency: {value: EUR}\n  amount_due: {columns: amount}\n"
        "  due_date: {lookup: {by: status, table: {late: {days_past_due: 30}}}}\n"
    )
    (tmp_path / "loans.csv").write_text("id,amount,status\nA1,10.00,late\n")

    def start(day: int) -> Held:
        checked = intake.check(tmp_path / "loans.csv", tmp_path / "own.yaml", date(2026, 11, day))
        counted = checked.findings(0).due_dates_counted
        return enter(database, order(), SPANISH, checked.loans_by_priority(), bank="xs2a", due_dates_counted=counted)

    start(23)

    assert (start(24).changed, start(24).passed_over) == ((), False)


@pytest.mark.parametrize(
    ("rows", "ended", "code"),
    [
        ([euro("A1"), euro("A2")], ["A2"], 0),
        ([euro("A1"), euro("A2"), euro("A3")], [], 1),
        (["A1,es,ES,EUR,1001,2026-11-01,0", euro("A2")], [], 1),
        ([euro("A1"), euro("A2")], ["A1", "A2"], 1),
    ],
    ids=["after a crash", "a new loan", "another amount", "nothing runs and nothing waits"],
)
def test_the_exit_code_says_whether_a_known_campaign_does_what_the_file_asks(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, rows: list[str], ended: list[str], code: int
) -> None:
    first = write(tmp_path / "loans.csv", euro("A1"), euro("A2"))
    enter(database, order("loans"), SPANISH, first.loans_by_priority(), bank="xs2a")
    with database.writing() as session:
        campaigns.mark_started(session, "loans", [1, 2], at=datetime.now(UTC))
        for loan_id in ended:
            loans.end(
                session, loans.get(session, "demo", loan_id), kind="cured", at=datetime.now(UTC), final_state=None
            )
    write(tmp_path / "loans.csv", *rows)

    async def runs(_client: object, _id: str) -> bool:
        return False

    async def start(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr("commands.campaign_start.runs", runs)
    monkeypatch.setattr("commands.campaign_start.start_workflow", start)
    monkeypatch.setattr("commands.campaign_start.with_temporal", lambda work: asyncio.run(work(None)))

    result = run.invoke(app, ["campaign", "start", str(tmp_path / "loans.csv"), "--strategy", SPANISH.name, "--yes"])

    assert result.exit_code == code, result.output
    assert "campaign loans is known" in result.stdout


def test_the_start_warns_of_a_file_that_opens_channels_a_person_withdrew(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    def file(loan_id: str, channels: str) -> intake.PortfolioReport:
        path = tmp_path / "loans.csv"
        path.write_text(
            "loan_id,person_id,language,country,currency,amount_due_minor,due_date,authorised_channels\n"
            f'{loan_id},ana,es,ES,EUR,1000,2026-11-01,"{channels}"\n'
        )
        return intake.check(path, None, date(2026, 11, 23))

    enter(database, order(), SPANISH, file("A1", "sms").loans_by_priority(), bank="xs2a")
    assert run.invoke(app, ["person", "authorise", "A1", "email"]).exit_code == 0
    later = file("A2", "email, sms")

    held = enter(database, order("two"), SPANISH, later.loans_by_priority(), bank="xs2a")
    told = start_as_json(order("two"), SPANISH.key, later.findings(10), held, True, held.refused)
    print_start(told, held.refused)

    [one] = json.loads(json.dumps(told))["channels_at_odds"]
    assert (one["loan_id"], one["line"]) == ("A2", 2)
    assert (one["in_file"], one["noted"], one["holding"]) == (["email", "sms"], ["email"], ["email"])
    assert keys_of(told) <= DOCUMENTED
    warned = capsys.readouterr().err
    assert "warning: loan A2 (line 2): the person agreed to email by their own word" in warned
    assert "to email, sms by the file; kept: email" in warned


def test_a_campaign_that_was_stopped_is_not_started_again(tmp_path: Path, database: Database) -> None:
    report = write(tmp_path / "loans.csv", euro("A1"))
    held = enter(database, order(), SPANISH, report.loans_by_priority(), bank="xs2a")
    with database.writing() as session:
        campaign = campaigns.get(session, held.campaign_id)
        campaigns.set_state(session, campaign, CampaignState.STOPPED, at=campaign.created_at)

    with pytest.raises(Refused, match="was stopped: start the file under another --id"):
        enter(database, order(), SPANISH, report.loans_by_priority(), bank="xs2a")
    assert enter(database, order("two"), SPANISH, report.loans_by_priority(), bank="xs2a").held == 1


def test_loans_in_another_currency_than_the_strategys_are_named(tmp_path: Path, database: Database) -> None:
    report = write(tmp_path / "loans.csv", euro("A1"), "A2,en,US,USD,1000,2026-11-01,0")

    held = enter(database, order(), SPANISH, report.loans_by_priority(), bank="xs2a")

    assert held.held == 1
    assert [(one.loan_id, one.reason) for one in held.refused] == [
        ("A2", "is in USD, strategy es-microloan@3 is for EUR")
    ]


def test_where_no_loan_can_be_taken_there_is_no_campaign(tmp_path: Path, database: Database) -> None:
    report = write(tmp_path / "loans.csv", euro("A1"), euro("A2"))
    enter(database, order(), SPANISH, report.loans_by_priority(), bank="xs2a")

    with pytest.raises(NothingHeld) as nothing:
        enter(database, order("two"), SPANISH, report.loans_by_priority(), bank="xs2a")

    assert [one.reason for one in nothing.value.refused] == ["held by campaign one"] * 2
    with database.reading() as session:
        assert [campaign.id for campaign in campaigns.listing(session)] == ["one"]


def test_a_loan_that_waits_tells_what_it_would_do_and_that_nobody_can_be_contacted_without_a_zone(
    tmp_path: Path, database: Database
) -> None:
    path = tmp_path / "loans.csv"
    path.write_text(
        "loan_id,language,country,region,timezone,currency,amount_due_minor,due_date,phone\n"
        "A1,es,ES,MD,Europe/Madrid,EUR,1000,2026-11-01,+34600111222\n"
        "A2,es,ES,,,EUR,1000,2026-11-01,+34600111223\n"
    )
    enter(database, order(), SPANISH, intake.check(path, None, date(2026, 11, 23)).loans_by_priority(), bank="xs2a")

    known = json.loads(run.invoke(app, ["loan", "why", "A1", "--json"]).stdout)
    unknown = json.loads(run.invoke(app, ["loan", "why", "A2", "--json"]).stdout)
    text = run.invoke(app, ["loan", "why", "A2"]).stdout

    assert known["source"] == "waiting"
    assert known["planned"]["channel"] in SPANISH.find_step(known["planned"]["step"]).channels  # type: ignore[union-attr]
    assert known["planned"]["expected_at"] is not None
    assert unknown["planned"]["expected_at"] is None
    [sms] = [answer for answer in unknown["planned"]["contact_rules"] if answer["channel"] == "sms"]
    assert (sms["verdict"], sms["reasons"][0]["rule"]) == ("never", "zone.unknown")
    assert "waits to be started" in text
    assert "No channel can be used" in text
    told = run.invoke(app, ["loan", "show", "A11"])
    assert told.stderr == "no loan 'A11'; did you mean A1?\n"


def test_reading_commands_need_no_temporal_and_count_what_the_records_hold(tmp_path: Path, database: Database) -> None:
    enter(
        database,
        order(),
        SPANISH,
        write(tmp_path / "loans.csv", euro("A1"), euro("A2")).loans_by_priority(),
        bank="xs2a",
    )
    words = ("payment", "record", "A1", "4.00", "--id", "T1", "--provider", "bank", "--json")

    first = json.loads(run.invoke(app, words).stdout)
    again = json.loads(run.invoke(app, words).stdout)
    status = json.loads(run.invoke(app, ["campaign", "status", "one", "--json"]).stdout)
    shown = json.loads(run.invoke(app, ["loan", "show", "A1", "--history", "--json"]).stdout)
    webhooks = json.loads(run.invoke(app, ["webhooks", "list", "--json"]).stdout)
    cases = json.loads(run.invoke(app, ["case", "list", "--all", "--json"]).stdout)

    assert (first["new"], again["new"], again["balance_due_minor"], again["loan_told"]) == (True, False, 600, False)
    assert (status["waiting"], status["workflow"]) == (2, "unknown")
    assert status["money"] == [{"currency": "EUR", "loans": 2, "due_minor": 2000, "recovered_minor": 400}]
    assert [one["source"] for one in shown["payments"]] == ["record"]
    assert [one["action"] for one in shown["history"]] == ["payment_recorded"]
    assert (webhooks["waiting"], webhooks["webhooks"][0]["signals_owed"]) == (1, 1)
    assert cases == {"cases": []}


def test_text_is_shown_for_what_has_json_too(tmp_path: Path, database: Database) -> None:
    enter(database, order(), SPANISH, write(tmp_path / "loans.csv", euro("A1")).loans_by_priority(), bank="xs2a")

    for words, told in (
        (["campaign", "list"], "es-microloan@3"),
        (["campaign", "status", "one"], "0.00 EUR of 10.00 EUR due (0.0%)"),
        (["loan", "show", "A1", "--history", "--contact-data"], "10.00 EUR due 2026-11-01"),
        (["case", "list"], "no case waits"),
        (["webhooks", "list"], "every webhook is with its loan"),
        (["database", "migrate"], "the database is up to date"),
    ):
        result = run.invoke(app, words)
        assert result.exit_code == 0, words
        assert told in result.stdout

"""The operators' view of contact law: what binds, why, when next, a month, and files of questions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from config import holiday_dates
from config.jurisdictions import load_rulebook
from domain.contact import Channel, Purpose
from records import contacts
from records.database import Database
from starter import app
from tests.records.portfolios import LENDER, enter, handed

RUNNER = CliRunner()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str, code: int = 0, given: str | bytes | None = None) -> str:
    result = RUNNER.invoke(app, ["rules", *words], input=given)
    assert result.exit_code == code, result.output
    return result.output


def decide(*lines: object, code: int = 0) -> list[dict[str, Any]]:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    return [json.loads(line) for line in run("decide", given=text + "\n", code=code).splitlines()]


QUESTION: dict[str, Any] = {
    "id": "q1",
    "country": "CL",
    "region": "RM",
    "timezone": "America/Santiago",
    "profile": "strict",
    "actor": "creditor",
    "channel": "sms",
    "purpose": "collection",
    "at": "2026-11-21T20:30:00-03:00",
    "flags": [],
    "events": [],
}


def test_show_tells_rules_with_evidence_and_source() -> None:
    shown = run("show", "CL")

    assert "CL.cap.calls" in shown
    assert "Ley 19.496" in shown
    assert "secondary" in shown
    assert "strict counts unanswered calls as well" in shown


def test_show_says_what_is_doubtful_and_that_it_is_no_law() -> None:
    shown = run("show", "MX")
    told = json.loads(run("show", "MX", "--json"))

    assert "conflicting (!)" in shown
    assert "nobody confirmed is no law" in shown
    doubtful = {rule["rule"]: rule["profile"] for rule in told["rules"] if rule["doubtful"]}
    assert doubtful == {"MX.hours.weekend": "strict", "MX.hours.holiday": "strict"}


def test_show_without_a_country_lists_them() -> None:
    assert len(run("show").splitlines()) == 12


@pytest.mark.parametrize(("country", "hint"), [("Chile", "CL"), ("ZZ", "There are"), ("peru", "PE")])
def test_a_country_nobody_knows_is_one_line(country: str, hint: str) -> None:
    said = run("show", country, code=2)

    assert hint in said
    assert len(said.strip().splitlines()) == 1


def test_explain_on_the_persons_own_clock() -> None:
    said = run(
        "explain", "--country", "CL", "--region", "MA", "--channel", "call", "--at", "2026-11-21T20:30"
    )  # fmt: skip

    assert "NOT BEFORE Mon 2026-11-23 08:00 America/Punta_Arenas" in said
    assert "Ley 19.496 art. 37" in said
    assert "CL.hours.sunday" in said


def test_explain_of_doubtful_law_says_so() -> None:
    said = run("explain", "--country", "MX", "--channel", "sms", "--at", "2026-11-21T10:30")

    assert "conflicting" in said
    assert "nobody confirmed this" in said


def test_explain_without_a_region_asks_every_zone_of_the_country() -> None:
    told = json.loads(run("explain", "--country", "EC", "--at", "2026-11-20T07:30-05:00", "--json"))

    assert told["timezones"] == ["America/Guayaquil", "Pacific/Galapagos"]
    assert told["not_before"] == "2026-11-20T13:00:00Z"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--channel", "call"), "--country or --loan"),
        (("--country", "CL", "--at", "tomorrow"), "--at"),
        (("--country", "CL", "--timezone", "Mars/Base"), "--timezone"),
        (("--country", "CL", "--flag", "asleep"), "--flag"),
        (("--country", "CL", "--channel", "fax"), "--channel"),
    ],
)
def test_a_question_that_cannot_be_asked_is_one_line(words: tuple[str, ...], says: str) -> None:
    said = run("explain", *words, code=2)

    assert says in said
    assert "Traceback" not in said


def test_a_month_in_the_terminal_and_as_a_page(tmp_path: Path) -> None:
    page = tmp_path / "december.html"

    said = run("calendar", "CO", "--month", "2026-12", "--html", str(page))

    days = {line[:6]: line for line in said.splitlines() if line[3:4] == " " and line[4:6].isdigit()}
    assert len(days) == 31
    assert "08:00-15:00" in days["Sat 05"]
    assert "Immaculate Conception" in days["Tue 08"]
    html = page.read_text(encoding="utf-8")
    assert html.count("<li><b>") == 2 * 31
    assert "Christmas Day" in html
    assert "http" not in html.replace("<!doctype html>", "")


def test_a_month_of_a_state_needs_the_state() -> None:
    assert "--region" in run("calendar", "BR", "--month", "2026-12", code=2)
    assert "closed" in run("calendar", "BR", "--month", "2026-12", "--region", "SP")


def test_each_line_has_its_answer_in_the_promised_form() -> None:
    (answer,) = decide(QUESTION)

    assert answer == {
        "id": "q1",
        "decision": "not_before",
        "not_before": "2026-11-23T08:00:00-03:00",
        "reasons": answer["reasons"],
    }
    assert [set(reason) for reason in answer["reasons"]] == [{"rule", "source", "text"}] * len(answer["reasons"])
    assert answer["reasons"][0]["rule"] == "CL.hours.weekday"


def test_an_allowed_answer_has_no_moment_and_never_neither() -> None:
    allowed, never = decide({**QUESTION, "at": "2026-11-20T10:00:00-03:00"}, {**QUESTION, "flags": ["cease"]})

    assert (allowed["decision"], never["decision"]) == ("allowed", "never")
    assert "not_before" not in {**allowed, **never}


def test_what_may_be_left_out_is_left_out() -> None:
    least = {key: QUESTION[key] for key in ("id", "country", "timezone", "channel", "at")}

    (answer,) = decide(least)

    assert answer["decision"] == "not_before"


def test_profile_actor_events_and_candidate_zones_are_heard() -> None:
    saturday = {**QUESTION, "country": "EC", "region": None, "at": "2026-11-21T10:00:00-05:00"}
    del saturday["timezone"]
    saturday["timezones"] = ["America/Guayaquil", "Pacific/Galapagos"]
    called = {
        "at": "2026-11-20T10:00:00-03:00",
        "channel": "call",
        "kind": "conversation",
        "debt": 7,
        "actor": "agency",
    }

    answers = decide(
        {**saturday, "profile": "literal"},
        {**saturday, "profile": "literal", "actor": "agency"},
        {**QUESTION, "channel": "call", "at": "2026-11-23T10:00:00-03:00", "events": [called]},
    )

    assert [answer["decision"] for answer in answers] == ["allowed", "not_before", "not_before"]
    assert answers[1]["not_before"] == "2026-11-23T08:00:00-05:00"
    assert answers[2]["not_before"] == "2026-11-27T08:00:00-03:00"


def test_without_a_time_zone_nothing_is_allowed() -> None:
    (answer,) = decide({key: value for key, value in QUESTION.items() if key != "timezone"})

    assert (answer["decision"], answer["reasons"][0]["rule"]) == ("never", "zone.unknown")


@pytest.mark.parametrize(
    ("line", "name", "says"),
    [
        ("{", None, "no JSON"),
        ("[1]", None, "object"),
        ("[" * 100_000, None, ""),
        ({**QUESTION, "id": None}, None, "id"),
        ({**QUESTION, "channel": "fax"}, "q1", "channel"),
        ({**QUESTION, "at": "2026-11-21T20:30:00"}, "q1", "at"),
        ({**QUESTION, "at": "0001-01-01T00:00:00Z"}, "q1", "at"),
        ({**QUESTION, "at": "9999-12-31T23:59:59Z"}, "q1", "at"),
        ({**QUESTION, "events": [{"at": "2026-11-20T10:00:00Z", "channel": "sms"}]}, "q1", "events.0.kind"),
        ({**QUESTION, "flag": ["cease"]}, "q1", "flags"),
        ({**QUESTION, "authorized_channels": ["sms"]}, "q1", "authorised_channels"),
        ({"id": "q1"}, "q1", "country"),
    ],
)
def test_a_bad_line_is_answered_and_the_rest_go_on(line: object, name: str | None, says: str) -> None:
    first, bad, last = decide(QUESTION, line, {**QUESTION, "id": 2}, code=1)

    assert set(bad) == {"id", "error"}
    assert bad["id"] == name
    assert says in bad["error"]
    assert (first["id"], last["id"], last["decision"]) == ("q1", 2, "not_before")


def test_an_error_repeats_no_value_of_the_line() -> None:
    (answer,) = decide({**QUESTION, "channel": "+34600111222"}, code=1)

    assert "600111222" not in answer["error"]


def test_bytes_that_are_no_text_and_empty_lines_are_borne() -> None:
    said = run("decide", given=b"\xff\xfe\n\n" + json.dumps(QUESTION).encode() + b"\n", code=1).splitlines()

    assert [json.loads(line)["id"] for line in said] == [None, "q1"]


def test_the_kept_holidays_are_those_of_the_library_that_is_installed() -> None:
    told = json.loads(run("holidays", "--json"))

    assert (told["added"], told["removed"]) == ([], [])
    assert "no date changed" in run("holidays", "--diff")


def test_a_calendar_that_moved_is_shown(tmp_path: Path) -> None:
    kept = holiday_dates.GENERATED.read_text(encoding="utf-8").splitlines()
    moved = [line for line in kept if "CO * public 2026-07-13" not in line]
    moved.append("  - CO * public 2026-07-20 A day that no longer is one")
    file = tmp_path / "dates.yaml"
    file.write_text("\n".join(moved), encoding="utf-8")

    found = holiday_dates.changes(load_rulebook().packs, file)

    assert len(moved) == len(kept)
    assert [line[:22] for line in found.added] == ["CO * public 2026-07-13"]
    assert found.removed == ("CO * public 2026-07-20 A day that no longer is one",)


def test_a_loan_is_explained_with_its_persons_ledger_and_stop_states(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path}/recobro.db")
    database.migrate()
    sent_at = datetime(2026, 11, 17, 14, tzinfo=UTC)
    with database.writing() as session:
        place = {"country": "CL", "region": "RM", "timezone": "America/Santiago"}
        enter(session, [handed(name, person_id="p", **place) for name in ("L1", "L2")])
        loan, person = contacts.lock_person(session, LENDER, "L1")
        contacts.reserve(
            session, loan, person, step="r1", occurrence=1, purpose=Purpose.COLLECTION, channel=Channel.SMS,
            template="first", at=sent_at,
        )  # fmt: skip
    database.dispose()
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{tmp_path}/recobro.db")
    asked = ("explain", "--loan", "L2", "--channel", "email", "--at", "2026-11-18T10:00")

    said = run(*asked)
    held = json.loads(run(*asked, "--flag", "dispute", "--json"))

    assert "NOT BEFORE Thu 2026-11-19 08:00 America/Santiago" in said
    assert "CL.gap.messages" in said
    assert (held["decision"], held["reasons"][0]["rule"]) == ("never", "stop.dispute")
    assert "L9" in run("explain", "--loan", "L9", code=2)


@pytest.mark.parametrize(
    ("country", "region", "zone", "code"),
    [
        ("ES", "md", "Europe/Madrid", "MD"),
        ("ES", "es-md", "Europe/Madrid", "MD"),
        ("ES", "Comunidad de Madrid", "Europe/Madrid", "MD"),
        ("ES", "canary islands", "Atlantic/Canary", "CN"),
        ("ES", "Comunidad Valenciana", "Europe/Madrid", "VC"),
        ("US", "California", "America/Los_Angeles", "CA"),
        ("US", "us-az", "America/Phoenix", "AZ"),
        ("US", "Washington", "America/Los_Angeles", "WA"),
        ("GB", "Scotland", "Europe/London", "SCT"),
        ("BR", "São Paulo", "America/Sao_Paulo", "SP"),
        ("BR", "Estado do Amazonas", "America/Manaus", "AM"),
        ("CL", "Región de Magallanes", "America/Punta_Arenas", "MA"),
        ("CL", "Metropolitana", "America/Santiago", "RM"),
        ("AR", "CABA", "America/Argentina/Buenos_Aires", "C"),
        ("EC", "galapagos", "Pacific/Galapagos", "W"),
    ],
)
def test_a_region_is_known_by_its_code_or_its_name(country: str, region: str, zone: str, code: str) -> None:
    said = run("explain", "--country", country, "--region", region, "--at", "2026-11-18T12:00")

    assert f"({code}):" in said
    assert zone in said.splitlines()[0]


@pytest.mark.parametrize(
    ("country", "region"), [("ES", "Narnia"), ("US", "Virginia Beach"), ("EC", "Q"), ("CO", "no?")]
)
def test_a_region_nobody_knows_is_one_line_and_in_a_file_of_questions_never(country: str, region: str) -> None:
    said = run("explain", "--country", country, "--region", region, "--at", "2026-11-18T12:00", code=2)
    told = decide({**QUESTION, "country": country, "region": region, "timezone": "Europe/Madrid"})[0]

    assert f"'{region}' is no region" in said
    assert country == "CO" or (told["decision"], told["reasons"][0]["rule"]) == ("never", "zone.unknown")


def test_a_file_of_questions_may_name_regions_as_people_do() -> None:
    madrid = {
        **QUESTION,
        "country": "ES",
        "timezone": "Europe/Madrid",
        "channel": "sms",
        "at": "2026-11-02T10:00:00+01:00",
    }

    named = decide({**madrid, "region": "Comunidad de Madrid"}, {**madrid, "region": "Catalunya"})

    assert [answer["decision"] for answer in named] == ["not_before", "allowed"]


def test_the_states_nobody_researched_are_named() -> None:
    said = " ".join(run("show", "US").split())

    assert "only Massachusetts, New York City and Florida were researched" in said
    assert json.loads(run("show", "US", "--json"))["not_researched"].startswith("Of the states only")

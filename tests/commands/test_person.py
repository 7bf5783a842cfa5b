"""What an operator notes about a person binds all their loans at once, and is kept in the audit trail."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.contact import Channel
from domain.webhook_news import InboundNews
from records import audit, loans, people, webhooks
from records.database import Database
from starter import app
from tests.records.portfolios import LENDER, NOW, enter, handed
from web.hearing import MessageReader
from web.inbound_news import record_inbound

RUNNER = CliRunner()
PHONE, EMAIL = "+573001112233", "ximena@example.com"
COLOMBIA = {
    "country": "CO",
    "timezone": "America/Bogota",
    "person_id": "p",
    "name": "Ximena Pruebas",
    "phone": PHONE,
    "email": EMAIL,
}


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    database = Database(f"sqlite:///{file}")
    with database.writing() as session:
        enter(session, [handed(loan_id, **COLOMBIA) for loan_id in ("L1", "L2")])
    return database


def run(*words: str, code: int = 0) -> str:
    result = RUNNER.invoke(app, words)
    assert result.exit_code == code, result.output
    return result.output


def explained(loan_id: str, at: str, channel: str = "sms") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(
        run("rules", "explain", "--loan", loan_id, "--channel", channel, "--at", at, "--json")
    )
    return answer


def test_a_fact_holds_for_all_loans_of_the_person_until_it_is_cleared(records: Database) -> None:
    said = run("person", "flag", "L1", "attorney", "--by", "letter of 12 May")
    again = json.loads(run("person", "flag", "L1", "attorney", "--json"))
    stopped = explained("L2", "2026-11-24T10:00")
    run("person", "flag", "L2", "attorney", "--clear")

    assert "facts: attorney" in said
    assert "L1, L2" in said
    assert again == {"changed": False, "flags": ["attorney"], "authorised_channels": None, "loans": ["L1", "L2"]}
    assert (stopped["decision"], stopped["reasons"][0]["rule"]) == ("never", "stop.attorney")
    assert explained("L1", "2026-11-24T10:00")["decision"] == "allowed"
    with records.reading() as session:
        trail = [(row.actor, row.action) for loan in ("L1", "L2") for row in audit.of_loan(session, LENDER, loan)]
    assert [each for each in trail if each[1].startswith("person")] == [
        ("letter of 12 May", "person_flagged"),
        ("operator", "person_flag_cleared"),
    ]


def test_a_stop_to_marketing_that_whatsapp_told_of_is_cleared_like_any_other_fact(records: Database) -> None:
    with records.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        people.raise_flag(session, person, "no_whatsapp_marketing", source="meta", at=NOW)
    noon = explained("L1", "2026-11-24T10:00")["decision"]

    run("person", "flag", "L1", "no_whatsapp_marketing", "--clear")

    assert noon == "allowed"
    with records.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        assert people.flags(session, person) == frozenset()


def test_hours_the_person_asked_for_open_a_colombian_evening(records: Database) -> None:
    evening = "2026-11-24T20:30"
    before = explained("L1", evening)["decision"]

    run("person", "flag", "L1", "requested_by_debtor")

    assert (before, explained("L1", evening)["decision"]) == ("not_before", "allowed")


def test_only_the_channels_a_person_agreed_to_stay_open(records: Database) -> None:
    noon = "2026-11-24T12:00"
    run("person", "authorise", "L1", "email", "sms")
    assert [explained("L2", noon, channel)["decision"] for channel in ("sms", "call")] == ["allowed", "never"]

    run("person", "authorise", "L1")
    assert explained("L2", noon)["reasons"][0]["rule"] == "CO.channels.authorised"

    assert "channels agreed to: not known" in run("person", "authorise", "L1", "--unknown")
    assert explained("L2", noon, "call")["decision"] == "allowed"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("flag", "L1", "attourney"), "did you mean attorney?"),
        (("flag", "L9", "attorney"), "no loan 'L9'"),
        (("authorise", "L1", "fax"), "fax"),
        (("authorise", "L1", "sms", "--unknown"), "no channels beside it"),
        (("opt-out", "L1", "all"), "'all'"),
    ],
)
def test_what_cannot_be_noted_is_one_line(records: Database, words: tuple[str, ...], says: str) -> None:
    said = run("person", *words, code=2)

    assert says in said
    assert "Traceback" not in said


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "email", "call", "post", "visit"])
def test_a_stop_entered_by_hand_closes_the_channel_for_all_loans_of_the_person_once(
    records: Database, channel: str
) -> None:
    noon = "2026-11-24T12:00"

    said = run("person", "opt-out", "L1", channel, "--by", "letter of 12 May")
    with records.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        at = people.opted_out_at(session, person, Channel(channel))
        owed = [(one["name"], one["loan_id"], one["payload"]) for one in webhooks.owed(session)]
    again = json.loads(run("person", "opt-out", "L2", channel, "--json"))

    refused = explained("L2", noon, channel)
    assert f"{channel} is closed" in said
    assert again == {"changed": False, "opted_out": [channel], "people": 1, "loans": ["L1", "L2"]}
    assert (refused["decision"], refused["reasons"][0]["rule"]) == ("never", "stop.channel_opt_out")
    with records.reading() as session:
        trail = [row.details for loan in ("L1", "L2") for row in audit.of_loan(session, LENDER, loan)]
    assert at is not None
    stop = {"channel": channel, "at": at.isoformat()}
    assert owed == [("opt_out", "L1", stop), ("opt_out", "L2", stop)]
    assert [one for one in trail if "source" in one] == [
        {"channel": channel, "source": "by hand: letter of 12 May"},
        {"channel": channel, "source": "by hand: letter of 12 May"},
    ]


def test_a_stop_is_entered_for_whoever_has_only_ended_loans_and_for_one_who_had_opened_the_channel_again(
    records: Database,
) -> None:
    with records.writing() as session:
        for loan_id in ("L1", "L2"):
            loans.end(session, loans.get(session, LENDER, loan_id), kind="recalled", at=NOW, final_state=None)
    first = json.loads(run("person", "opt-out", "L1", "sms", "--json"))
    with records.writing() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        people.opt_in(session, person, Channel.SMS, at=datetime.now(UTC) + timedelta(seconds=1))

    second = json.loads(run("person", "opt-out", "L1", "sms", "--json"))

    assert (first["changed"], second["changed"], second["opted_out"]) == (True, True, ["sms"])
    with records.reading() as session:
        assert list(webhooks.owed(session)) == []


def written(records: Database, text: str, at: datetime, channel: Channel = Channel.SMS) -> None:
    """A message of L1's number that was written at `at` and is fetched now."""
    news = InboundNews(
        provider="twilio",
        provider_message_id=text,
        channel=channel,
        sender_address=PHONE,
        text=text,
        written_at=at,
    )
    with records.writing() as session:
        record_inbound(session, news, datetime.now(UTC), MessageReader(None, None))


def test_a_stop_entered_by_hand_counts_though_the_channel_is_closed_and_an_older_start_is_fetched_later(
    records: Database,
) -> None:
    """Given a channel closed by a STOP a month ago, when the person says so again on the telephone, and a START they
    wrote between the two is fetched only then, then the channel stays closed and their loans were told when."""
    now = datetime.now(UTC)
    written(records, "STOP", now - timedelta(days=30))

    said = run("person", "opt-out", "L1", "sms", "--by", "call of today")
    written(records, "START", now - timedelta(days=1))

    assert "closes nothing more, but counts as of now" in said
    with records.reading() as session:
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        at = people.opted_out_at(session, person, Channel.SMS)
        owed = [one["payload"] for one in webhooks.owed(session) if one["name"] == "opt_out"]
    assert at is not None
    assert at >= now
    assert {"channel": "sms", "at": at.isoformat()} in owed


@pytest.mark.parametrize(
    ("channel", "closed_for"),
    [("sms", "LM"), ("whatsapp", "LM"), ("call", "LM"), ("email", "LE"), ("post", "L"), ("visit", "L")],
)
def test_a_stop_entered_by_hand_closes_for_everyone_with_the_same_number_or_address_as_one_by_message_does(
    records: Database, channel: str, closed_for: str
) -> None:
    with records.writing() as session:
        same = {"M1": {"phone": PHONE, "email": "m@example.com"}, "E1": {"phone": "+573001112299", "email": EMAIL}}
        enter(session, [handed(loan, country="CO", **reached) for loan, reached in same.items()], campaign_id="c2")

    told = json.loads(run("person", "opt-out", "L1", channel, "--json"))
    said = run("person", "opt-out", "L2", channel)

    by_name = {"L": ["L1", "L2"], "M": ["M1"], "E": ["E1"]}
    holds_for = [loan for name in closed_for for loan in by_name[name]]
    assert (told["people"], told["loans"]) == (len(closed_for), holds_for)
    assert ("people this holds for: 2, all with the same" in said) is (len(closed_for) == 2)
    with records.reading() as session:
        closed = [
            loan.loan_id
            for loan in loans.listing(session)
            if Channel(channel) in people.opted_out(session, people.of_loan(session, loan))
        ]
        owed = {one["loan_id"] for one in webhooks.owed(session)}
    assert sorted(closed) == sorted(holds_for)
    assert owed == set(holds_for)


def test_a_stop_of_calls_entered_by_hand_closes_texts_too_where_a_text_is_a_call(records: Database) -> None:
    with records.writing() as session:
        american = {"country": "US", "timezone": "America/New_York", "phone": "+12125550123"}
        enter(session, [handed("U1", **american)], campaign_id="c2")

    told = json.loads(run("person", "opt-out", "U1", "call", "--json"))

    assert (told["changed"], told["opted_out"]) == (True, ["call", "sms"])
    with records.reading() as session:
        owed = {str(one["payload"]["channel"]) for one in webhooks.owed(session) if one["loan_id"] == "U1"}
    assert owed == {"call", "sms"}


@pytest.mark.parametrize("written", ["ximena@example.com", "Ximena@Example.com"])
def test_a_stop_of_email_closes_for_whoever_has_the_address_in_small_letters(records: Database, written: str) -> None:
    with records.writing() as session:
        enter(session, [handed("E1", country="CO", phone="+573001112299", email=written)], campaign_id="c2")

    told = json.loads(run("person", "opt-out", "E1", "email", "--json"))

    assert told["loans"] == ["E1", "L1", "L2"]


def test_the_nightly_list_of_stops_says_whose_they_are_where_only_ended_loans_are_left(records: Database) -> None:
    with records.writing() as session:
        for loan_id in ("L1", "L2"):
            loans.end(session, loans.get(session, LENDER, loan_id), kind="recalled", at=NOW, final_state=None)

    run("person", "opt-out", "L1", "sms", "--by", "letter of 12 May")

    listed = json.loads(run("audit", "list", "--action", "opt_out", "--json"))
    assert sorted(entry["loan_id"] for entry in listed["entries"]) == ["L1", "L2"]


@pytest.mark.parametrize(
    "words", [("opt-out", "L1", "sms"), ("flag", "L1", "attorney"), ("authorise", "L1", "email")], ids=" ".join
)
@pytest.mark.parametrize("by", ["Ximena Pruebas", "su hermana, +34 600 111 222", "a mail of ana@example.com"])
def test_the_audit_trail_takes_in_nothing_that_says_who_somebody_is(
    records: Database, words: tuple[str, ...], by: str
) -> None:
    said = run("person", *words, "--by", by, code=2)

    assert said.startswith("--by: say which request it is by its number or date")
    with records.reading() as session:
        trail = [row.action for loan in ("L1", "L2") for row in audit.of_loan(session, LENDER, loan)]
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))
        known = people.opted_out(session, person), people.flags(session, person), people.authorised_channels(person)
    assert not {"opt_out", "person_flagged", "person_channels_authorised"} & set(trail)
    assert known == (frozenset(), frozenset(), None)

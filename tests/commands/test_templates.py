"""The template commands as an operator uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from commands.templates import app
from config.templates import TEMPLATES_FOLDER, template_names
from domain.contact import Channel

run = CliRunner()
HINTS = {name: (TEMPLATES_FOLDER / "es" / name).read_text() for name in ("_opt_out.sms.txt", "_opt_out.email.txt")}


def folder_with(tmp_path: Path, **texts: str) -> Path:
    folder = tmp_path / "templates"
    (folder / "es").mkdir(parents=True)
    for name, text in HINTS.items():
        (folder / "es" / name).write_text(text, encoding="utf-8")
    for name, text in texts.items():
        (folder / "es" / f"{name}.sms.txt").write_text(text, encoding="utf-8")
    return folder


NOTICE = "{% if legal_notice is defined %} {{ legal_notice }}{% endif %}"
GOOD = "{{ lender_name }}: tu cuota vence hoy. {{ opt_out_hint }}" + NOTICE


def test_all_shipped_templates_may_be_sent_in_their_markets_and_none_costs_more_than_it_need() -> None:
    result = run.invoke(app, ["check"])

    assert result.exit_code == 0, result.stdout
    [line] = result.stdout.splitlines()
    checked, _, rest = line.partition(" ")
    assert int(checked) >= 17
    assert rest.startswith("templates in 12 markets, ")
    assert line.endswith("all may be sent")


def test_a_threat_is_told_with_rule_source_and_the_markets_it_is_refused_in(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, good=GOOD, bad=GOOD.replace("tu cuota", "orden judicial por tu cuota"))

    result = run.invoke(app, ["check", "--folder", str(folder), "--country", "cl", "--country", "PE"])

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("es/bad.sms: CL.content.judicial: text says 'judicial'. Chile:")
    assert lines[0].endswith("evidence: secondary) [CL]")
    assert lines[1].startswith("es/bad.sms: PE.content.judicial: ")
    assert lines[2] == "2 templates in 2 markets, 16 messages: 8 may not be sent"


def test_one_accent_that_doubles_the_price_is_named_with_its_cheaper_spelling(tmp_path: Path) -> None:
    text = GOOD.replace("tu cuota vence hoy", "tu próxima cuota, que puedes pagar en tu banco, vence hoy")
    result = run.invoke(app, ["check", "--folder", str(folder_with(tmp_path, one=text)), "--country", "CL"])

    assert result.exit_code == 0
    assert (
        "price: es/one.sms: 2 SMS where 1 would do: write 'ó' (latin small letter o with acute) as 'o'" in result.stdout
    )


def test_as_json_every_message_has_its_findings_and_its_segments(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, good=GOOD, bad=GOOD + " Iremos con la policía")

    told = json.loads(run.invoke(app, ["check", "--folder", str(folder), "--country", "MX", "--json"]).stdout)

    assert (told["ok"], told["markets"], told["messages"]) == (False, ["MX"], 8)
    bad = [each for each in told["results"] if each["template"] == "bad"]
    assert {finding["rule"] for each in bad for finding in each["findings"]} == {"MX.content.jail"}
    good = [each for each in told["results"] if each["template"] == "good"]
    assert all(each["passes"] for each in good)
    first = next(each for each in good if each["first_contact"] and each["actor"] == "creditor")
    later = next(each for each in good if not each["first_contact"] and each["actor"] == "creditor")
    assert first["sms"]["segments"] > later["sms"]["segments"] == 1


def test_a_template_without_the_lines_law_asks_for_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, bare="{{ lender_name }}: tu cuota vence hoy.")

    result = run.invoke(app, ["check", "--folder", str(folder), "--country", "US", "--country", "MX"])

    assert result.exit_code == 1
    assert "US.content.opt_out" in result.stdout
    assert "MX.content.first_contact: text lacks" in result.stdout


def test_a_lender_whose_settings_lack_what_law_asks_for_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECOBRO_LENDERS", '{"acme": {"name": "Acme", "phone": "55 5010 2030"}}')
    monkeypatch.setenv("RECOBRO_DATABASE_URL", "sqlite://")

    mexico = run.invoke(app, ["check", "--lender", "acme", "--country", "MX", "--template", "late_notice"])
    chile = run.invoke(app, ["check", "--lender", "acme", "--country", "CL", "--template", "late_notice"])

    assert mexico.exit_code == 1
    assert "RECOBRO_LENDER__ADDRESS, RECOBRO_LENDER__RESPONSIBLE, RECOBRO_LENDER__COMPLAINTS" in mexico.stdout
    assert chile.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["check", "--country", "FR"], "--country: 'FR' has no content rules: expected one of AR, BR,"),
        (["check", "--template", "late_notise"], "there is no template 'late_notise'; did you mean late_notice?"),
        (["check", "--folder", "/nowhere"], "/nowhere: there are no templates: expected"),
        (["show", "late_notice", "--channel", "fax"], "--channel: 'fax': expected one of sms, email, whatsapp"),
        (["show", "late_notices", "--channel", "whatsapp"], "there is no template 'late_notices'"),
        (["show", "late_notice", "--language", "xx"], "unknown language 'xx'"),
    ],
)
def test_wrong_input_ends_in_one_line_and_exit_code_two(arguments: list[str], line: str) -> None:
    result = run.invoke(app, arguments)

    assert result.exit_code == 2
    assert line in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_show_reads_a_message_with_what_law_adds() -> None:
    result = run.invoke(app, ["show", "account_overdue", "--country", "US", "--agency"])

    assert result.exit_code == 0
    assert "This is an attempt to collect a debt" in result.stdout
    assert "Recupera Sur handles this account for Credialba." in result.stdout
    assert result.stdout.splitlines()[-1] == "It may be sent."


def test_list_names_every_template_with_channels_and_languages() -> None:
    rows = json.loads(run.invoke(app, ["list", "--json"]).stdout)["templates"]

    assert {row["template"] for row in rows} >= set(template_names(Channel.SMS, "es"))
    [notice] = [row for row in rows if row["template"] == "late_notice"]
    assert {"email", "sms"} <= set(notice["channels"])
    assert notice["languages"] == ["en", "es", "pt"]


def test_an_agency_whose_call_opens_with_the_lenders_name_is_told(tmp_path: Path) -> None:
    """Given templates of one's own in which a call opens in the lender's name, when they are checked, then that is told
    of agencies and not of creditors."""
    (tmp_path / "es").mkdir()
    (tmp_path / "es" / "call-opening.call.txt").write_text("Hola. Le llama {{ lender_name }}.\n", encoding="utf-8")

    result = run.invoke(app, ["check", "--folder", str(tmp_path), "--country", "ES", "--template", "call-opening"])

    assert result.exit_code == 1
    assert "ALL.content.caller_agency: text lacks the agency" in result.stdout
    assert "agency only" in result.stdout
    assert "ALL.content.caller:" not in result.stdout


ONE_WAY = "_opt_out.sms.one_way.txt"


def test_a_text_message_that_asks_for_an_answer_from_a_name_is_refused(tmp_path: Path) -> None:
    """Given templates that may go out from a name, when one asks for a reply whatever the sender, then it is named with
    the word; one that says whom to call there passes."""
    asks = GOOD.replace("vence hoy.", "vence hoy. Si no puedes, dinos cuando.")
    branched = GOOD.replace(
        "vence hoy.",
        "vence hoy. {% if one_way is defined %}Llama: {{ lender_phone }}.{% else %}Dinos cuando.{% endif %}",
    )
    folder = folder_with(tmp_path, asks=asks, branched=branched)
    (folder / "es" / ONE_WAY).write_text((TEMPLATES_FOLDER / "es" / ONE_WAY).read_text(), encoding="utf-8")

    result = run.invoke(app, ["check", "--folder", str(folder), "--country", "CL"])

    assert result.exit_code == 1
    [told, _] = result.stdout.splitlines()
    assert told.startswith("es/asks.sms: asks for an answer ('dinos') where the sender is a name")


def test_where_the_sender_is_a_name_its_own_form_is_what_costs_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = "{% if one_way is defined %}" + "Llama cuando quieras. " * 8 + "{% endif %}"
    folder = folder_with(tmp_path, good=longer + GOOD)
    (folder / "es" / ONE_WAY).write_text((TEMPLATES_FOLDER / "es" / ONE_WAY).read_text(), encoding="utf-8")
    name = {"account_sid": "AC" + "0" * 32, "auth_token": "t", "sender": "+34600000000", "senders": {"CL": "Credialba"}}
    monkeypatch.setenv("RECOBRO_TWILIO", json.dumps(name))
    monkeypatch.setenv("RECOBRO_DATABASE_URL", "sqlite://")

    told = json.loads(
        run.invoke(app, ["check", "--folder", str(folder), "--country", "CL", "--country", "CO", "--json"]).stdout
    )

    shown = [
        run.invoke(app, ["show", "good", "--folder", str(folder), "--country", market]).stdout
        for market in ("CL", "CO")
    ]

    assert ["Llama cuando quieras" in text for text in shown] == [True, False], "what is shown is what goes out there"
    assert "Responde BAJA" not in shown[0]
    segments = {each["market"]: each["sms"]["segments"] for each in told["results"] if not each["first_contact"]}
    assert segments == {"CL": 2, "CO": 1}

"""The mapping of our messages to WhatsApp's templates: what is in the file, and what is refused with its line."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from config.approved_templates import load_approved
from config.content_rules import load_content
from config.lawful_messages import with_lawful_lines, written_and_checked
from config.lender_settings import Lender
from config.message_context import sample_context
from config.platform_rules import PlatformRulesError
from config.templates import template_names
from domain.contact import Channel, Purpose
from domain.content_rules import Circumstances

WHOLE = Lender(
    name="Credialba", phone="900 555 010", address="Calle Mayor 10", responsible="Luis Prado", complaints="q@x.example"
)
ENTRY = """templates:
  - template: reminder
    written_in: es
    name: recobro_reminder
    language: es_MX
    places: {places}
    body: "{body}"
"""


ALWAYS_WITH_A_LINK = {"agreed_link", "reply_how_to_pay"}
INSIDE_THE_WINDOW = {"own_words"}
"""What a person writes: no platform has approved it, so it goes as free text or not at all."""
NEVER_WITH_A_LINK = {"payment_received", "part_payment_received", "consent_request"}


def written(folder: Path, body: str, places: str = "named") -> Path:
    file = folder / "mine.yaml"
    file.write_text(ENTRY.format(body=body, places=places), "utf-8")
    return file


def test_every_message_we_ship_has_a_template_with_and_without_a_link() -> None:
    known = {(one.ours.written_in, one.ours.template, "link_url" in one.ours.variables) for one in load_approved()}

    for language in ("es", "en", "pt"):
        names = {name for name in template_names(Channel.SMS, language) if not name.startswith("_")} - INSIDE_THE_WINDOW
        assert len(names) >= 30
        for name, link in product(names, (True, False)):
            brings_one = name in ALWAYS_WITH_A_LINK or not (name.startswith("reply_") or name in NEVER_WITH_A_LINK)
            if brings_one if link else name not in ALWAYS_WITH_A_LINK:
                assert (language, name, link) in known


@pytest.mark.parametrize("market", ["ES", "MX", "CL", "CO", "PE", "AR", "US", "BR"])
def test_what_we_ship_may_be_sent_by_a_lender_and_reads_as_a_whole(market: str) -> None:
    book = load_content()
    pack = book.pack(market)
    assert pack is not None
    checked = 0
    for one, told in product(load_approved(), (frozenset[Purpose](), frozenset(Purpose))):
        if one.ours.written_in not in pack.languages:
            continue
        link = "link_url" in one.ours.variables
        context = sample_context(
            one.ours.written_in, country=market, link=link, paid=True, agreed=True, answered=True, debit=True
        ).model_copy(update={"document_url": "https://cobros.credialba.example/document/1a"})
        where = Circumstances(market=market, channel=Channel.WHATSAPP, told=told, debt_age_years=0.1)
        whole = with_lawful_lines(context, one.ours.written_in, WHOLE, where, book)
        if (whole.legal_notice is not None) is not ("legal_notice" in one.ours.variables):
            continue
        message, findings = written_and_checked(
            one.ours.template, one.ours.written_in, context, WHOLE, where, book, written=one.fill
        )
        assert [finding for finding in findings if finding.forbids] == [], one.ours.name
        assert "{" not in message.text
        assert "  " not in message.text
        checked += 1
    assert checked >= 40


def test_one_text_becomes_what_is_submitted_what_is_read_and_what_stands_at_each_place(tmp_path: Path) -> None:
    body = "Hola, {{ lender_name }}: {{ amount_due|money }} [[link| en {{ link_url }} hoy.]] Vence {{ due_date|date }}."
    plain, link = load_approved(written(tmp_path, body, "numbered"))
    context = sample_context("es", country="MX", currency="MXN")

    assert (plain.ours.name, link.ours.name) == ("recobro_reminder", "recobro_reminder_link")
    assert plain.ours.body == "Hola, {{1}}: {{2}} Vence {{3}}."
    assert link.ours.body == "Hola, {{1}}: {{2}} en {{3}} hoy. Vence {{4}}."
    assert [name for name, _ in link.values(context)] == ["lender_name", "amount_due", "link_url", "due_date"]
    read = link.ours.body
    for number, (_, value) in enumerate(link.values(context), start=1):
        read = read.replace(f"{{{{{number}}}}}", value)
    assert link.fill(context).text == read


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{{ lender_name }} te escribe para algo.", "begins or ends with a place"),
        ("Hola, te escribe {{ lender_name }}", "begins or ends with a place"),
        ("Hola, {{ lender_name }} {{ loan_id }} hoy.", "two places side by side"),
        ("Hola, {{ lendername }} te escribe.", "there is no value 'lendername'"),
        ("Hola, {{ due_date|date }} y {{ due_date|date_long }} son.", "two formats"),
        ("Hola, {{ amount_due|monney }} es todo.", "there is no filter 'monney'"),
        ("Hola {% if link_url is defined %}a{% endif %} todos.", "only places such as"),
        ("Hola " + "a" * 1030, "expected at most 1024"),
        ("[[a| x]] Hola [[a| y]] a todos.", "each label once"),
    ],
)
def test_what_meta_or_the_message_could_not_bear_is_refused_with_its_line(
    tmp_path: Path, body: str, reason: str
) -> None:
    with pytest.raises(PlatformRulesError) as refused:
        load_approved(written(tmp_path, body))

    assert reason in str(refused.value)
    assert "mine.yaml:7" in str(refused.value)

"""Messages: every shipped one can be sent, says what a borrower must know, and no value breaks out of its place."""

import contextlib
import os
import re
from datetime import date
from email.message import EmailMessage
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from config.approved_templates import load_approved
from config.content_rules import load_content
from config.lawful_messages import written_and_checked
from config.lender_settings import Lender
from config.message_context import VARIABLES, MessageContext, sample_answer, sample_context
from config.templates import TEMPLATES_FOLDER, TemplateError, languages, opt_out_hint, render, template_names
from domain.contact import Channel, Purpose
from domain.content_rules import Circumstances
from domain.money import Money
from domain.sms_segments import sms_size

SHIPPED = [
    (name, channel, language)
    for language in languages()
    for channel in (Channel.SMS, Channel.EMAIL)
    for name in template_names(channel, language)
]
RECEIPTS = {"payment_received", "part_payment_received"}
CONSENTS = {"consent_request"}


ANSWERS = [each for each in SHIPPED if each[0].startswith("reply_") or each[0] == "own_words"]
"""Short answers to what a borrower wrote a moment ago, and what goes around a person's own words."""
STEPS = [each for each in SHIPPED if each not in ANSWERS]


def shipped_context(name: str, channel: Channel, language: str, **changes: object) -> MessageContext:
    currency = "EUR" if language == "es" else "USD"
    if name.startswith("reply_"):
        answer = sample_answer(name, language, currency, opt_out_hint(channel, language))
        return MessageContext.model_validate({**dict(answer), **changes})
    context = sample_context(
        language,
        currency=currency,
        paid=name in RECEIPTS,
        link=name not in RECEIPTS,
        agreed=name.startswith("agreed_"),
        debit=name == "debit_notice",
        own_words=name == "own_words",
        opt_out_hint=opt_out_hint(channel, language),
    )
    return MessageContext.model_validate({**dict(context), **changes})


def written(folder: Path, file: str, text: str) -> Path:
    path = folder / "es" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return folder


def one(folder: Path, text: str, **changes: object) -> str:
    context = MessageContext.model_validate({**dict(sample_context("es")), **changes})
    return render("t", Channel.SMS, "es", context, folder=written(folder, "t.sms.txt", text)).text


def test_every_language_has_every_message_another_has_and_each_tells_the_same() -> None:
    said = {
        language: {
            file.name: frozenset(re.findall(r"\b[a-z]+_[a-z_]+\b", file.read_text("utf-8"))) & set(VARIABLES)
            for file in (TEMPLATES_FOLDER / language).iterdir()
        }
        for language in languages()
    }

    assert set(said) == {"en", "es", "pt"}
    assert said["en"] == said["es"] == said["pt"]
    assert any(name.endswith(".call.txt") for name in said["pt"])
    assert any(name.endswith(".post.txt") for name in said["pt"])


def test_every_template_is_there_in_every_language_for_text_message_and_email() -> None:
    names = {(language, channel): template_names(channel, language) for _, channel, language in SHIPPED}

    assert set(languages()) == {"en", "es", "pt"}
    assert len(set(names.values())) == 1
    assert (len(STEPS), len(ANSWERS)) == (108, 120)


@pytest.mark.parametrize(("name", "channel", "language"), ANSWERS)
def test_an_answer_says_who_writes_and_how_to_stop_and_asks_for_no_reason(
    name: str, channel: Channel, language: str
) -> None:
    context = shipped_context(name, channel, language)

    message = render(name, channel, language, context)

    assert context.lender_name in message.text
    assert context.opt_out_hint is not None
    assert context.opt_out_hint in message.text
    assert "None" not in message.text
    assert not any(word in message.text.lower() for word in ("por qué", "porque no", "why"))


@pytest.mark.parametrize(("name", "channel", "language"), STEPS)
def test_a_borrower_learns_who_writes_about_what_whom_to_call_and_how_to_stop(
    name: str, channel: Channel, language: str
) -> None:
    context = shipped_context(name, channel, language)

    message = render(name, channel, language, context)

    for each in (message.text, unescape(message.html or message.text)):
        assert context.lender_name in each
        assert context.lender_phone in each
        assert context.loan_id in each
        assert "{{" not in each
        assert "{%" not in each
        assert "None" not in each
        if name not in RECEIPTS:
            assert name in CONSENTS or "123" in each
            link = context.consent_url if name in CONSENTS else context.link_url
            assert link is not None
            assert link in each
            assert context.opt_out_hint is not None
            assert context.opt_out_hint in each


@pytest.mark.parametrize(("name", "channel", "language"), SHIPPED)
def test_no_message_threatens_shames_or_pretends_to_be_a_court(name: str, channel: Channel, language: str) -> None:
    message = render(name, channel, language, shipped_context(name, channel, language))

    said = f"{message.subject} {message.text} {re.sub('<[^>]*>', '', message.html or '')}".lower()
    forbidden = (
        "demand", "juzgado", "judicial", "embarg", "abogad", "tribunal", "moroso", "asnef", "fichero", "denuncia",
        "cárcel", "polic", "court", "lawsuit", "legal action", "lawyer", "attorney", "garnish", "arrest", "jail",
        "credit report", "employer", "family", "familia", "vecin", "neighbo", "immediately", "inmediat", "last chance",
        "final notice", "último aviso", "why did", "por qué no", "juiz", "advogad", "cadeia", "polícia", "penhor",
        "serasa", "caloteir", "imediat", "por que não",
    )  # fmt: skip
    assert [word for word in forbidden if word in said] == []


@pytest.mark.parametrize(("name", "channel", "language"), SHIPPED)
def test_the_subject_on_a_shared_screen_tells_nothing_of_a_debt(name: str, channel: Channel, language: str) -> None:
    message = render(name, channel, language, shipped_context(name, channel, language))

    if channel is Channel.EMAIL:
        assert message.subject is not None
        words = (
            "debt",
            "deuda",
            "overdue",
            "past due",
            "vencid",
            "impag",
            "pendiente",
            "préstamo",
            "123",
            "loan",
            "Lucía",
            "dívida",
            "atras",
            "em aberto",
            "empréstimo",
            "Ana",
        )
        assert [word for word in words if word in message.subject] == []
    else:
        assert message.subject is None
        assert message.html is None


@pytest.mark.parametrize(("name", "channel", "language"), [each for each in SHIPPED if each[1] is Channel.SMS])
@pytest.mark.parametrize(("country", "currency", "minor"), [
    ("ES", "EUR", 99_999), ("US", "USD", 9_999_999), ("MX", "MXN", 9_999_999), ("CL", "CLP", 99_999_999),
    ("CO", "COP", 999_999_999),
])  # fmt: skip
def test_a_text_message_takes_at_most_two_segments_whatever_the_amount_and_the_borrowers_name(
    name: str, channel: Channel, language: str, country: str, currency: str, minor: int
) -> None:
    amount = Money(amount_minor=minor, currency=currency)
    context = shipped_context(
        name, channel, language, country=country, amount_due=amount, borrower_name="María Ángeles Íñiguez",
        amount_paid=amount if name in RECEIPTS else None,
        lender_name="Financiera Norte", loan_id="PR-2026-0020417",
    )  # fmt: skip

    size = sms_size(render(name, channel, language, context).text)

    assert (size.encoding, size.segments <= 2) == ("gsm7", True)


ASKS_FOR_A_REPLY = re.compile(
    r"\b[Rr](?:esponde|esponda|eply|espond) (?:con |com |with )?(?:\"|[A-Z]{2}|a |una |um )|BAJA|SAIR|STOP"
)


@pytest.mark.parametrize(("name", "channel", "language"), [each for each in SHIPPED if each[1] is Channel.SMS])
def test_from_a_name_no_text_message_asks_for_a_reply_and_each_says_whom_to_call(
    name: str, channel: Channel, language: str
) -> None:
    """Given a sender that is a name, which nobody can answer, when any shipped text message is written, then it asks
    for no reply, names the telephone by which to stop it, and takes two segments at most."""
    amount = Money(amount_minor=99_999, currency="EUR")
    changes: dict[str, object] = {
        "amount_due": amount,
        "lender_name": "Financiera Norte",
        "loan_id": "PR-2026-0020417",
        "one_way": True,
        "opt_out_hint": opt_out_hint(channel, language, instead="+34 900 555 010"),
    }

    text = render(name, channel, language, shipped_context(name, channel, language, **changes)).text

    assert ASKS_FOR_A_REPLY.search(text) is None, text
    assert "+34 900 555 010" in text
    assert (sms_size(text).encoding, sms_size(text).segments <= 2) == ("gsm7", True), text


@pytest.mark.parametrize("market", ["ES", "MX", "CO", "CL", "BR", "GB", "US"])
def test_the_way_to_stop_texts_from_a_name_is_one_that_the_markets_rules_know(market: str) -> None:
    book = load_content()
    pack = book.pack(market)
    assert pack is not None
    for language in pack.languages:
        hint = opt_out_hint(Channel.SMS, language, instead="900 555 010")
        context = sample_context(language, country=market, opt_out_hint=hint)
        context = MessageContext.model_validate({**dict(context), "one_way": True})
        where = Circumstances(
            market=market, channel=Channel.SMS, told=frozenset(Purpose), debt_age_years=0.1, purpose=Purpose.COLLECTION
        )

        _, findings = written_and_checked("account_overdue", language, context, Lender(name="Credialba"), where, book)

        assert [str(finding) for finding in findings if finding.forbids] == []


def test_a_receipt_carries_no_demand() -> None:
    for language in languages():
        for channel in (Channel.SMS, Channel.EMAIL):
            context = shipped_context("payment_received", channel, language, link_url="https://pay.example/l/1")
            message = render("payment_received", channel, language, context)
            assert "https://" not in f"{message.text} {message.html}"


@pytest.mark.parametrize(
    ("language", "country", "money", "expected"),
    [
        ("es", "ES", Money(amount_minor=123450, currency="EUR"), "1.234,50 €|4 mar 2026|4 de marzo de 2026"),
        ("es", "MX", Money(amount_minor=123450, currency="MXN"), "$1,234.50|4 mar 2026|4 de marzo de 2026"),
        (
            "es",
            "CO",
            Money(amount_minor=12345000, currency="COP"),
            "$123.450|4 de mar de 2026|4 de marzo de 2026",
        ),
        (
            "es",
            "CO",
            Money(amount_minor=12345099, currency="COP"),  # as a link asks for it
            "$123.450|4 de mar de 2026|4 de marzo de 2026",
        ),
        ("es", "CL", Money(amount_minor=123450, currency="CLP"), "$123.450|4 mar 2026|4 de marzo de 2026"),
        ("en", "US", Money(amount_minor=123450, currency="USD"), "$1,234.50|Mar 4, 2026|March 4, 2026"),
        ("en", "GB", Money(amount_minor=123450, currency="GBP"), "£1,234.50|4 Mar 2026|4 March 2026"),
    ],
)
def test_money_and_dates_are_written_as_the_borrower_reads_them(
    tmp_path: Path, language: str, country: str, money: Money, expected: str
) -> None:
    folder = tmp_path / "templates"
    (folder / language).mkdir(parents=True)
    (folder / language / "t.sms.txt").write_text("{{ amount_due|money }}|{{ today|date }}|{{ today|date_long }}")
    context = MessageContext.model_validate(
        {**dict(sample_context(language, country=country)), "amount_due": money, "today": date(2026, 3, 4)}
    )

    assert render("t", Channel.SMS, language, context, folder=folder).text == expected


def test_a_missing_value_names_the_template_and_the_value_and_no_borrower() -> None:
    context = sample_context("es", link=False, opt_out_hint="Responde BAJA")

    with pytest.raises(TemplateError) as refused:
        render("payment_link", Channel.EMAIL, "es", context)

    assert str(refused.value) == (
        "templates/es/payment_link.email.txt: needs link_url, which this message does not have"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ borrower_name.__class__.__mro__ }}", "an attribute is not allowed"),
        ("{{ borrower_name['__class__'] }}", "an index is not allowed"),
        ("{{ borrower_name|attr('__class__') }}", "there is no filter 'attr'"),
        ("{% for i in range(10**9) %}x{% endfor %}", "a loop is not allowed"),
        ("{{ range(999999999) }}", "a call is not allowed"),
        ("{{ 'a' * 10**10 }}", "'mul' is not allowed"),
        ("{{ '%1000000000d'|format(1) }}", "there is no filter 'format'"),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "'macro' is not allowed"),
        ("{% include '/etc/passwd' %}", "'include' is not allowed"),
        ("{% set x = 1 %}{{ x }}", "'assign' is not allowed"),
        ("{{ borower_name }}", "there is no value 'borower_name'; did you mean borrower_name?"),
        ("{{ _locale }}", "there is no value '_locale'"),
        ("{{ self }}", "there is no value 'self'"),
        ("{{ amount_due|mony }}", "there is no filter 'mony'; did you mean money?"),
        ("{{ today is divisibleby(3) }}", "there is no test 'divisibleby'"),
        ("Hola {{ borrower_name", "template syntax"),
        ("{% if today %}", "template syntax"),
        ("{{ " + "(" * 3000 + "today" + ")" * 3000 + " }}", "template syntax: nested too deeply"),
        ("{{ borrower_name|money }}", "cannot be rendered (TypeError)"),
        ("{{ loan_id|date }}", "cannot be rendered (TypeError)"),
        ("{{ today < loan_id }}", "cannot be rendered (TypeError)"),
        ("x" * 1601, "comes out longer than 1600 characters"),
        ("x" * 70_000, "expected at most 65536"),
        ("  \n ", "comes out empty"),
    ],
)
def test_a_template_that_reaches_for_more_than_it_may_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(reason)) as refused:
        one(tmp_path, text)

    assert "es/t.sms.txt" in str(refused.value)
    assert "Gómez" not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_a_broken_line_is_named_by_its_number(tmp_path: Path) -> None:
    folder = written(tmp_path, "t.email.txt", "Subject: Hola\n\nUno\n{{ nada }}\n")

    with pytest.raises(TemplateError, match=r"t\.email\.txt:4: there is no value 'nada'"):
        render("t", Channel.EMAIL, "es", sample_context("es"), folder=folder)


def test_an_email_without_a_subject_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="begins with a line such as: Subject: Your account"):
        render("t", Channel.EMAIL, "es", sample_context("es"), folder=written(tmp_path, "t.email.txt", "Hola\n"))


def test_a_template_in_bytes_that_are_no_text_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "t.sms.txt", "x").joinpath("es", "t.sms.txt").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(TemplateError, match="is not UTF-8 text"):
        render("t", Channel.SMS, "es", sample_context("es"), folder=tmp_path)


@pytest.mark.parametrize("name", ["../es/payment_link", "payment_link.sms", "/etc/passwd", "", "payment_lnk"])
def test_a_template_is_only_found_by_its_name(name: str) -> None:
    with pytest.raises(TemplateError):
        render(name, Channel.SMS, "es", sample_context("es"))


@pytest.mark.parametrize("language", ["..", "e", "ES", "es/../en", "xx"])
def test_a_language_is_two_letters_there_are_templates_for(language: str) -> None:
    with pytest.raises(TemplateError):
        render("payment_link", Channel.SMS, language, sample_context("es"))


def test_an_edited_template_is_read_again(tmp_path: Path) -> None:
    assert one(tmp_path, "uno") == "uno"
    first = (tmp_path / "es" / "t.sms.txt").stat()

    folder = written(tmp_path, "t.sms.txt", "dos")
    os.utime(folder / "es" / "t.sms.txt", ns=(first.st_atime_ns, first.st_mtime_ns + 1_000_000))

    assert render("t", Channel.SMS, "es", sample_context("es"), folder=folder).text == "dos"


@pytest.mark.parametrize(
    "name",
    [
        "Ana\r\nBcc: otra@example.com",
        "Ana\u2028Bcc: otra@example.com",
        "{{ lender_phone }}{% for x in range(9) %}",
        "<script>alert(1)</script>",
        '" onmouseover="alert(1)',
        "\u202eAna\x00\x07",
    ],
)
def test_a_name_stays_a_name(tmp_path: Path, name: str) -> None:
    folder = written(tmp_path, "t.email.txt", "Subject: Para {{ borrower_name }}\n\nHola {{ borrower_name }}\n")
    written(tmp_path, "t.email.html", '<p title="{{ borrower_name }}">{{ borrower_name }}</p>')
    context = MessageContext.model_validate({**dict(sample_context("es")), "borrower_name": name})

    message = render("t", Channel.EMAIL, "es", context, folder=folder)

    assert message.subject is not None
    EmailMessage()["Subject"] = message.subject
    assert len(f"{message.subject}.".splitlines()) == 1
    assert message.text == f"Hola {context.borrower_name}"
    assert message.html is not None
    assert re.fullmatch(r'<p title="[^"<>]*">[^<>]*</p>', message.html)
    assert not {"\r", "\n", "\x00", "\u2028", "\u202e"} & set(message.text)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a b", "https://x\nBcc: y", "ftp://x", "", "//x", "https://"]
)
def test_a_link_is_a_web_address_and_nothing_else(url: str) -> None:
    with pytest.raises(ValidationError) as refused:
        MessageContext.model_validate({**dict(sample_context("es")), "link_url": url})

    assert "Bcc" not in str(refused.value)


def test_a_refused_value_is_not_shown_in_the_error() -> None:
    with pytest.raises(ValidationError) as refused:
        MessageContext.model_validate({**dict(sample_context("es")), "borrower_name": "Zenobia" * 40})

    assert "Zenobia" not in str(refused.value)


anything = st.text(min_size=1, max_size=200)


@settings(deadline=None)
@given(
    borrower=anything, lender=anything, phone=anything, reference=anything, hint=anything,
    amount=st.integers(-(10**15), 10**15), dpd=st.integers(-60, 9999), day=st.dates(),
    currency=st.sampled_from(["EUR", "USD", "MXN", "COP", "CLP", "PEN", "JPY"]),
    country=st.sampled_from(["ES", "US", "MX", "CO", "CL", "AR", "ZZ"]),
    which=st.sampled_from(STEPS),
)  # fmt: skip
def test_whatever_the_values_a_message_comes_out_whole_or_is_refused_by_name(
    borrower: str, lender: str, phone: str, reference: str, hint: str, amount: int, dpd: int, day: date,
    currency: str, country: str, which: tuple[str, Channel, str],
) -> None:  # fmt: skip
    try:
        context = MessageContext(
            country=country, lender_name=lender, caller_name=lender, lender_phone=phone, loan_id=reference,
            borrower_name=borrower,
            amount_due=Money(amount_minor=amount, currency=currency), due_date=day, days_past_due=dpd, today=day,
            agreed_amount=Money(amount_minor=amount, currency=currency), agreed_date=day,
            debit_on=day, mandate_reference="M-1", creditor_id="ES50ZZZA12345678", account_ending="1332",
            link_url="https://pay.example/l/1", consent_url="https://pay.example/consent/1", opt_out_hint=hint,
        )  # fmt: skip
    except ValidationError:
        return
    name, channel, language = which

    message = render(name, channel, language, context)

    assert "\r" not in message.text
    message.text.encode("utf-8")
    if message.subject is not None:
        EmailMessage()["Subject"] = message.subject
    if message.html is not None:
        assert message.html.count("<script") == 0
        assert message.html.count("<p") == message.html.count("</p>")


PIECES = [
    *"{}%|() .=<>!'\"abi1\n",
    "{{ ",
    " }}",
    "{% if ",
    " %}",
    "{% endif %}",
    "|money",
    "|date",
    *VARIABLES,
]


@settings(deadline=None)
@given(text=st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_template_text_is_rendered_or_refused_but_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.mktemp("templates")
    with contextlib.suppress(TemplateError):
        one(folder, text)


def test_mjml_becomes_html_and_a_borrowers_name_stays_text_in_it(tmp_path: Path) -> None:
    written(tmp_path, "t.email.txt", "Subject: Hola\n{{ borrower_name }}")
    body = '<mj-text title="{{ borrower_name }}">{{ borrower_name }}</mj-text>'
    page = f"<mjml><mj-body><mj-section><mj-column>{body}</mj-column></mj-section></mj-body></mjml>"
    written(tmp_path, "t.email.mjml", page)
    nasty = "</mj-text><mj-raw><script>x</script></mj-raw> & \" ' {{ lender_name }}"
    context = sample_context("es").model_copy(update={"borrower_name": nasty})

    html = render("t", Channel.EMAIL, "es", context, folder=tmp_path).html

    assert html is not None
    assert "<table" in html
    assert "<mj-" not in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    written(tmp_path, "t.email.mjml", "<mjml><mj-body><mj-section>")
    with pytest.raises(TemplateError, match="is no MJML"):
        render("t", Channel.EMAIL, "es", context, folder=tmp_path)


BEFORE_ANYTHING_IS_OVERDUE = ("pre_due_reminder.", "due_today.", "debit_notice.", "agreed_")
OF_ONE_PAYMENT = re.compile(
    r"\b(cuota|parcela|pago|pagamento|payment|what|the \{\{ amount_due\|money \}\})\b[^.;\n]*"
    r"\b(venc\w+|con vencimiento|com vencimento|was due|due on)\b"
)
ALL_SINCE_ONE_DATE = re.compile(
    r"(\bsince|\bdesde|pendientes desde el|em aberto desde) (el )?\{\{ due_date|payment of \{\{ amount_due[^.;]*was due"
    r"|pa(?:go|gamento) de \{\{ amount_due[^.;]*(?:con|com) vencimi?ento"
)
OLDEST = re.compile(r"\b(m[aá]s antiguo|mais antigo|oldest)\b")


@pytest.mark.parametrize(
    "file",
    [
        file
        for file in sorted(TEMPLATES_FOLDER.glob("*/*.*"))
        if not file.name.startswith(BEFORE_ANYTHING_IS_OVERDUE) and "amount_due" in file.read_text("utf-8")
    ],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_what_is_overdue_in_all_is_not_called_the_one_payment_of_the_oldest_date(file: Path) -> None:
    """The amount is all that is overdue and the date is the oldest payment's: told as one, the sum would look wrong."""
    for clause in re.split(r"[.;:]\s", file.read_text("utf-8")):
        assert ALL_SINCE_ONE_DATE.search(clause) is None, clause.strip()
        told = OF_ONE_PAYMENT.search(clause)
        assert told is None or "due_date" not in clause or OLDEST.search(clause), clause.strip()


def test_nor_is_it_on_whatsapp() -> None:
    for entry in (
        (TEMPLATES_FOLDER.parent / "platforms" / "whatsapp_templates.yaml").read_text("utf-8").split("- template:")
    ):
        words = " ".join(entry.split())
        if not words.startswith(("pre_due_reminder", "due_today", "debit_notice", "agreed_")):
            assert ALL_SINCE_ONE_DATE.search(words) is None, words


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
@pytest.mark.parametrize(
    ("language", "ahead", "behind"),
    [
        ("es", "que vencen el", r"el pago m[aá]s antiguo"),
        ("pt", "que vencem em", "o pagamento mais antigo"),
        ("en", "is due on", "the oldest payment was due on"),
    ],
)
def test_who_asks_what_is_due_before_the_day_is_not_told_that_it_is_late(
    channel: Channel, language: str, ahead: str, behind: str
) -> None:
    """Given a payment of tomorrow, of today and of yesterday, when its borrower asks what is due, then only the last is
    told as a payment that was due."""
    for days, late in ((-1, False), (0, False), (1, True)):
        text = render(
            "reply_balance", channel, language, sample_context(language, days_past_due=days, opt_out_hint="-")
        ).text
        assert (re.search(behind, text) is not None, ahead in text) == (late, not late)


@pytest.mark.parametrize("language", ["es", "pt", "en"])
@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("late_notice", Channel.POST),
        ("review_notice", Channel.POST),
        *((name, Channel.EMAIL) for name in ("account_overdue", "late_notice", "missed_payment", "payment_received")),
    ],
)
def test_an_agency_writes_in_its_own_name_for_the_lender(name: str, channel: Channel, language: str) -> None:
    """Given an agency that collects for the lender, when it writes a letter or an e-mail, then it says that it writes
    for the lender; a lender that writes for itself is named alone."""
    context = sample_context(language, paid=True, opt_out_hint="-")

    agencys = render(name, channel, language, context.model_copy(update={"caller_name": "Recupera Sur"})).text
    own = render(name, channel, language, context).text

    assert re.search(r"Recupera Sur (por encargo de|em nome de|for) Credialba", agencys)
    if channel is Channel.EMAIL:
        assert re.search(r"^Recupera Sur (por encargo de|em nome de|for) Credialba$", agencys, re.MULTILINE)
        assert re.search(r"^Credialba$", own, re.MULTILINE)
    assert re.search(r"(por encargo de|em nome de|for) Credialba", own) is None


@pytest.mark.parametrize("language", ["es", "pt", "en"])
@pytest.mark.parametrize("name", ["payment_link", "payment_received", "funds_seen"])
def test_an_e_mail_shows_who_writes_for_whom_with_pictures_too(name: str, language: str) -> None:
    """Given an agency that collects for the lender, when its e-mail is shown as HTML, then it is signed as the text
    is; a lender that writes for itself is named alone."""
    context = sample_context(language, paid=True, opt_out_hint="-")

    agencys = render(name, Channel.EMAIL, language, context.model_copy(update={"caller_name": "Recupera Sur"})).html
    own = render(name, Channel.EMAIL, language, context).html

    assert re.search(r">Recupera Sur (por encargo de|em nome de|for) Credialba<", agencys or "")
    assert ">Credialba<" in (own or "")
    assert re.search(r"(por encargo de|em nome de|for) Credialba", own or "") is None


@pytest.mark.parametrize("language", ["es", "pt", "en"])
@pytest.mark.parametrize("name", ["account_overdue", "late_notice", "missed_payment"])
def test_a_call_gives_the_telephone_as_that_of_whoever_calls(name: str, language: str) -> None:
    text = render(name, Channel.CALL, language, sample_context(language, opt_out_hint="-")).text

    assert re.search(r"(nuestro teléfono es|nosso telefone é|our telephone is) \+?[\d ]", text)
    assert re.search(r"(préstamo con|empréstimo com|loan with) Credialba", text)


@pytest.mark.parametrize("language", ["es", "pt"])
def test_a_letter_does_not_read_as_written_on_behalf_of_the_borrower(language: str) -> None:
    for name in ("late_notice", "review_notice"):
        text = render(name, Channel.POST, language, sample_context(language, opt_out_hint="-")).text
        borrower = sample_context(language).borrower_name
        assert f"para {borrower}" in text
        assert f"nombre de {borrower}" not in text


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("es", r"por pagar 123,50\s€ de lo acordado para el 5 mar"),
        ("pt", r"pagar €\s123,50 do combinado para 5"),
        ("en", r"€\s?123.50 of what we agreed on is still to pay by Mar 5"),
    ],
)
def test_a_reminder_names_the_day_to_pay_on_not_a_day_of_agreeing(language: str, told: str) -> None:
    context = sample_context(language, agreed=True, opt_out_hint="-")

    text = render("agreed_reminder", Channel.SMS, language, context).text

    assert re.search(told, text), text


WHOLE_DEBT = re.compile(
    r"saldad|quitad|quita[cç]|paid.in.full|nothing more is due|la deuda|a d[ií]vida|the debt|settled", re.IGNORECASE
)


@pytest.mark.parametrize(
    ("name", "channel", "language"),
    [each for each in SHIPPED if each[0] in ("payment_received", "reply_settlement_offer")],
)
def test_a_receipt_does_not_say_that_the_whole_debt_is_paid(name: str, channel: Channel, language: str) -> None:
    """Given that only the arrears of a loan were handed over and paid, when the receipt is read, or the offer to take
    less for them, then it speaks of what was asked for: more payments of the loan may fall due later."""
    message = render(name, channel, language, shipped_context(name, channel, language))

    for text in (message.text, message.html or ""):
        assert WHOLE_DEBT.search(text) is None


@pytest.mark.parametrize("language", ["es", "pt", "en"])
def test_an_offer_on_whatsapp_forgives_what_was_asked_for_and_no_more(language: str) -> None:
    ours = [one.ours for one in load_approved() if one.ours.template == "reply_settlement_offer"]

    bodies = [one.body for one in ours if one.written_in == language]

    assert bodies
    assert [body for body in bodies if WHOLE_DEBT.search(body)] == []


@pytest.mark.parametrize("language", ["es", "pt", "en"])
@pytest.mark.parametrize(("name", "channel"), [("late_notice", Channel.CALL), ("review_notice", Channel.POST)])
def test_one_day_is_one_day(name: str, channel: Channel, language: str) -> None:
    one_day, two_days = (
        render(name, channel, language, sample_context(language, days_past_due=days, opt_out_hint="-")).text
        for days in (1, 2)
    )

    assert re.search(r"\b1 (día|dia|day)\b", one_day)
    assert re.search(r"\b2 (días|dias|days)\b", two_days)


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
@pytest.mark.parametrize(("language", "by"), [("es", "como tarde el"), ("pt", "at[eé]"), ("en", "by")])
def test_the_day_by_which_a_person_writes_is_the_last_one_not_the_one_before(
    channel: Channel, language: str, by: str
) -> None:
    context = shipped_context("reply_with_care", channel, language)

    text = render("reply_with_care", channel, language, context).text

    assert re.search(rf"\b{by} (6|Mar 6|06)\b", text), text


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
@pytest.mark.parametrize(
    ("language", "otherwise"),
    [
        ("es", r"Si un pago no llega en plazo, .*se debe entero, menos lo pagado"),
        ("en", r"If a payment (?:is not|does not arrive) in time, .*less what was paid"),
        ("pt", r"Se um pagamento n[aã]o chegar no prazo, .*menos o que foi pago"),
    ],
)
def test_who_is_offered_to_pay_less_reads_what_happens_otherwise_before_the_yes(
    channel: Channel, language: str, otherwise: str
) -> None:
    text = render(
        "reply_settlement_offer", channel, language, shipped_context("reply_settlement_offer", channel, language)
    ).text
    ours = [one.ours for one in load_approved() if one.ours.template == "reply_settlement_offer"]
    approved = [one.body for one in ours if one.written_in == language]

    assert re.search(otherwise, text), text
    assert approved
    assert all(re.search(otherwise, " ".join(body.split())) for body in approved)


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
@pytest.mark.parametrize(
    ("language", "day"), [("es", "5 (de marzo|mar)"), ("en", "(March|Mar) 5"), ("pt", "0?5 de mar")]
)
def test_who_can_pay_what_was_agreed_reads_by_when_and_not_that_today_does_not_matter(
    channel: Channel, language: str, day: str
) -> None:
    """Given a link over an agreed payment, which may go out on its last day and to people who asked how to pay and
    never let their balance be read, when it is read, then it names the day, and claims no such permission."""
    text = render("agreed_link", channel, language, shipped_context("agreed_link", channel, language)).text

    assert re.search(day, text), text
    assert re.search(r"no pasa nada|that is fine|tudo bem", text) is None
    assert re.search(r"Nos diste permiso|You allowed us|Você nos autorizou", text) is None


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
@pytest.mark.parametrize(
    ("language", "over", "again"),
    [
        ("es", "(ya no vale|ha dejado de valer)", "a tiempo, gracias: .*vuelve a valer"),
        ("en", "(is over|is no longer in force)", "in time, thank you: .*(it stands|it is in force again)"),
        ("pt", "(ja nao vale|deixou de valer)", "no prazo, obrigado: .*volta a valer"),
    ],
)
def test_who_is_told_of_a_breach_reads_what_became_of_what_was_agreed(
    channel: Channel, language: str, over: str, again: str
) -> None:
    text = render("agreed_broken", channel, language, shipped_context("agreed_broken", channel, language)).text

    assert re.search(over, text), text
    assert re.search(again, text), text


@pytest.mark.parametrize(("language", "ask"), [("es", "Pide el"), ("en", "Ask for the"), ("pt", "Peca o")])
def test_a_text_without_the_documents_address_says_where_to_ask_for_it(language: str, ask: str) -> None:
    context = shipped_context("agreed_document", Channel.SMS, language)
    address = "https://pay.example/document/1"

    without = render("agreed_document", Channel.SMS, language, context.model_copy(update={"document_url": None})).text
    with_it = render(
        "agreed_document", Channel.SMS, language, context.model_copy(update={"document_url": address})
    ).text

    assert f"{ask} document" in without
    assert f"{ask} document" not in with_it
    assert address in with_it


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL, Channel.WHATSAPP])
@pytest.mark.parametrize("language", ["es", "pt", "en"])
@pytest.mark.parametrize("name", ["agreed_reminder", "agreed_missed", "agreed_broken", "agreed_link"])
def test_what_is_left_of_an_agreed_payment_is_not_called_the_payment_that_was_agreed(
    name: str, language: str, channel: Channel
) -> None:
    """Given 70.00 paid of 100.00 that were agreed on, when what is left is asked for, then nobody reads that 30.00 were
    agreed on."""
    of = r"de lo acordado|de lo que acordamos|do combinado|do que combinamos|of what we agreed on"
    called = r"pago de AMOUNT|pagar[ií]as AMOUNT|\b(los|os|the) AMOUNT|pagamento de AMOUNT|combinamos AMOUNT"
    called += r"|pagaria AMOUNT|payment of AMOUNT|agreed on AMOUNT"
    if channel is Channel.WHATSAPP:
        bodies = [
            one.ours.body for one in load_approved() if one.ours.template == name and one.ours.written_in == language
        ]
        texts = [" ".join(body.split()).replace("{{agreed_amount}}", "AMOUNT") for body in bodies]
    else:
        message = render(name, channel, language, shipped_context(name, channel, language))
        texts = [re.sub(r"(€|US\$|\$)?\s?123[.,]50(\s€)?", " AMOUNT", message.text).replace("  ", " ")]

    assert texts
    for text in texts:
        assert "AMOUNT" in text
        assert re.search(of, text, re.IGNORECASE), text
        assert re.search(called, text) is None, text


@pytest.mark.parametrize(
    ("language", "time_left", "change"),
    [
        ("es", "a[uú]n est[aá]s a tiempo", "cambiarlo|otra fecha"),
        ("pt", "[Aa]inda d[aá] tempo", "mudar|outra data"),
        ("en", "[Tt]here is still time", "change it|another date"),
    ],
)
def test_who_missed_an_agreed_payment_reads_that_there_is_time_and_is_offered_no_other_day(
    language: str, time_left: str, change: str
) -> None:
    """Given a payment whose day passed, which nobody can move any more, when its message is read by whichever channel,
    then it says that the money still counts, and does not offer what would be refused."""
    approved = [one.ours for one in load_approved() if one.ours.template == "agreed_missed"]
    texts = [one.body for one in approved if one.written_in == language]
    for channel in (Channel.SMS, Channel.EMAIL):
        texts.append(
            render("agreed_missed", channel, language, shipped_context("agreed_missed", channel, language)).text
        )

    assert len(texts) > 2
    for text in texts:
        told = " ".join(text.split())
        assert re.search(time_left, told, re.IGNORECASE), told
        assert re.search(change, told) is None, told


@pytest.mark.parametrize("name", ["payment_received", "part_payment_received"])
@pytest.mark.parametrize(
    ("language", "noted", "received"),
    [
        ("es", "Hemos anotado a favor de Credialba tu pago", "Hemos recibido tu pago"),
        ("pt", "Registramos em favor de Credialba seu pagamento", "Recebemos seu pagamento"),
        ("en", "We have recorded for Credialba your payment", "We have received your payment"),
    ],
)
def test_an_agencys_email_does_not_say_that_the_agency_was_paid(
    name: str, language: str, noted: str, received: str
) -> None:
    """Given an agency that collects for the lender, when its e-mail brings a receipt, then what came is the lender's;
    where the lender collects itself, it has received it."""
    context = shipped_context(name, Channel.EMAIL, language)

    lenders = render(name, Channel.EMAIL, language, context)
    agencys = render(name, Channel.EMAIL, language, context.model_copy(update={"caller_name": "Recupera Sur"}))

    for mine, others in ((lenders.text, agencys.text), (lenders.html or received, agencys.html or noted)):
        assert received in mine
        assert noted in others
        assert received not in others


@pytest.mark.parametrize(
    ("language", "how"),
    [
        ("es", "Puedes pagar como lo haces siempre, o llamando al"),
        ("pt", "Você pode pagar como costuma fazer, ou ligando para"),
        ("en", "You can pay as you always do, or by calling"),
    ],
)
def test_the_email_with_what_was_agreed_says_how_to_pay_though_it_has_no_link(language: str, how: str) -> None:
    """Given a document, which never comes with a payment link, when its e-mail is read, then it says how to pay; with a
    link it is by that."""
    context = shipped_context("agreed_document", Channel.EMAIL, language)

    with_link = render("agreed_document", Channel.EMAIL, language, context).text
    without = render("agreed_document", Channel.EMAIL, language, context.model_copy(update={"link_url": None})).text

    assert how in without
    assert how not in with_link
    assert str(context.link_url) in with_link

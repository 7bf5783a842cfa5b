"""A template written by a lender reaches nothing but the values of its own message, and always ends."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from config.message_context import sample_context
from config.templates import TemplateError, render
from domain.contact import Channel

REACHING_OUT = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ lender_name.__class__ }}",
    "{{ lender_name['__class__'] }}",
    "{{ lender_name|attr('__class__') }}",
    "{{ lender_name|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].environ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ config }}",
    "{{ request.application.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ environment }}",
    "{{ _locale }}",
    "{{ _locale.__class__ }}",
    "{{ context }}",
    "{{ dict(a=1) }}",
    "{{ [].append }}",
    "{{ [].__class__ }}",
    "{{ ().__class__.__bases__ }}",
    "{{ {}.__class__ }}",
    "{{ 1 .__class__ }}",
    "{{ amount_due.amount_minor.__class__ }}",
    "{{ amount_due.model_dump() }}",
    "{{ today.strftime('%Y') }}",
    "{{ '%s'|format(lender_name) }}",
    "{{ '{0.__class__}'.format(lender_name) }}",
    "{{ ''.join(['a']) }}",
    "{{ [lender_name]|map('attr', '__class__')|list }}",
    "{{ lender_name|map(attribute='__class__')|join }}",
    "{{ [1]|groupby('__class__') }}",
    "{{ lender_name|tojson }}",
    "{{ lender_name|pprint }}",
    "{{ lender_name|xmlattr }}",
    "{{ lender_name|safe }}",
    "{{ loan_id|list|random }}",
    "{{ caller() }}",
    "{{ varargs }}",
    "{{ loop }}",
    "{{ range(3) }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../settings.py' %}",
    "{% extends 'es/due_today.sms.txt' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import environ %}",
    "{% set x = lender_name.__class__ %}{{ x }}",
    "{% with x = lender_name %}{{ x }}{% endwith %}",
    "{% macro m() %}{{ varargs }}{% endmacro %}{{ m() }}",
    "{% block b %}{{ self.b() }}{% endblock %}",
    "{% filter attr('__class__') %}a{% endfilter %}",
    "{% call f() %}{% endcall %}",
    "{% autoescape false %}{{ lender_name }}{% endautoescape %}",
    "{% do lender_name.__class__ %}",
    "{% debug %}",
    "{% trans %}a{% endtrans %}",
    "{% if lender_name.__class__ %}a{% endif %}",
    "{{ lender_name if lender_name is callable else '' }}",
    "{{ lender_name is filter('x') }}",
    "{{ lender_name[0:1] }}",
    "{{ borrower_name or other_borrower }}",
]

NEVER_ENDING = [
    "{% for i in range(10**9) %}a{% endfor %}",
    "{% for i in range(10) recursive %}{{ loop(range(10)) }}{% endfor %}",
    "{{ range(10**9)|list }}",
    "{{ range(10**9)|join }}",
    "{{ 'a' * 10**9 }}",
    "{{ 10**10**8 }}",
    "{{ 9**9**9 }}",
    "{{ 'a' ~ 'a' }}",
    "{{ 'a'.ljust(10**9) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'a'|center(10**9) }}",
    "{{ lender_name|indent(10**9) }}",
    "{{ lorem|wordwrap(1) }}",
    "{{ lender_name|replace('', 'a' * 10**6) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set a = 'a' * 10**9 %}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{% if 1 %}" * 3000 + "a" + "{% endif %}" * 3000,
    "{{ lender_name" + "|upper" * 20_000 + " }}",
    "a" * 100_000,
]


def written(folder: Path, text: str, name: str = "attack.sms.txt") -> Path:
    (folder / "es").mkdir(exist_ok=True)
    (folder / "es" / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("attack", REACHING_OUT)
def test_what_reaches_beyond_its_own_values_is_refused(tmp_path: Path, attack: str) -> None:
    folder = written(tmp_path, f"Hola {attack}")

    with pytest.raises(TemplateError) as refused:
        render("attack", Channel.SMS, "es", sample_context("es"), folder=folder)

    said = str(refused.value)
    assert "attack.sms.txt" in said
    assert all(word not in said for word in ("root:", "Luc\u00eda", "PATH"))


@pytest.mark.parametrize("attack", NEVER_ENDING, ids=range(len(NEVER_ENDING)))
def test_what_would_never_end_or_never_stop_growing_ends_in_an_error_at_once(tmp_path: Path, attack: str) -> None:
    folder = written(tmp_path, f"Hola {attack}")
    began = time.process_time()

    with pytest.raises(TemplateError):
        render("attack", Channel.SMS, "es", sample_context("es"), folder=folder)

    assert time.process_time() - began < 3


@pytest.mark.parametrize("name", ["../es/due_today", "/etc/passwd", "due_today.sms", "..", "due\0today", "\u202edue"])
def test_a_name_leads_nowhere_but_into_the_templates(tmp_path: Path, name: str) -> None:
    with pytest.raises(TemplateError, match="template"):
        render(name, Channel.SMS, "es", sample_context("es"), folder=tmp_path)


def test_a_value_is_never_read_as_a_template(tmp_path: Path) -> None:
    folder = written(tmp_path, "Hola {{ borrower_name }}")
    context = sample_context("es").model_copy(update={"borrower_name": "{{ lender_phone }}"})

    assert render("attack", Channel.SMS, "es", context, folder=folder).text == "Hola {{ lender_phone }}"


def test_a_value_cannot_bring_markup_into_an_html_mail(tmp_path: Path) -> None:
    written(tmp_path, "Subject: a\n\nHola {{ borrower_name }}", "attack.email.txt")
    folder = written(tmp_path, "<p>{{ borrower_name }}</p>", "attack.email.html")
    context = sample_context("es").model_copy(update={"borrower_name": "<script>alert(1)</script>"})

    html = render("attack", Channel.EMAIL, "es", context, folder=folder).html

    assert html is not None
    assert "<script>" not in html


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("s3cret", encoding="utf-8")
    folder = tmp_path / "templates"
    (folder / "es").mkdir(parents=True)
    (folder / "es" / "attack.sms.txt").symlink_to(tmp_path / "secret.txt")

    with pytest.raises(TemplateError, match="outside"):
        render("attack", Channel.SMS, "es", sample_context("es"), folder=folder)

"""Message templates: found by name, channel and language, checked before use, rendered strictly.

`<folder>/<language>/<template>.<channel>.txt` is the text; an e-mail's first line is `Subject: ...` and it may have a
`<template>.email.mjml` or `<template>.email.html` beside it. A template may print values, filter them and choose
between wordings. It has no loops, calls, attributes or assignments, so rendering always ends; the sandbox stands
behind that as a second wall.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import mrml
from babel import Locale
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from config.localised import format_date, format_date_long, format_money, locale_of
from config.message_context import VARIABLES, MessageContext, RenderedMessage
from domain.contact import Channel
from domain.money import Money

TEMPLATES_FOLDER = Path(__file__).parent / "templates"

_MAX_FILE_BYTES = 64 * 1024
# Twilio refuses a longer SMS body; the others are bounded so that nothing can flood a carrier.
_MAX_OUTPUT = {Channel.SMS: 1600, Channel.WHATSAPP: 4096}
_MAX_OUTPUT_OTHERWISE = 100_000
_MAX_SUBJECT = 300
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_LANGUAGE = re.compile(r"[a-z]{2}")
_LOCALE = "_locale"
_MJML = ".mjml"
_FILTERS = frozenset({"money", "date", "date_long", "upper", "lower", "capitalize", "trim", "default"})
_TESTS = frozenset({"defined", "undefined"})
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.Test,
    nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not,
)  # fmt: skip
# A no-break space is no GSM-7 character: one of them would double the price of a text message.
_PLAIN_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})


class TemplateError(ValueError):
    """A template that is absent, refused or cannot be rendered; the text holds no borrower's data."""

    def __init__(self, file: str, reason: str, line: int | None = None) -> None:
        super().__init__(f"{file}{'' if line is None else f':{line}'}: {reason}")
        self.file, self.reason, self.line = file, reason, line


@pass_context
def _money(context: Context, value: object) -> str:
    if not isinstance(value, Money):
        str(value)  # one that is absent says so
        raise TypeError("money prints an amount")
    return format_money(value, _locale(context))


@pass_context
def _date(context: Context, value: object) -> str:
    return format_date(_day(value), _locale(context))


@pass_context
def _date_long(context: Context, value: object) -> str:
    return format_date_long(_day(value), _locale(context))


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError("date prints a day")
    return value


def _locale(context: Context) -> Locale:
    locale = context[_LOCALE]
    assert isinstance(locale, Locale)
    return locale


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=html, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()
    environment.filters.update({"money": _money, "date": _date, "date_long": _date_long})
    return environment


_TEXT = _environment(html=False)
_HTML = _environment(html=True)


@dataclass(frozen=True)
class _Part:
    file: str
    template: Template


@dataclass(frozen=True)
class _Message:
    subject: _Part | None
    text: _Part
    html: _Part | None


def render(
    template: str,
    channel: Channel,
    language: str,
    context: MessageContext,
    *,
    folder: Path = TEMPLATES_FOLDER,
) -> RenderedMessage:
    """Render one message. Raises TemplateError, which names the template and what it lacks."""
    message = _compiled(template, channel, language, folder)
    try:
        locale = locale_of(language, context.country)
    except ValueError as error:
        raise TemplateError(message.text.file, str(error)) from None
    values: dict[str, object] = {name: getattr(context, name) for name in VARIABLES}
    values = {name: value for name, value in values.items() if value is not None}
    values[_LOCALE] = locale
    limit = _MAX_OUTPUT.get(channel, _MAX_OUTPUT_OTHERWISE)
    text = _rendered(message.text, values, limit)
    if channel is Channel.SMS:
        text = text.translate(_PLAIN_SPACES)
    subject = None if message.subject is None else _rendered(message.subject, values, _MAX_SUBJECT)
    if subject is not None and len(subject.splitlines()) != 1:
        raise TemplateError(message.text.file, "the subject does not come out as one line", 1)
    html = None if message.html is None else _page(message.html, _rendered(message.html, values, limit))
    return RenderedMessage(subject=subject, text=text, html=html)


def _rendered(part: _Part, values: dict[str, object], limit: int) -> str:
    pieces: list[str] = []
    length = 0
    try:
        for piece in part.template.generate(values):
            pieces.append(piece)
            length += len(piece)
            if length > limit:
                raise TemplateError(part.file, f"comes out longer than {limit} characters")
    except TemplateError:
        raise
    except UndefinedError as error:
        found = re.match(r"'(\w+)' is undefined", str(error))
        name = found.group(1) if found else "a value"
        raise TemplateError(part.file, f"needs {name}, which this message does not have") from None
    except Exception as error:
        raise TemplateError(part.file, f"cannot be rendered ({type(error).__name__})") from None
    text = "".join(pieces).strip()
    if not text:
        raise TemplateError(part.file, "comes out empty")
    return text


@dataclass(frozen=True)
class Text:
    """A text that was checked as a template is, ready to be filled."""

    part: _Part

    def fill(self, language: str, context: MessageContext, limit: int = 4096) -> str:
        """The text with the values of `context`. Raises TemplateError."""
        try:
            locale = locale_of(language, context.country)
        except ValueError as error:
            raise TemplateError(self.part.file, str(error)) from None
        values: dict[str, object] = {name: getattr(context, name) for name in VARIABLES}
        values = {name: value for name, value in values.items() if value is not None}
        return _rendered(self.part, {**values, _LOCALE: locale}, limit)


def text_of(source: str, file: str) -> Text:
    """A text that stands in some other file than a template's own. Raises TemplateError."""
    return Text(_part(source, file, html=False))


def _page(part: _Part, markup: str) -> str:
    """HTML as mail programs show it; of MJML, whose values are escaped already, what it compiles to."""
    if not part.file.endswith(_MJML):
        return markup
    try:
        return str(mrml.to_html(markup).content)
    except OSError as error:
        raise TemplateError(part.file, f"is no MJML: {error}") from None


def languages(folder: Path = TEMPLATES_FOLDER) -> tuple[str, ...]:
    """The languages there are templates in."""
    return tuple(sorted(each.name for each in folder.glob("*") if each.is_dir() and _LANGUAGE.fullmatch(each.name)))


def template_names(channel: Channel, language: str, folder: Path = TEMPLATES_FOLDER) -> tuple[str, ...]:
    """The templates there are for a channel in a language, by name."""
    suffix = f".{channel}.txt"
    found = (each.name.removesuffix(suffix) for each in (folder / language).glob(f"*{suffix}"))
    return tuple(sorted(name for name in found if _NAME.fullmatch(name)))


def check_template(
    template: str,
    channel: Channel,
    language: str,
    context: MessageContext,
    *,
    folder: Path = TEMPLATES_FOLDER,
) -> TemplateError | None:
    """What keeps a template from being sent with the values in `context`, or None."""
    try:
        render(template, channel, language, context, folder=folder)
    except TemplateError as error:
        return error
    return None


def opt_out_hint(
    channel: Channel, language: str, *, instead: str | None = None, folder: Path = TEMPLATES_FOLDER
) -> str:
    """How to stop messages on `channel`, as a sentence: `<language>/_opt_out.<channel>.txt`.

    `instead`: the telephone number to call where the sender cannot be answered, as a name cannot; the sentence is then
    that of `_opt_out.<channel>.one_way.txt`, where it stands as `{phone}`. Raises TemplateError.
    """
    if not _LANGUAGE.fullmatch(language):
        raise TemplateError(language, "is no language: expected two letters such as es")
    path = _text_file("_opt_out", channel, language, folder)
    if instead is not None:
        path = path.with_name(f"_opt_out.{channel}.one_way.txt")
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        stamp = 0
    hint = _hint(path, stamp, folder)
    return hint if instead is None else hint.replace("{phone}", instead)


def as_one_way(
    context: MessageContext, channel: Channel, language: str, *, folder: Path = TEMPLATES_FOLDER
) -> MessageContext:
    """The context of a message whose sender is a name, which nobody can answer. Raises TemplateError."""
    hint = opt_out_hint(channel, language, instead=context.lender_phone, folder=folder)
    return context.model_copy(update={"one_way": True, "opt_out_hint": hint})


@lru_cache(maxsize=256)
def _hint(path: Path, _stamp: int, folder: Path) -> str:
    return " ".join(_read(path, _shown(path, folder)).split())


def _text_file(name: str, channel: Channel, language: str, folder: Path) -> Path:
    """Where the text is: WhatsApp's is that of the text message where it has none of its own."""
    path = folder / language / f"{name}.{channel}.txt"
    if channel is Channel.WHATSAPP and not path.is_file():
        other = folder / language / f"{name}.{Channel.SMS}.txt"
        return other if other.is_file() else path
    return path


def _html_file(path: Path) -> Path:
    """The e-mail's HTML part: MJML where there is one, else plain HTML; perhaps neither is there."""
    mjml = path.with_suffix(_MJML)
    return mjml if mjml.is_file() else path.with_suffix(".html")


def _shown(path: Path, folder: Path) -> str:
    return str(Path(folder.name) / path.relative_to(folder))


def _compiled(template: str, channel: Channel, language: str, folder: Path) -> _Message:
    if not _LANGUAGE.fullmatch(language):
        raise TemplateError(repr(language), "is no language: expected two letters such as es")
    if not _NAME.fullmatch(template):
        raise TemplateError(repr(template), "is no template name: expected lower-case letters, digits, - and _")
    path = _text_file(template, channel, language, folder)
    html = _html_file(path) if channel is Channel.EMAIL else None
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        near = difflib.get_close_matches(template, template_names(channel, language, folder), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise TemplateError(_shown(path, folder), f"there is no such template{hint}") from None
    html_stamp = html.stat().st_mtime_ns if html is not None and html.is_file() else None
    return _load(path, stamp, html if html_stamp is not None else None, html_stamp, folder, channel)


# The time stamps are part of the key, so that an edited template is read again.
@lru_cache(maxsize=1024)
def _load(
    path: Path, stamp: int, html: Path | None, html_stamp: int | None, folder: Path, channel: Channel
) -> _Message:
    file = _shown(path, folder)
    source = _read(path, file)
    subject = None
    if channel is Channel.EMAIL:
        first, _, rest = source.partition("\n")
        if not first.startswith("Subject: ") or not first.removeprefix("Subject: ").strip():
            raise TemplateError(file, "an e-mail begins with a line such as: Subject: Your account", 1)
        subject = _part(first.removeprefix("Subject: "), file, html=False)
        source = "\n" + rest
    text = _part(source, file, html=False)
    if html is None:
        return _Message(subject, text, None)
    html_file = _shown(html, folder)
    return _Message(subject, text, _part(_read(html, html_file), html_file, html=True))


def _read(path: Path, file: str) -> str:
    if not path.resolve().is_relative_to(path.parent.parent.resolve()):
        raise TemplateError(file, "the file is a link that leads outside the templates")
    try:
        raw = path.read_bytes()
        if len(raw) > _MAX_FILE_BYTES:
            raise TemplateError(file, f"the file has {len(raw)} bytes: expected at most {_MAX_FILE_BYTES}")
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise TemplateError(file, "the file is not UTF-8 text") from None
    except OSError as error:
        raise TemplateError(file, f"the file cannot be read: {error.strerror or 'unknown error'}") from None


def _part(source: str, file: str, *, html: bool) -> _Part:
    environment = _HTML if html else _TEXT
    try:
        tree = environment.parse(source)
        _refuse(tree, file)
        return _Part(file, environment.from_string(source))
    except TemplateSyntaxError as error:
        raise TemplateError(file, f"template syntax: {error.message}", error.lineno) from None
    except RecursionError:
        raise TemplateError(file, "template syntax: nested too deeply") from None


def _refuse(tree: nodes.Template, file: str) -> None:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            raise TemplateError(file, f"{_words(node)} is not allowed in a template", node.lineno)
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            raise TemplateError(file, f"there is no filter {node.name!r}{_near(node.name, _FILTERS)}", node.lineno)
        if isinstance(node, nodes.Test) and node.name not in _TESTS:
            raise TemplateError(file, f"there is no test {node.name!r}{_near(node.name, _TESTS)}", node.lineno)
        if isinstance(node, nodes.Name) and node.name not in VARIABLES:
            raise TemplateError(file, f"there is no value {node.name!r}{_near(node.name, VARIABLES)}", node.lineno)


_NODE_WORDS = {"Getattr": "an attribute", "Getitem": "an index", "Call": "a call", "For": "a loop"}


def _words(node: nodes.Node) -> str:
    kind = type(node).__name__
    return _NODE_WORDS.get(kind, f"{kind.lower()!r}")


def _near(name: str, known: tuple[str, ...] | frozenset[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""

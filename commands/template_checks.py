"""Every template held against the content rules of the markets it is used in, with invented values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.numbers import get_territory_currencies
from pydantic import ValidationError

from config.content_rules import load_content
from config.lawful_messages import NAMES_THE_CALLER, VOICEMAIL, missing_settings, written_and_checked
from config.lender_settings import Lender
from config.message_context import MessageContext, full_sample
from config.templates import TemplateError, as_one_way, languages, opt_out_hint, template_names
from domain.contact import Actor, Channel, Purpose
from domain.content_rules import Circumstances, ContentBook, Finding
from domain.content_rules.model import ContentPack
from domain.one_way_texts import answer_asked_for
from domain.sms_price import PriceAdvice, price_advice
from domain.sms_segments import SmsSize, sms_size

CHANNELS = (Channel.SMS, Channel.EMAIL, Channel.WHATSAPP, Channel.CALL, Channel.POST)
_PART_OF_A_CALL = "call-"
"""A question, an answer, a menu: no message by itself, so nothing has to be in it, but in those that say who calls."""


@dataclass(frozen=True)
class Case:
    """One message that a template makes: in which market, by which channel, sent by whom, first or later."""

    template: str
    language: str
    channel: Channel
    market: str
    actor: Actor
    first_contact: bool

    def __str__(self) -> str:
        when = "first contact" if self.first_contact else "later contact"
        return f"{self.language}/{self.template}.{self.channel} in {self.market} ({self.actor}, {when})"


@dataclass(frozen=True)
class Result:
    """What speaks against one message. `error` is why it cannot even be written, or what it asks of people that they
    cannot do; `size` and `advice` are of the text message as its market's sender sends it."""

    case: Case
    findings: tuple[Finding, ...]
    error: str | None
    size: SmsSize | None
    advice: PriceAdvice | None

    @property
    def passes(self) -> bool:
        return self.error is None and not any(finding.forbids for finding in self.findings)


def sample_lender(actor: Actor) -> Lender:
    """An invented sender of whom everything is known that any market's law asks for."""
    return Lender(
        name="Credialba",
        phone="+1 202-555-0110",
        collects_as=actor,
        agency="Recupera Sur",
        agent="Ana Ruiz",
        address="Calle Mayor 10, Ciudad",
        responsible="Luis Prado",
        complaints="quejas@credialba.example",
    )


def check_templates(
    markets: Iterable[str],
    *,
    folder: Path,
    lender: Lender | None = None,
    names: frozenset[str] | None = None,
    book: ContentBook | None = None,
    one_way: Collection[str] = (),
) -> Iterator[Result]:
    """Every template in the languages of each market; with `lender`, as that sender alone would send it.

    `one_way`: the markets in which the sender of text messages is a name, which nobody can answer.
    """
    book = book or load_content()
    there = languages(folder)
    for market in markets:
        pack = book.pack(market)
        spoken = () if pack is None else pack.languages
        for language in (each for each in spoken if each in there):
            for channel in CHANNELS:
                for template in template_names(channel, language, folder):
                    if _is_checked(template, pack) and (names is None or template in names):
                        for actor in (lender.collects_as,) if lender else tuple(Actor):
                            for first in (True, False):
                                case = Case(template, language, channel, market, actor, first)
                                sender = lender or sample_lender(actor)
                                yield _checked(case, sender, folder, book, one_way=market in one_way)


def _is_checked(template: str, pack: ContentPack | None) -> bool:
    if template == VOICEMAIL:
        return pack is not None and pack.voicemail.allowed
    return not template.startswith(_PART_OF_A_CALL) or template in NAMES_THE_CALLER


def _checked(case: Case, lender: Lender, folder: Path, book: ContentBook, *, one_way: bool) -> Result:
    circumstances = Circumstances(
        market=case.market,
        channel=case.channel,
        actor=case.actor,
        told=frozenset() if case.first_contact else frozenset(Purpose),
        debt_age_years=0.1,
    )
    try:
        context = _context(case, lender, folder)
        message, findings = written_and_checked(
            case.template, case.language, context, lender, circumstances, book, folder=folder
        )
        if case.channel is not Channel.SMS:
            return Result(case, findings, None, None, None)
        alone = _one_way_context(context, case.language, folder, must=one_way)
        if alone is None:
            return Result(case, findings, None, sms_size(message.text), price_advice(message.text))
        text, more = written_and_checked(
            case.template, case.language, alone, lender, circumstances, book, folder=folder
        )
    except (TemplateError, ValidationError) as error:
        why = str(error) if isinstance(error, TemplateError) else "the sender's facts do not fit in a message"
        return Result(case, (), why, None, None)
    findings = (*findings, *(each for each in more if each.rule not in {one.rule for one in findings}))
    asked = answer_asked_for(text.text, case.language, alone.lender_phone)
    told = None if asked is None else _asks_in_vain(asked)
    sent = text.text if one_way else message.text
    return Result(case, findings, told, sms_size(sent), price_advice(sent))


def _one_way_context(context: MessageContext, language: str, folder: Path, *, must: bool) -> MessageContext | None:
    """As from a name. Without a hint of their own for it templates are not for names: None, or TemplateError where one
    `must` be there."""
    try:
        return as_one_way(context, Channel.SMS, language, folder=folder)
    except TemplateError:
        if must:
            raise
        return None


def _asks_in_vain(word: str) -> str:
    return (
        f"asks for an answer ({word!r}) where the sender is a name, which nobody can answer: "
        "with `one_way` say whom to call instead"
    )


def _context(case: Case, lender: Lender, folder: Path) -> MessageContext:
    try:
        hint: str | None = opt_out_hint(case.channel, case.language, folder=folder)
    except TemplateError:
        hint = None
    currency = (get_territory_currencies(case.market) or ["EUR"])[0]
    sample = full_sample(case.language, country=case.market, currency=currency, opt_out_hint=hint)
    caller = lender.caller_on_calls if case.channel is Channel.CALL else lender.caller
    return MessageContext.model_validate(
        {**dict(sample), "lender_name": lender.name, "lender_phone": lender.phone, "caller_name": caller}
    )


def preview(
    template: str,
    channel: Channel,
    language: str | None,
    market: str,
    *,
    agency: bool,
    first_contact: bool,
    folder: Path,
    one_way: bool = False,
) -> str:
    """One message with what law adds, and below it everything that speaks against it. Raises TemplateError.

    `one_way`: the sender of text messages is a name, which nobody can answer.
    """
    book = load_content()
    pack = book.pack(market)
    spoken = language or next((each for each in (pack.languages if pack else ()) if each in languages(folder)), "en")
    actor = Actor.AGENCY if agency else Actor.CREDITOR
    case = Case(template, spoken, channel, market, actor, first_contact)
    lender = sample_lender(actor)
    told: frozenset[Purpose] = frozenset() if first_contact else frozenset(Purpose)
    circumstances = Circumstances(market=market, channel=channel, actor=actor, told=told, debt_age_years=0.1)
    context = _context(case, lender, folder)
    if one_way and channel is Channel.SMS:
        context = as_one_way(context, channel, spoken, folder=folder)
    message, findings = written_and_checked(template, spoken, context, lender, circumstances, book, folder=folder)
    lines = [f"Subject: {message.subject}\n" if message.subject else "", message.text, ""]
    if channel is Channel.SMS:
        size = sms_size(message.text)
        lines.append(f"({size.segments} SMS, {size.units} units, {size.encoding})")
        lines += [f"price: {advice}"] if (advice := price_advice(message.text)) else []
    lines += [_told(finding) for finding in findings] or ["It may be sent."]
    return "\n".join(lines).strip()


def problem_lines(results: Iterable[Result]) -> list[str]:
    """One line for each thing wrong with a template; the markets it is wrong in stand together."""
    return [f"{file}: {told} [{where}]" for file, told, where in _problems(results)]


def problems_alike(results: Iterable[Result]) -> list[str]:
    """As `problem_lines`, but what is wrong with many templates alike is told once, with the first of them."""
    files: dict[tuple[str, str], list[str]] = {}
    for file, told, where in _problems(results):
        files.setdefault((told, where), []).append(file)
    return [f"{_first_of(alike)}: {told} [{where}]" for (told, where), alike in files.items()]


def _first_of(files: list[str]) -> str:
    return files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"


def _problems(results: Iterable[Result]) -> list[tuple[str, str, str]]:
    """File, what is wrong with it and where."""
    places: dict[tuple[str, str], list[Case]] = {}
    for result in results:
        case = result.case
        file = f"{case.language}/{case.template}.{case.channel}"
        told = [result.error] if result.error is not None else [_told(finding) for finding in result.findings]
        for each in told:
            places.setdefault((file, each), []).append(case)
    return [(file, told, _where(cases)) for (file, told), cases in places.items()]


def price_lines(results: Iterable[Result]) -> list[str]:
    """One line for each template whose text messages cost more than they need."""
    places: dict[tuple[str, str], list[Case]] = {}
    for result in results:
        if result.advice is not None:
            file = f"{result.case.language}/{result.case.template}.{result.case.channel}"
            places.setdefault((file, str(result.advice)), []).append(result.case)
    return [f"{file}: {told} [{_where(cases)}]" for (file, told), cases in places.items()]


def _told(finding: Finding) -> str:
    return f"{'' if finding.forbids else 'warning: '}{finding}{missing_settings((finding,))}"


def _where(cases: list[Case]) -> str:
    markets = ", ".join(dict.fromkeys(case.market for case in cases))
    actors = {case.actor for case in cases}
    first = {case.first_contact for case in cases}
    words = [markets]
    if len(actors) == 1:
        words.append(f"{next(iter(actors))} only")
    if first == {True}:
        words.append("first contact")
    return "; ".join(words)

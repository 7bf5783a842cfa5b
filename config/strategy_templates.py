"""Whether every template a strategy names is there and can be sent, in each language, by each channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from config.agreement_parts import AGREEMENT_PARTS, messages_written
from config.message_context import MessageContext, sample_answer, sample_context
from config.strategy_parts import shown
from config.templates import TemplateError, opt_out_hint, render
from config.yaml_source import FieldPath, Problem, Value, YamlSource
from domain.contact import Channel
from domain.conversation.model import AnswerKind
from domain.money import is_currency


def template_problems(source: YamlSource, languages: tuple[str, ...], folder: Path) -> Iterator[Problem]:
    """One problem for each template, channel and language that would fail.

    Sample values hold what a message of that kind will have: a link only where one is offered, a payment
    only in a receipt, a due date ahead for a step before it.
    """
    data = source.data
    if not isinstance(data, dict):
        return
    currency = data.get("currency")
    currency = currency if isinstance(currency, str) and is_currency(currency) else "EUR"
    for path, part in _parts(data):
        template, channels = part.get("template"), part.get("channels")
        if not isinstance(template, str) or not isinstance(channels, list):
            continue
        for channel in (Channel(each) for each in channels if isinstance(each, str) and each in set(Channel)):
            for language in languages:
                context = _sample(path, part, channel, language, currency, folder)
                try:
                    render(template, channel, language, context, folder=folder)
                except TemplateError as error:
                    yield Problem(
                        file=source.file,
                        line=source.line_of((*path, "template")),
                        field=shown((*path, "template"), data),
                        reason=f"{channel} in {language}: {error}",
                    )


def _parts(data: dict[str, Value]) -> Iterator[tuple[FieldPath, dict[str, Value]]]:
    steps = data.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict):
            yield ("steps", index), step
    for name in ("watch", "receipt"):
        part = data.get(name)
        if isinstance(part, dict):
            yield (name,), part
    receipt = data.get("receipt")
    if isinstance(receipt, dict) and receipt.get("part_template") is not None:
        yield ("receipt",), {**receipt, "template": receipt["part_template"]}
    watch = data.get("watch")
    if isinstance(watch, dict) and watch.get("renew_days_before") is not None:
        yield ("watch", "renew_template"), {**watch, "template": watch.get("renew_template", "consent_request")}
    yield from messages_written(data)
    if isinstance(data.get("conversation"), dict):
        for kind in AnswerKind:
            yield ("conversation",), {"template": kind.value, "channels": ["sms", "email"]}


def _sample(
    path: FieldPath, part: dict[str, Value], channel: Channel, language: str, currency: str, folder: Path
) -> MessageContext:
    try:
        hint: str | None = opt_out_hint(channel, language, folder=folder)
    except TemplateError:
        hint = None
    before_due = str(part.get("dpd") or "").startswith("-")
    if path == ("conversation",):
        return sample_answer(str(part["template"]), language, currency, hint)
    return sample_context(
        language,
        currency=currency,
        days_past_due=-3 if before_due else 7,
        link=path == ("watch",) or path[-1] == "link" or part.get("kind") == "offer_link",
        agreed=path[0] in AGREEMENT_PARTS,
        paid=path == ("receipt",),
        debit=part.get("kind") == "debit",
        opt_out_hint=hint,
    )

"""Rendering a message and holding it against its market's content rules, in one step that cannot be left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from config.content_facts import facts_of, stand_in, stand_in_facts, with_notice
from config.lender_settings import Lender
from config.message_context import MessageContext, RenderedMessage
from config.templates import TEMPLATES_FOLDER, TemplateError, render
from domain.contact import Channel
from domain.content_rules import Circumstances, ContentBook, Finding, Wording, check_content

OPENING = "call-opening"
"""The template of what whoever answers a call hears first."""
VOICEMAIL = "call-voicemail"
"""The template of the neutral message that is left where nobody answers."""
NAMES_THE_CALLER = frozenset({OPENING, "call-person"})
"""The lines of a call that say who calls: nothing is looked for in them but that, and a name that tells of a debt."""
Written = Callable[[MessageContext], RenderedMessage]

_CALLER = frozenset({"caller"})
_SHOWS_A_DEBT = frozenset({"ALL.content.caller_shows_no_debt", "ALL.content.agency_caller_shows_no_debt"})
# What the settings call each fact that a rule may find missing.
_SETTINGS = ("agency", "agent", "address", "responsible", "complaints")


class ContentRefused(Exception):
    """A message that may not be sent as it is. The text names the rules and holds no borrower's data."""

    def __init__(self, template: str, language: str, findings: tuple[Finding, ...]) -> None:
        told = "; ".join(str(finding) for finding in findings) + missing_settings(findings)
        super().__init__(f"template {template} in {language}: {told}")
        self.findings = findings


def written_and_checked(
    template: str,
    language: str,
    context: MessageContext,
    lender: Lender,
    circumstances: Circumstances,
    book: ContentBook,
    *,
    folder: Path = TEMPLATES_FOLDER,
    written: Written | None = None,
) -> tuple[RenderedMessage, tuple[Finding, ...]]:
    """The message with the lines its market's law adds, and everything that speaks against sending it.

    A call is held to its opening as well: it is not made to be hung up as soon as somebody answers.
    `written` writes it instead of the template's file, as a platform's approved template does.
    Raises TemplateError, and pydantic.ValidationError for sender's facts that are too long for a message.
    """
    channel = circumstances.channel
    circumstances = circumstances.model_copy(update={"channel": _held_as(template, channel)})
    try:
        facts = facts_of(lender, context, language, circumstances.channel)
    except ValueError as error:
        raise TemplateError(template, str(error)) from None
    nobody, plain_facts = stand_in(context), stand_in_facts(facts)
    context = with_notice(context, facts, circumstances, language, book)
    nobody = with_notice(nobody, plain_facts, circumstances, language, book)
    if written is None:
        message = render(template, channel, language, context, folder=folder)
        authored = render(template, channel, language, nobody, folder=folder)
    else:
        message, authored = written(context), written(nobody)
    topics = _CALLER if template in NAMES_THE_CALLER else None
    findings = check_content(_wording(message), circumstances, facts, book, authored=_wording(authored), topics=topics)
    if channel is Channel.CALL and circumstances.channel is not channel:
        opening, authored = (render(OPENING, channel, language, each, folder=folder) for each in (context, nobody))
        around = circumstances.model_copy(update={"channel": channel})
        heard = facts_of(lender, context, language, channel)
        findings += check_content(_wording(opening), around, heard, book, authored=_wording(authored), topics=_CALLER)
    return message, findings


def lawful_message(
    template: str,
    language: str,
    context: MessageContext,
    lender: Lender,
    circumstances: Circumstances,
    book: ContentBook,
    written: Written | None = None,
) -> RenderedMessage:
    """The message as it may be sent. Raises ContentRefused, and what `written_and_checked` raises."""
    message, findings = written_and_checked(template, language, context, lender, circumstances, book, written=written)
    forbidding = tuple(finding for finding in findings if finding.forbids)
    if forbidding:
        raise ContentRefused(template, language, forbidding)
    return message


def _held_as(template: str, channel: Channel) -> Channel:
    """What the right person hears on a call is held to what may be written in a letter; the content rules of calls
    are about what anybody hears: who calls, and messages that are left for whoever plays them."""
    about_a_debt = template != VOICEMAIL and template not in NAMES_THE_CALLER
    return Channel.POST if channel is Channel.CALL and about_a_debt else channel


def with_lawful_lines(
    context: MessageContext, language: str, lender: Lender, circumstances: Circumstances, book: ContentBook
) -> MessageContext:
    """The values a message has to show, with what law asks this sender to add. Raises as `written_and_checked`."""
    try:
        facts = facts_of(lender, context, language, circumstances.channel)
    except ValueError as error:
        raise TemplateError(language, str(error)) from None
    return with_notice(context, facts, circumstances, language, book)


def missing_settings(findings: tuple[Finding, ...]) -> str:
    """` (set RECOBRO_LENDER__ADDRESS, ...)` where facts about the sender are missing or calls need another name."""
    lacking = " ".join(finding.lacks or "" for finding in findings)
    names = [name for name in _SETTINGS if f"the {name}, which is not known" in lacking]
    if any(finding.rule in _SHOWS_A_DEBT for finding in findings):
        names.append("calls_as")
    if not names:
        return ""
    variables = ", ".join(f"RECOBRO_LENDER__{name.upper()}" for name in names)
    true_name = "; calls go under a registered or trade name of yours, no invented one" if "calls_as" in names else ""
    return f" (set {variables}, or the same in RECOBRO_LENDERS{true_name})"


def _wording(message: RenderedMessage) -> Wording:
    return Wording(subject=message.subject, text=message.text, html=message.html)

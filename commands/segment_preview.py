"""What a one-off message to a segment would do now: whom it reaches, what holds it back, what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from activities.contact_slots import ContactSlots, NoChannel, NotWanted, NotYet, Slot
from activities.message_writing import circumstances_of, is_one_way, message_context, write_message
from activities.orders import ContactOrder
from commands.console import Refused, did_you_mean
from config.costs import load_costs
from config.lawful_messages import ContentRefused
from config.message_context import RenderedMessage, sample_context
from config.settings import Settings
from config.templates import TemplateError, languages, opt_out_hint, render, template_names
from domain.contact import Channel, Purpose
from domain.costs import message_cost
from domain.notices import step_of
from domain.segment import Condition
from domain.sms_segments import sms_size
from records import segment_sends
from records.tables import Loan, Person

SAMPLES = 3
WRITTEN_BY_US = (Channel.SMS, Channel.WHATSAPP, Channel.EMAIL)
_INVENTED_LINK = "https://pay.example/l/0000000000000000000000000000"


@dataclass(frozen=True)
class Sample:
    loan_id: str
    channel: Channel
    message: RenderedMessage


@dataclass
class Preview:
    """`now` and `later` by channel, `refused` by rule id or reason (a loan may be refused by several).

    `segments` are of text messages, with a link of a usual length where one will stand.
    """

    send_id: str
    template: str
    channels: tuple[Channel, ...]
    with_link: bool
    loans: list[tuple[int, int]] = field(default_factory=list)
    now: Counter[Channel] = field(default_factory=Counter)
    later: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    unreachable: int = 0
    segments: int = 0
    cost_micros: int = 0
    cost_currency: str = ""
    """What it costs if every loan that is not refused gets it by its first channel, in millionths of the currency."""
    samples: list[Sample] = field(default_factory=list)


def channels_for(template: str, given: Sequence[str] | None) -> tuple[Channel, ...]:
    """The channels asked for, else those the template is written for. Raises Refused."""
    known = {name for language in languages() for each in WRITTEN_BY_US for name in template_names(each, language)}
    if template not in known:
        raise Refused(f"no template {template[:60]!r}{did_you_mean(template, sorted(known))}")
    written = tuple(
        each for each in WRITTEN_BY_US if any(template in template_names(each, language) for language in languages())
    )
    if not given:
        return tuple(each for each in written if each is not Channel.WHATSAPP) or written
    chosen: list[Channel] = []
    for name in given:
        if name not in {each.value for each in written}:
            expected = ", ".join(each.value for each in written)
            raise Refused(f"--channel: {name[:20]!r}: template {template} is written for {expected}")
        if Channel(name) not in chosen:
            chosen.append(Channel(name))
    return tuple(chosen)


def needs_link(template: str, channels: Sequence[Channel]) -> bool:
    """Whether the message prints a payment link."""
    for channel in channels:
        for language in languages():
            if template in template_names(channel, language):
                context = sample_context(language, link=False, opt_out_hint=opt_out_hint(channel, language))
                try:
                    render(template, channel, language, context)
                except TemplateError as error:
                    if "link_url" in error.reason:
                        return True
    return False


def preview(
    session: Session,
    settings: Settings,
    slots: ContactSlots,
    *,
    lender: str,
    condition: Condition,
    told: Preview,
    at: datetime,
) -> Preview:
    """Fill `told` for the lender's loans that meet the condition now. Keeps nothing. Raises Refused."""
    missing: Counter[tuple[Channel, str]] = Counter()
    for loan, person in segment_sends.matching(session, lender, condition, at):
        assert loan.id is not None
        told.loans.append((loan.id, loan.entry))
        for channel in told.channels:
            if told.template not in template_names(channel, person.language):
                missing[channel, person.language] += 1
        if not missing:
            _judge(session, settings, slots, told, loan, person, at)
    for (channel, language), number in sorted(missing.items()):
        raise Refused(
            f"template {told.template} has no {channel} text in {language}, the language of {number:,} of the "
            f"{len(told.loans):,} loans: write it, or name other channels with --channel"
        )
    return told


def _judge(
    session: Session, settings: Settings, slots: ContactSlots, told: Preview, loan: Loan, person: Person, at: datetime
) -> None:
    order = ContactOrder(
        lender=loan.lender,
        loan_id=loan.loan_id,
        step=step_of(told.send_id),
        channels=told.channels,
        template=told.template,
        with_link=told.with_link,
    )
    match found := slots.find(session, loan, person, order, at, keep=False):
        case Slot(channel=channel):
            pass
        case NotYet():
            channel = told.channels[0]
        case NoChannel(refused=refused):
            told.unreachable += 1
            told.refused.update(refused)
            return
        case NotWanted():
            told.unreachable += 1
            told.refused["nothing is due"] += 1
            return
    try:
        message = _written(session, settings, told, loan, person, channel, at)
    except ContentRefused as refused_content:
        told.unreachable += 1
        told.refused[str(refused_content).splitlines()[0][:160]] += 1
        return
    except TemplateError as error:
        raise Refused(str(error)) from None
    if isinstance(found, NotYet):
        told.later.update(found.why.split(", "))
    else:
        told.now[channel] += 1
    cost = message_cost(load_costs(settings.costs), channel, person.country, message.text, order.purpose)
    told.cost_micros, told.cost_currency = told.cost_micros + cost.micros, cost.currency
    if channel is Channel.SMS:
        told.segments += sms_size(message.text).segments
    if len(told.samples) < SAMPLES:
        told.samples.append(Sample(loan.loan_id, channel, message))


def _written(
    session: Session, settings: Settings, told: Preview, loan: Loan, person: Person, channel: Channel, at: datetime
) -> RenderedMessage:
    lender = settings.lender_named(loan.lender)
    link = _INVENTED_LINK if told.with_link else None
    one_way = is_one_way(settings, channel, person.country)
    context = message_context(session, loan, person, lender, channel, at, link, one_way=one_way)
    circumstances = circumstances_of(session, loan, person, lender, channel, Purpose.COLLECTION, at)
    return write_message(told.template, person.language, context, lender, circumstances)

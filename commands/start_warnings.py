"""What an operator should know before a campaign starts: what carriers refuse, and what law will hold back."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import typer

from commands.console import Refused, agree
from config.platform_rules import load_sms, load_whatsapp
from config.settings import Settings
from domain.contact import Actor, Channel
from domain.platform_rules import category_warnings, one_way_warning, sender_refusal
from domain.strategy import StepKind, Strategy
from records.database import Database
from records.platform_notices import acknowledge_whatsapp, whatsapp_acknowledged

_TEMPLATES = Path(__file__).resolve().parent.parent / "config" / "templates"
_MOST_LINES = 10


def start_warnings(settings: Settings, lender: str, countries: Iterable[str], strategy: Strategy) -> list[str]:
    """Plain paragraphs, each once: what is not configured, carriers' terms, then what content rules hold back."""
    where = tuple(sorted(set(countries)))
    channels = channels_of(strategy)
    told = not_configured(settings, strategy, channels)
    if settings.twilio is not None and Channel.SMS in channels:
        told += _carrier(settings, lender, where)
    return told + _content(settings, lender, where, strategy)


def acknowledge(settings: Settings, lender: str, strategy: Strategy, database: Database, *, yes: bool) -> None:
    """WhatsApp's policy, shown once for a lender and then on record. Raises Refused: an agency, or a no."""
    if not settings.whatsapp_enabled or Channel.WHATSAPP not in channels_of(strategy):
        return
    rules = load_whatsapp()
    if settings.lender_named(lender).collects_as in rules.refused_actors:
        raise Refused(f"{rules.agency.text} ({rules.agency.source}) Switch RECOBRO_WHATSAPP_ENABLED off.")
    with database.reading() as session:
        if whatsapp_acknowledged(session, lender):
            return
    typer.echo(f"{rules.policy.text}\n({rules.policy.source})", err=True)
    agree("WhatsApp is switched on. Go on under this policy?", yes)
    with database.writing() as session:
        acknowledge_whatsapp(
            session,
            lender,
            actor=f"operator {getpass.getuser()}",
            rule=rules.policy.id,
            source=rules.policy.source,
            at=datetime.now(UTC),
        )


def channels_of(strategy: Strategy) -> frozenset[Channel]:
    """Every channel a strategy may use."""
    parts = [step.channels for step in strategy.steps]
    parts += [part.channels for part in (strategy.watch, strategy.receipt) if part is not None]
    parts += [message.channels for message in strategy.agreement_messages]
    return frozenset(channel for channels in parts for channel in channels)


def not_configured(settings: Settings, strategy: Strategy, channels: frozenset[Channel]) -> list[str]:
    """What the strategy needs and the settings lack, with what will happen."""
    told = []
    links = strategy.watch is not None or any(step.kind is StepKind.OFFER_LINK for step in strategy.steps)
    gateways = (settings.stripe, settings.mercadopago, settings.conekta, settings.bank_payments)
    if links and all(gateway is None for gateway in gateways):
        told.append(
            "No payment gateway is configured: a message with a payment link waits, and its loan with it, "
            "until RECOBRO_STRIPE__API_KEY is set, or another gateway's settings (docs/payments.md)."
        )
    if any(step.kind is StepKind.DEBIT for step in strategy.steps) and settings.direct_debit is None:
        told.append("No bank takes direct debits (RECOBRO_DIRECT_DEBIT__...): debit steps are passed over.")
    if strategy.watch is not None and settings.bank is None and settings.belvo is None:
        told.append("No bank is configured (RECOBRO_BANK__BASE_URL): no balance is watched.")
    watch = strategy.watch
    renews = watch is not None and watch.renew_days_before is not None
    asks = renews or any(step.template == "consent_request" for step in strategy.steps)
    if asks and settings.web.public_url is None:
        told.append(
            "Borrowers are asked for consents, but could not reach the page: such a message waits, and its loan with "
            "it, until RECOBRO_WEB__PUBLIC_URL is set."
        )
    voice = settings.twilio.voice_sender if settings.twilio is not None else None
    carriers = {
        Channel.SMS: (settings.twilio, "RECOBRO_TWILIO__..."),
        Channel.EMAIL: (settings.smtp or settings.sendgrid, "RECOBRO_SMTP__..."),
        Channel.CALL: (voice, "RECOBRO_TWILIO__VOICE_SENDER"),
        Channel.POST: (settings.print_folder, "RECOBRO_PRINT_FOLDER"),
    }
    for channel, (configured, names) in carriers.items():
        if channel in channels and configured is None:
            told.append(f"No carrier for {channel} is configured ({names}): the step's next channel is used.")
    writes = (settings.meta is not None and settings.meta.sends) or (
        settings.twilio is not None and settings.twilio.whatsapp_sender is not None
    )
    if Channel.WHATSAPP in channels and not (settings.whatsapp_enabled and writes):
        told.append(
            "WhatsApp is not set up (RECOBRO_WHATSAPP_ENABLED, RECOBRO_META__NUMBERS): the step's next channel is used."
        )
    return told


def _carrier(settings: Settings, lender: str, countries: tuple[str, ...]) -> list[str]:
    assert settings.twilio is not None
    twilio, rules = settings.twilio, load_sms()
    actor: Actor = settings.lender_named(lender).collects_as
    told = [
        f"{rule.text} ({rule.source})" for rule in category_warnings(countries, actor, (Channel.SMS,), "twilio", rules)
    ]
    today = datetime.now(UTC).date()
    senders = {country: twilio.sender_for(country) for country in countries}
    refusals = (
        sender_refusal(sender, twilio.registered_senders.get(country, ()), country, today, rules)
        for country, sender in senders.items()
    )
    one_way = next((reason for sender in senders.values() if (reason := one_way_warning(sender, rules))), None)
    reasons = [reason for reason in (*refusals, one_way) if reason is not None]
    return told + [f"{reason.text} ({reason.source})" for reason in reasons]


def _content(settings: Settings, lender: str, countries: tuple[str, ...], strategy: Strategy) -> list[str]:
    """What would be refused at dispatch, told now: a template's words, or a setting that law needs."""
    from commands.template_checks import check_templates, problems_alike
    from config.content_rules import load_content

    known = load_content().markets
    told = [
        f"{country}: there are no content rules, so nothing can be sent there."
        for country in countries
        if country not in known
    ]
    results = check_templates(
        [country for country in countries if country in known],
        folder=_TEMPLATES,
        lender=settings.lender_named(lender),
        names=templates_of(strategy),
    )
    lines = problems_alike(result for result in results if not result.passes)
    told += [f"will not be sent: {line}" for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        told.append(f"... and {len(lines) - _MOST_LINES} more: see `starter.py templates check --lender {lender}`")
    return told


def templates_of(strategy: Strategy) -> frozenset[str]:
    """Every template a strategy names."""
    names = [step.template for step in strategy.steps]
    names += [part.template for part in (strategy.watch, strategy.receipt) if part is not None]
    names += [message.template for message in strategy.agreement_messages]
    return frozenset(name for name in names if name is not None)

"""`templates submit|sync|status|senders`: templates and numbers as WhatsApp holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, YesOption, agree, iso, print_json, table, terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.approved_templates import ApprovedText
    from config.settings import Settings
    from domain.platform_rules import PlatformTemplate


def sync(as_json: JsonOption = False) -> None:
    """Ask Meta for every template of the business account and take over how each stands.

    A worker does so by itself before its first message on WhatsApp and once an hour, and webhooks tell of changes.

    Example: starter.py templates sync
    """
    import asyncio

    from activities.template_sync import keep

    settings = configuration.settings()
    told = asyncio.run(_listed(settings))
    changed = keep(configuration.records(settings), told, datetime.now(UTC))
    if as_json:
        print_json({"templates": len(told), "changed": changed})
        return
    typer.echo(f"{len(told)} templates at Meta, {changed} changed since we last heard")


def status(as_json: JsonOption = False) -> None:
    """Show which template of WhatsApp's says which message of ours, and whether it may be used as things stand.

    From the records; `templates sync` asks Meta. Exit code: 0 all may be used, 1 some may not.

    Example: starter.py templates status --json
    """
    from domain.platform_rules import OurTemplate, usable
    from providers.messaging.whatsapp_cloud import PROVIDER
    from records import platforms

    settings = configuration.settings()
    with configuration.records(settings).reading() as session:
        held = platforms.templates(session, PROVIDER)
    rows: list[dict[str, Any]] = []
    for one in _mapped(settings):
        found, known = usable([one.ours], held), held.get((one.ours.name, one.ours.language))
        rows.append(
            {
                "template": one.ours.template,
                "written_in": one.ours.written_in,
                "name": one.ours.name,
                "language": one.ours.language,
                "status": known.status.value if known else "unknown",
                "quality": known.quality.value if known else "unknown",
                "category": known.category.value if known and known.category else None,
                "usable": isinstance(found, OurTemplate),
                "why_not": None if isinstance(found, OurTemplate) else found.value,
                "reason": known.reason if known else "",
                "told_at": iso(known.at) if known and known.at else None,
            }
        )
    if as_json:
        print_json({"templates": rows})
    else:
        shown = table("message", "language", "name at Meta", "status", "quality", "used")
        for row in rows:
            used = "yes" if row["usable"] else f"no: {row['why_not']}"
            names = (row["template"], row["written_in"], row["name"], row["status"], row["quality"], used)
            shown.add_row(*names)
        terminal().print(shown)
    raise typer.Exit(0 if all(row["usable"] for row in rows) else 1)


def submit(
    name: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Names at Meta; left out: all that it lacks.")
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Hand templates in at Meta for approval, with the very text of the mapping. What Meta holds already is left alone.

    Example: starter.py templates submit recobro_account_oldest_link
    """
    import asyncio

    settings = configuration.settings()
    mapped = _mapped(settings)
    known = {one.ours.name for one in mapped}
    for each in name or ():
        if each not in known:
            raise Refused(f"no template of the mapping is named {each[:80]!r} (starter.py templates status)")
    wanted = [one for one in mapped if not name or one.ours.name in name]
    results = asyncio.run(_submitted(settings, wanted, yes))
    if as_json:
        print_json({"submitted": results})
        return
    for row in results:
        typer.echo(f"{row['name']} ({row['language']}): {row['status']}")
    typer.echo(f"{len(results)} handed in; Meta decides, and `templates sync` or its webhook tells what")


def senders(
    wake: Annotated[str | None, typer.Option(help="Say that this number is in order again: its id at Meta.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the numbers that write on WhatsApp: quality, how much of a tier is used, and which rest and why.

    Example: starter.py templates senders
    """
    from activities.whatsapp_limits import WhatsAppLimits
    from providers.messaging.whatsapp_cloud import PROVIDER
    from records import audit, platforms

    settings = configuration.settings()
    meta = settings.meta
    if meta is None or not meta.sends:
        raise Refused("no number writes on WhatsApp: set RECOBRO_META__NUMBERS")
    now = datetime.now(UTC)
    database = configuration.records(settings)
    if wake is not None:
        names = {number.id: (number.id, number.number.lstrip("+")) for number in meta.numbers}
        if wake not in names:
            raise Refused(f"--wake: {wake[:40]!r}: expected one of {', '.join(names)}")
        with database.writing() as session:
            if any([platforms.wake_sender(session, PROVIDER, each, at=now) for each in names[wake]]):
                audit.append(session, at=now, actor="operator", action="sender_woken", details={"sender": wake})
    with database.reading() as session:
        pool = WhatsAppLimits(settings.whatsapp_tier, meta).pool(session, now)
        held = platforms.senders(session, PROVIDER)
    numbers = {number.id: number.number for number in meta.numbers}
    rows = []
    for one in pool:
        told = [held[key] for key in (one.sender, numbers[one.sender].lstrip("+")) if key in held]
        rows.append(
            {
                "id": one.sender,
                "number": numbers[one.sender],
                "quality": one.quality.value,
                "tier": one.tier,
                "people_in_24_hours": one.used if one.tier is not None else None,
                "rests": one.rests(now),
                "rests_until": iso(one.rested_until) if one.rested_until and one.rested_until > now else None,
                "why": next((each.reason for each in told if each.reason), ""),
            }
        )
    if as_json:
        print_json({"senders": rows})
        return
    shown = table("id", "number", "quality", "tier used", "rests until", "why")
    for row in rows:
        used = "-" if row["tier"] is None else f"{row['people_in_24_hours']} of {row['tier']}"
        until = row["rests_until"] or ("until it is woken" if row["rests"] else "-")
        shown.add_row(row["id"], row["number"], row["quality"], used, until, row["why"])
    terminal().print(shown)


def _mapped(settings: Settings) -> Sequence[ApprovedText]:
    from config.approved_templates import APPROVED_FILE, load_approved
    from config.platform_rules import PlatformRulesError

    given = settings.meta.templates if settings.meta is not None else None
    try:
        return load_approved(given or APPROVED_FILE)
    except PlatformRulesError as error:
        raise Refused(str(error)) from None


async def _listed(settings: Settings) -> tuple[PlatformTemplate, ...]:
    import httpx

    from activities.composition import whatsapp_cloud
    from providers.errors import ProviderError

    async with httpx.AsyncClient() as client:
        cloud = whatsapp_cloud(settings, client)
        if cloud is None:
            raise Refused(_NOT_CONFIGURED)
        try:
            return await cloud.templates(datetime.now(UTC))
        except ProviderError as error:
            raise Refused(f"Meta did not tell: {error}") from None


async def _submitted(settings: Settings, wanted: Sequence[ApprovedText], yes: bool) -> list[dict[str, str]]:
    import httpx

    from activities.composition import whatsapp_cloud
    from providers.errors import ProviderError

    async with httpx.AsyncClient() as client:
        cloud = whatsapp_cloud(settings, client)
        if cloud is None:
            raise Refused(_NOT_CONFIGURED)
        try:
            there = {(held.name, held.language) for held in await cloud.templates(datetime.now(UTC))}
            lacking = [one for one in wanted if (one.ours.name, one.ours.language) not in there]
            filled = [(one, _example(one)) for one in lacking]
            if filled:
                agree(f"Hand {len(filled)} templates in at Meta?", yes)
            results = []
            for one, values in filled:
                state = await cloud.submit(one.ours, values, datetime.now(UTC))
                results.append({"name": one.ours.name, "language": one.ours.language, "status": state.value})
            return results
        except ProviderError as error:
            raise Refused(f"Meta refused: {error}") from None


def _example(one: ApprovedText) -> dict[str, str]:
    """What Meta's reviewers read at each place of the template: everything a message can show is there."""
    from config.message_context import full_sample
    from config.templates import TemplateError, opt_out_hint
    from domain.contact import Channel

    language = one.ours.written_in
    try:
        hint = opt_out_hint(Channel.WHATSAPP, language) if "opt_out_hint" in one.ours.variables else None
        more = {
            "legal_notice": "Credialba, Calle Mayor 10, Ciudad",
            "document_url": "https://cobros.credialba.example/document/WyJkb2MiXQ.KjH0123456789abcdef01234567",
            "own_subject": "P-20417",
        }
        return dict(one.values(full_sample(language, opt_out_hint=hint).model_copy(update=more)))
    except TemplateError as error:
        raise Refused(
            f"{one.ours.name} in {language} cannot be filled, nothing was handed in: {error.reason}"
        ) from None


_NOT_CONFIGURED = (
    "WhatsApp is not configured: set RECOBRO_META__ACCESS_TOKEN, __BUSINESS_ACCOUNT, __NUMBERS, __WEBHOOK_SECRET and "
    "__VERIFY_TOKEN"
)

"""`doctor`: nothing may be stuck in silence. Finds it, says why it matters, and mends what is safe to mend."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from commands.console import JsonOption, Refused, YesOption, agree, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlmodel import Session

    from commands.doctor_findings import Finding
    from commands.doctor_mends import Mends
    from config.settings import Settings
    from records.database import Database


def app_command(
    mend: Annotated[bool, typer.Option("--mend", help="Do what is safe, after asking.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Look at the tasks of at most so many workflows.")] = 5_000,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find what is stuck or about to be: loans, webhooks, contacts, cases, people's data, campaigns, workers, clocks.

    Each finding says why it matters and what mends it. `--mend` does what can do no harm: relays webhooks, asks
    carriers for contacts of unknown fate, starts again what nothing carries, finishes erasures that broke off. Exit
    code 0: healthy, 1: findings.

    Example: starter.py doctor --json
    """
    from commands import configuration

    settings = configuration.settings()
    database = configuration.records(settings)
    if mend and as_json and not yes:
        raise Refused("--mend with --json needs --yes; nothing was done.")
    visit = asyncio.run(_visit(settings, database, limit, mend=mend, yes=yes, quiet=as_json))
    if as_json:
        print_json(
            {
                "healthy": not visit.findings,
                "workflows_looked_at": visit.looked_at,
                "findings": [finding.as_json() for finding in visit.findings],
                "mended": [{"check": check, "detail": detail} for check, detail in visit.mended],
            }
        )
    elif not mend:
        _tell(visit.findings)
    if not any(finding.check in ("database", "migrations") for finding in visit.findings):
        configuration.say_if_empty(database)
    if not as_json and not visit.findings:
        typer.echo(f"healthy: {visit.looked_at:,} running workflows looked at")
    raise typer.Exit(1 if visit.findings else 0)


@dataclass
class Visit:
    findings: list[Finding] = field(default_factory=list)
    looked_at: int = 0
    mended: list[tuple[str, str]] = field(default_factory=list)


async def _visit(settings: Settings, database: Database, limit: int, *, mend: bool, yes: bool, quiet: bool) -> Visit:
    try:
        visit, _ = await _look(settings, database, limit)
        if not mend:
            return visit
        if not quiet:
            _tell(visit.findings)
        mended = []
        for finding in visit.findings:
            if finding.mend is None:
                continue
            await asyncio.to_thread(agree, f"{finding.check}: {finding.what}. Mend it?", yes)
            detail = await finding.mend()
            mended.append((finding.check, detail))
            if not quiet:
                typer.echo(f"{finding.check}: {detail}")
        after, _ = await _look(settings, database, limit) if mended else (visit, None)
        after.mended = mended
        if not quiet and mended and after.findings:
            typer.echo("\nStill to do:\n")
            _tell(after.findings)
        return after
    finally:
        # The SDK's threads need a moment, or the interpreter may abort while it exits (sdk-python#300).
        await asyncio.sleep(0.05)


async def _look(settings: Settings, database: Database, limit: int) -> tuple[Visit, Mends]:
    from temporalio.service import RPCError

    from commands import doctor_agreement, doctor_host, doctor_segments, doctor_temporal
    from commands.doctor_findings import Finding
    from commands.doctor_mends import Mends
    from workflows.connection import NoTemporal, connect

    visit = Visit()
    found = visit.findings
    found += await asyncio.to_thread(doctor_host.look_at_database, database)
    records = not found
    found += await asyncio.to_thread(doctor_host.look_at_web_app, settings, now())
    client = None
    try:
        client = await connect()
        mends = Mends(database, settings, client)
        ahead = await doctor_temporal.server_ahead(client, now)
        found += doctor_host.skew("the Temporal server", ahead)
        server_now = now() + ahead
        found += await doctor_temporal.look_at_workers(client, settings, server_now)
        failing, visit.looked_at = await doctor_temporal.look_at_workflows(client, limit)
        found += failing
        if records:
            found += await doctor_agreement.look_at_campaigns(client, database, mends.restart_campaigns)
            found += await doctor_agreement.look_at_loans(client, database, server_now, mends.restart_loans)
            found += await doctor_segments.look_at_sends(client, database)
    except (NoTemporal, RPCError) as error:
        mends = Mends(database, settings, client)
        found.append(
            Finding(
                "temporal",
                str(error).splitlines()[0][:200],
                "no loan moves; webhooks are kept and brought to their loans once it is back",
                "start it (locally: starter.py up), or set TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE",
            )
        )
    if records:
        found += await asyncio.to_thread(_look_at_records, settings, database, mends)
    return visit, mends


def _look_at_records(settings: Settings, database: Database, mends: Mends) -> list[Finding]:
    from commands import doctor_host, doctor_messages, doctor_people, doctor_records, doctor_shown
    from records.person_keys import KeysMissing

    found = doctor_host.look_at_database_clock(database, now())
    found += doctor_people.look_at_keys(settings, database)
    looks: tuple[Callable[[Session], list[Finding]], ...] = (
        lambda _: doctor_host.look_at_settings(settings, database),
        lambda session: doctor_records.look_at_webhooks(session, now(), mends.relay),
        lambda session: doctor_records.look_at_payments(session, now()),
        lambda session: doctor_records.look_at_reversals(session, now()),
        lambda session: doctor_shown.look_at_shown(session, now()),
        lambda session: doctor_messages.look_at_missed_messages(session, settings, now()),
        lambda session: doctor_records.look_at_contacts(session, now(), mends.look_up_contacts),
        lambda session: doctor_records.look_at_cases(session, now()),
        lambda session: doctor_records.look_at_words(session, now()),
        lambda session: doctor_records.look_at_links(session, now()),
        lambda session: doctor_records.look_at_bank(session, now()),
        lambda session: doctor_people.look_at_people(session, now(), mends.finish_erasures),
    )
    unread: dict[str, None] = {}
    with database.reading() as session:
        for look in looks:
            try:
                found += look(session)
            except KeysMissing as why:
                unread[str(why)] = None
    return found + doctor_people.unreadable(unread)


def now() -> datetime:
    return datetime.now(UTC)


def _tell(findings: list[Finding]) -> None:
    for finding in findings:
        typer.echo(f"{finding.check}: {finding.what}")
        typer.echo(f"  why:  {finding.why}")
        typer.echo(f"  mend: {finding.command}")
        if finding.subjects:
            more = (
                f" and {finding.count - len(finding.subjects):,} more" if finding.count > len(finding.subjects) else ""
            )
            typer.echo(f"  {', '.join(finding.subjects)}{more}")

"""`campaign send`: one message to the loans that meet a condition, beside their sequences."""

from __future__ import annotations

import asyncio
import getpass
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.borrowers_days import first_begin, zones_in_collection
from commands.console import (
    JsonOption,
    Refused,
    YesOption,
    agree,
    did_you_mean,
    iso,
    print_json,
    table,
    terminal,
)

if TYPE_CHECKING:
    from sqlmodel import Session
    from temporalio.client import Client

    from commands.segment_preview import Preview
    from records.database import Database
    from records.segment_sends import SendProgress
    from records.tables import SegmentSend

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_FOR_DAYS = 3
_Id = Annotated[str, typer.Argument(metavar="SEND", help="The message's id, as `campaign sends` lists it.")]


def send(
    template: Annotated[str | None, typer.Option(help="A message template by its name.")] = None,
    where: Annotated[
        str | None, typer.Option(help="Which loans, such as \"dpd >= 15 and amount < 300 and city = 'Sevilla'\".")
    ] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", help="In order of preference; may be given again. Default: SMS, then e-mail."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="A day (when it begins for the first of the borrowers, where they live) or a moment: later nothing is "
            f"sent. Default: {_FOR_DAYS} days."
        ),
    ] = None,
    send_id: Annotated[str | None, typer.Option("--id", help="Default: made from the template and the time.")] = None,
    lender: Annotated[str | None, typer.Option(help="The lender's key. Default: the only one set, else demo.")] = None,
    rate: Annotated[float, typer.Option(min=0.01, max=1000, help="Loans to tell in a second, at most.")] = 20.0,
    resume: Annotated[str | None, typer.Option(help="Go on with this message; no loan is told twice.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Preview only.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Send one message to every loan in collection that meets a condition, inside each person's contact budget.

    First shows whom it reaches now, later and never, by which rules, and three messages as they would read. Each loan's
    workflow then sends it at the next lawful slot, and its sequence knows of it. --until ends what still waits.

    Fields: dpd, amount, currency, country, region, city, language, grade, stage, strategy, campaign, loan, consent,
    phone, email. With and, or, not, in (...), parentheses; texts in quotes; what is not known of a loan meets nothing.

    Exit code: 0 it runs (or --dry-run), 1 no loan meets the condition, 2 wrong input.

    Examples:

      starter.py campaign send --template help_offer --where "dpd >= 15 and amount < 300 and city = 'Sevilla'"

      starter.py campaign send --template payment_link --where "country = 'MX' and not consent" --dry-run --json

      starter.py campaign send --resume help_offer-20261128-1030
    """
    settings = configuration.settings()
    database = configuration.records(settings)
    if resume is not None:
        _resume(database, settings.task_queue, resume, as_json)
        return
    if template is None or where is None:
        raise Refused("say --template and --where (see `starter.py campaign send --help`), or --resume SEND")
    from activities.composition import contact_slots
    from commands.segment_preview import Preview, channels_for, needs_link, preview
    from domain.segment import BadCondition, parse_condition

    now = datetime.now(UTC)
    whose = configuration.lender_of(settings, lender)
    ends = now + timedelta(days=_FOR_DAYS)
    if until is not None:
        with database.reading() as session:
            ends = first_begin(until, "--until", zones_in_collection(session, whose))
    if ends <= now:
        raise Refused("--until lies in the past")
    try:
        condition = parse_condition(where)
    except BadCondition as wrong:
        raise Refused(f"--where: {wrong}") from None
    order_id = send_id or f"{template}-{now:%Y%m%d-%H%M}"
    if not _ID.fullmatch(order_id):
        raise Refused(f"--id: {order_id[:60]!r}: expected 1 to 50 small letters, digits, dashes or underscores")
    channels = channels_for(template, channel)
    told = Preview(order_id, template, channels, needs_link(template, channels))
    with database.reading() as session:
        if send_id is None and not dry_run:
            _refuse_a_second(session, whose, template, where, now)
        preview(session, settings, contact_slots(settings), lender=whose, condition=condition, told=told, at=now)
    state = None
    if told.loans and not dry_run:
        if not as_json:
            _print_preview(told)
        agree(f"Send {template} to {len(told.loans):,} loans of {whose}, until {iso(ends)}?", yes)
        state = _begin(database, settings.task_queue, told, whose, where, ends, rate, now)
    if as_json:
        print_json(_preview_as_json(told, whose, where, ends) | {"state": state})
    elif state is None:
        _print_preview(told)
        typer.echo("nothing was sent: --dry-run" if told.loans else "no loan in collection meets the condition")
    else:
        typer.echo(f"message {order_id} is under way: `starter.py campaign send-status {order_id}` tells how far")
    raise typer.Exit(0 if told.loans else 1)


def sends(as_json: JsonOption = False) -> None:
    """List all messages to segments, oldest first.

    Example: starter.py campaign sends --json
    """
    from records import segment_sends

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        told = [_as_json(each, segment_sends.progress(session, each.id)) for each in segment_sends.listing(session)]
    if as_json:
        print_json({"sends": told})
        return
    if not told:
        typer.echo("no message to a segment yet: `starter.py campaign send --help` tells how")
        return
    shown = table("message", "state", "template", "loans", "told", "waiting", "refused", "until")
    for each in told:
        cells = ("send_id", "state", "template", "total", "told", "waiting", "refused", "until")
        shown.add_row(*(str(each[key]) for key in cells))
    terminal().print(shown)


def send_status(send_id: _Id, as_json: JsonOption = False) -> None:
    """Show how far a message to a segment came: loans told, and what became of their messages.

    Example: starter.py campaign send-status help_offer-20261128-1030
    """
    from records import segment_sends

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        found = _find(database, send_id)
        told = _as_json(found, segment_sends.progress(session, found.id))
    if as_json:
        print_json(told)
        return
    shown = table("", "")
    shown.show_header = False
    shown.add_row("message", f"{told['send_id']}: template {told['template']} by {', '.join(told['channels'])}")
    shown.add_row("state", f"{told['state']}, nothing is sent from {told['until']} on")
    shown.add_row("where", told["where"])
    shown.add_row("loans", f"{told['total']:,}: {told['told']:,} told, {told['waiting']:,} wait to be told")
    if told["refused"]:
        shown.add_row("", f"{told['refused']:,} had ended, were handed over again, or its time was over")
    contacts = ", ".join(f"{state} {number:,}" for state, number in sorted(told["contacts"].items()))
    shown.add_row("messages", contacts or "none has gone out yet")
    terminal().print(shown)


def send_stop(send_id: _Id, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Stop a message to a segment: tell no more loans, and withdraw it where it has not been sent.

    Example: starter.py campaign send-stop help_offer-20261128-1030 --yes
    """
    from commands.temporal_session import NotRunning, tell, with_temporal
    from workflows.segment_send import segment_send_workflow_id

    settings = configuration.settings()
    database = configuration.records(settings)
    found = _find(database, send_id)
    agree(f"Stop message {found.id}?", yes)

    async def work(client: Client) -> str:
        try:
            return await tell(client.get_workflow_handle(segment_send_workflow_id(found.id)), "stop")
        except NotRunning:
            # It has told all its loans: another run takes its word back.
            await _start(client, settings.task_queue, found.id, found.rate_per_second, withdraw=True)
        return "what has not been sent is withdrawn"

    detail = with_temporal(work)
    if as_json:
        print_json({"send_id": found.id, "accepted": True, "detail": detail})
    else:
        typer.echo(f"message {found.id}: {detail}")


def _begin(
    database: Database,
    task_queue: str,
    told: Preview,
    lender: str,
    where: str,
    until: datetime,
    rate: float,
    now: datetime,
) -> str:
    from temporalio.service import RPCError

    from commands.temporal_session import with_temporal
    from records import audit, segment_sends
    from records.tables import SegmentSend

    kept = (
        f"message {told.send_id} is kept with its loans: go on with "
        f"`starter.py campaign send --resume {told.send_id}`, another would reach them twice"
    )

    async def work(client: Client) -> None:
        with database.writing() as session:
            order = SegmentSend(
                id=told.send_id,
                lender=lender,
                template=told.template,
                channels=[each.value for each in told.channels],
                with_link=told.with_link,
                condition=where,
                until=until,
                rate_per_second=rate,
                created_at=now,
            )
            segment_sends.create(session, order, told.loans)
            details: dict[str, Any] = {"send_id": told.send_id, "template": told.template, "loans": len(told.loans)}
            audit.append(
                session,
                at=now,
                actor=f"operator {getpass.getuser()}",
                action="segment_send",
                lender=lender,
                details=details,
            )
        try:
            await _start(client, task_queue, told.send_id, rate)
        except RPCError as error:
            raise Refused(f"Temporal did not take it ({error.status.name.lower()}): {kept}") from None
        except asyncio.CancelledError:
            typer.echo(f"interrupted while it was started: {kept}", err=True)
            raise

    try:
        with_temporal(work)
    except segment_sends.SendExists as known:
        raise Refused(f"{known}; `--resume {told.send_id}` goes on with it") from None
    return "running"


def _refuse_a_second(session: Session, lender: str, template: str, where: str, now: datetime) -> None:
    """Raises Refused while the same message is under way, or was begun and is carried by nobody."""
    from records import segment_sends
    from records.tables import SegmentSendState

    for known in segment_sends.listing(session):
        same = (known.lender, known.template, known.condition) == (lender, template, where)
        if same and known.state is SegmentSendState.RUNNING and known.until > now:
            raise Refused(
                f"message {known.id} says the same to the same loans and has not been told to all of them: "
                f"`campaign send --resume {known.id}` goes on with it; --id NAME sends another beside it"
            )


async def _start(client: Client, task_queue: str, send_id: str, rate: float, *, withdraw: bool = False) -> None:
    """Start its workflow; one that runs goes on undisturbed."""
    from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

    from workflows.segment_send import SegmentSend, SegmentSendInput, segment_send_workflow_id

    await client.start_workflow(
        SegmentSend.run,
        SegmentSendInput(send_id=send_id, rate_per_second=rate, withdraw=withdraw),
        id=segment_send_workflow_id(send_id),
        task_queue=task_queue,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=f"Message to a segment: {send_id}",
    )


def _resume(database: Database, task_queue: str, send_id: str, as_json: bool) -> None:
    from commands.temporal_session import with_temporal
    from records.tables import SegmentSendState

    found = _find(database, send_id)
    if found.state is SegmentSendState.STOPPED:
        raise Refused(f"message {found.id} was stopped: send another")
    if found.until <= datetime.now(UTC):
        raise Refused(f"message {found.id} was to be sent before {iso(found.until)}: send another")

    async def work(client: Client) -> None:
        await _start(client, task_queue, found.id, found.rate_per_second)

    with_temporal(work)
    if as_json:
        print_json({"send_id": found.id, "state": "running"})
    else:
        typer.echo(f"message {found.id} goes on: `starter.py campaign send-status {found.id}` tells how far")


def _find(database: Database, send_id: str) -> SegmentSend:
    from records import segment_sends

    with database.reading() as session:
        try:
            return segment_sends.get(session, send_id)
        except segment_sends.UnknownSend:
            known = [each.id for each in segment_sends.listing(session)]
            raise Refused(f"no message to a segment {send_id[:60]!r}{did_you_mean(send_id, known)}") from None


def _as_json(found: SegmentSend, progress: SendProgress) -> dict[str, Any]:
    return {
        "send_id": found.id,
        "lender": found.lender,
        "state": found.state,
        "template": found.template,
        "channels": found.channels,
        "where": found.condition,
        "until": iso(found.until),
        "created_at": iso(found.created_at),
        "total": progress.total,
        "waiting": progress.waiting,
        "told": progress.told,
        "refused": progress.refused,
        "contacts": progress.contacts,
    }


def _preview_as_json(told: Preview, lender: str, where: str, until: datetime) -> dict[str, Any]:
    return {
        "send_id": told.send_id,
        "lender": lender,
        "template": told.template,
        "channels": [each.value for each in told.channels],
        "with_link": told.with_link,
        "where": where,
        "until": iso(until),
        "loans": len(told.loans),
        "now": [{"channel": channel.value, "loans": number} for channel, number in told.now.items()],
        "later_by_rule": [{"rule": rule, "loans": number} for rule, number in told.later.most_common()],
        "never": told.unreachable,
        "refused_by_rule": [{"rule": rule, "loans": number} for rule, number in told.refused.most_common()],
        "sms_segments": told.segments,
        "cost_micros": told.cost_micros,
        "cost_currency": told.cost_currency or None,
        "samples": [
            {
                "loan_id": one.loan_id,
                "channel": one.channel.value,
                "subject": one.message.subject,
                "text": one.message.text,
            }
            for one in told.samples
        ],
    }


def _print_preview(told: Preview) -> None:
    shown = table("", "")
    shown.show_header = False
    shown.add_row("loans", f"{len(told.loans):,} meet the condition")
    now = ", ".join(f"{number:,} by {channel}" for channel, number in told.now.items())
    shown.add_row("now", now or "none")
    if told.unreachable:
        shown.add_row("never", f"{told.unreachable:,}")
    for rule, number in told.later.most_common():
        shown.add_row("later", f"{number:,}: {rule}")
    for rule, number in told.refused.most_common():
        shown.add_row("refused", f"{number:,}: {rule}")
    if told.segments:
        shown.add_row("text messages", f"{told.segments:,} segments")
    if told.cost_currency:
        shown.add_row("cost", f"{told.cost_micros / 1_000_000:,.2f} {told.cost_currency} at most, by the price table")
    terminal().print(shown)
    for one in told.samples:
        typer.echo(f"\n--- loan {one.loan_id}, {one.channel} ---")
        if one.message.subject:
            typer.echo(one.message.subject)
        typer.echo(one.message.text)
    if told.samples:
        typer.echo("")

"""`strategy migrate`: move running loans to another version of their strategy, after showing what would change."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.campaign_lookup import find_campaign
from commands.console import JsonOption, Refused, YesOption, agree, did_you_mean, print_json
from commands.names import campaign_ids, strategy_names

if TYPE_CHECKING:
    from sqlmodel import Session
    from temporalio.client import Client

    from domain.loan_state import LoanState
    from domain.strategy import Strategy
    from domain.strategy_timeline import LoanPosition, MigrationPreview
    from records.database import Database
    from records.tables import Loan

AT_ONCE = 20
"""Loans asked or told at the same time."""
IN_FLIGHT = timedelta(seconds=5)
"""A campaign starts a loan within this time of reading what it is pinned to."""


@dataclass(frozen=True)
class Standing:
    """A loan that runs on the old version; `refused`: why it cannot move; `unasked`: it may, but did not answer."""

    loan: Loan
    state: LoanState
    at: datetime
    running: bool
    refused: str | None
    unasked: bool = False


def migrate(
    old: Annotated[str, typer.Argument(help="What the loans run on: name@version, or a name for all its versions.")],
    new: Annotated[str, typer.Argument(help="A name, name@version or file.", autocompletion=strategy_names)],
    campaign: Annotated[
        str | None, typer.Option(help="Only this campaign's loans.", autocompletion=campaign_ids)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Move the loans that run on OLD to NEW, each to the step after the last one it has behind it.

    First it shows what would change for how many loans; then it asks. No step comes again.

    Examples:

      starter.py strategy migrate es-microloan@2 es-microloan@3 --dry-run

      starter.py strategy migrate es-microloan es-microloan --campaign november --yes
    """
    from commands.temporal_session import with_temporal
    from config.strategies import find_strategy
    from domain.strategy_timeline import compare

    target = find_strategy(new)
    database = configuration.records(configuration.settings())
    with database.reading() as session:
        groups = _groups(session, old, target, campaign)
    standings = with_temporal(lambda client: _look(client, database, groups, target))
    previews: list[MigrationPreview] = []
    for source, found in standings:
        movable = [_position(each) for each in found if each.refused is None]
        previews.append(compare(source, target, movable))
    refused = [each for _, found in standings for each in found if each.refused is not None]
    movable_count = sum(preview.loans for preview in previews)
    if not as_json:
        _show(previews, refused)
    moved = 0
    failures: list[tuple[str, str]] = []
    if movable_count and not dry_run:
        agree(f"Move {movable_count:,} loans to {target.key}?", yes)
        every = [each for _, found in standings for each in found if each.refused is None]
        moved, failures = with_temporal(lambda client: _move(client, database, every, target))
    if as_json:
        print_json(_as_json(target, previews, refused, dry_run, moved, failures))
    else:
        for loan_id, reason in failures:
            typer.echo(f"loan {loan_id}: {reason}", err=True)
        typer.echo("nothing was moved" if dry_run or not movable_count else f"{moved:,} loans moved to {target.key}")
    raise typer.Exit(1 if failures or any(each.unasked for each in refused) else 0)


def _groups(
    session: Session, old: str, target: Strategy, campaign_id: str | None
) -> list[tuple[Strategy, Sequence[Loan]]]:
    """The loans on OLD, by the exact content they are pinned to. Raises Refused when there are none."""
    from sqlmodel import col, select

    from records import strategies
    from records.tables import Loan
    from records.tables import LoanState as Place

    if campaign_id is not None:
        find_campaign(session, campaign_id)
    name, _, version = old.partition("@")
    wanted = select(Loan).where(col(Loan.state) != Place.ENDED, Loan.strategy_name == name).order_by(col(Loan.id))
    if version:
        if not version.isdigit():
            raise Refused(f"OLD: {old[:80]!r}: expected name@version such as es-microloan@1")
        wanted = wanted.where(Loan.strategy_version == int(version))
    if campaign_id is not None:
        wanted = wanted.where(Loan.campaign_id == campaign_id)
    here = strategies.digest(target)
    found = [loan for loan in session.exec(wanted).all() if loan.strategy_digest != here]
    if not found:
        in_use = session.exec(select(Loan.strategy_name, Loan.strategy_version).distinct()).all()
        known = {f"{one}@{number}" if version else one for one, number in in_use}
        hint = did_you_mean(old, sorted(known)) if old not in known else ""
        raise Refused(f"no loan in collection runs on {old[:80]!r} other than as {target.key} stands now{hint}")
    digests = dict.fromkeys(loan.strategy_digest for loan in found)
    return [
        (strategies.load(session, digest), [loan for loan in found if loan.strategy_digest == digest])
        for digest in digests
    ]


async def _look(
    client: Client, database: Database, groups: list[tuple[Strategy, Sequence[Loan]]], target: Strategy
) -> list[tuple[Strategy, list[Standing]]]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def look(loan: Loan) -> Standing:
        from commands.loan_lookup import what_it_knows
        from domain.migration import migration_refused

        async with gate:
            try:
                known = await what_it_knows(client, database, loan)
            except Refused as why:
                known = await what_it_knows(None, database, loan)
                return Standing(loan, known.state, known.at, False, str(why), unasked=True)
        return Standing(loan, known.state, known.at, known.source == "running", migration_refused(known.state, target))

    return [(source, list(await asyncio.gather(*(look(loan) for loan in loans)))) for source, loans in groups]


def _position(standing: Standing) -> LoanPosition:
    from domain.strategy_timeline import LoanPosition

    state, facts = standing.state, standing.state.facts
    today = facts.local_date(standing.at)
    last = [record for record in state.records if record.result != "before_entry"]
    return LoanPosition(
        loan_id=facts.loan_id,
        step_ids_done=tuple(dict.fromkeys(record.step for record in state.records)),
        dpd=facts.days_past_due(standing.at),
        days_since_entry=max((today - facts.local_date(state.entered_at)).days, 0),
        days_since_last_step=max((today - facts.local_date(state.base_at)).days, 0) if last else None,
        ends_in_days=(facts.local_date(state.ends_at) - today).days,
    )


async def _move(
    client: Client, database: Database, every: Sequence[Standing], target: Strategy
) -> tuple[int, list[tuple[str, str]]]:
    """Tell each loan, then note its new pin; a loan that was told but not noted is told again without effect.

    One that waits to be started is noted first, and told where its campaign has started it as it was meanwhile. Where
    that cannot be found out, or the operator ends it before, it is noted as it was: the same command finds it again.
    """
    from commands.strategy_pins import pin, pin_back
    from commands.temporal_session import NotRunning, tell
    from workflows.messages import MigrateOrder

    gate = asyncio.Semaphore(AT_ONCE)
    order = MigrateOrder(strategy=target)
    update_id = f"migrate-{uuid.uuid4()}"

    async def told(loan: Loan) -> str | None:
        from commands.loan_lookup import loan_handle

        try:
            await tell(loan_handle(client, loan), "migrate", order, id=update_id)
        except NotRunning:
            return "it ended meanwhile"
        except Refused as why:
            return str(why)
        return None

    async def move(standing: Standing) -> str | None:
        async with gate:
            loan = standing.loan
            if not standing.running:
                noting = asyncio.ensure_future(asyncio.to_thread(pin, database, loan, target, waiting=True))
                first_noted.append((loan, noting))
                # A thread goes on when its task is cancelled: whoever notes it as it was has to come after it.
                if await asyncio.shield(noting):
                    return None
            if (why := await told(loan)) is None:
                await asyncio.to_thread(pin, database, loan, target)
            return why

    async def started_meanwhile(standing: Standing) -> str | None:
        async with gate:
            try:
                runs_on_old = await _runs_on_another(client, standing.loan, target)
            except Refused as why:
                return str(why)
            if runs_on_old and (refused := await told(standing.loan)) is not None:
                return refused
            sure.add(standing.loan.id)
            return None

    first_noted: list[tuple[Loan, asyncio.Future[bool]]] = []
    sure: set[int | None] = set()
    try:
        answers = await _all(move(standing) for standing in every)
        waited = [place for place, each in enumerate(every) if not each.running and answers[place] is None]
        if waited:
            await asyncio.sleep(IN_FLIGHT.total_seconds())
            again = await _all(started_meanwhile(every[place]) for place in waited)
            for place, why in zip(waited, again, strict=True):
                answers[place] = why
    finally:
        noted = await asyncio.gather(*(noting for _, noting in first_noted), return_exceptions=True)
        known = [loan for (loan, _), done in zip(first_noted, noted, strict=True) if done is True]
        if unsure := [loan for loan in known if loan.id not in sure]:
            pin_back(database, unsure, target)
    failures = [(each.loan.loan_id, why) for each, why in zip(every, answers, strict=True) if why is not None]
    return len(every) - len(failures), failures


async def _all(work: Iterable[Awaitable[str | None]]) -> list[str | None]:
    """All of them to their end, then what the first raised that did."""
    answers: list[str | None] = []
    for each in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(each, BaseException):
            raise each
        answers.append(each)
    return answers


async def _runs_on_another(client: Client, loan: Loan, target: Strategy) -> bool:
    """Whether this hand-over of the loan runs, on another strategy than `target`. Raises Refused."""
    from commands.loan_lookup import loan_handle
    from commands.temporal_session import NotRunning, ask
    from records import strategies
    from workflows.messages import LoanView

    try:
        view = await ask(loan_handle(client, loan), "view", LoanView)
    except NotRunning:
        return False
    state = view.state
    here = strategies.digest(target)
    return state.end is None and state.facts.entry == loan.entry and strategies.digest(state.strategy) != here


def _show(previews: Sequence[MigrationPreview], refused: Sequence[Standing]) -> None:
    from commands.strategy import show_migration

    for preview in previews:
        show_migration(preview)
    for each in refused:
        typer.echo(f"loan {each.loan.loan_id} cannot move: {each.refused}")


def _as_json(
    target: Strategy,
    previews: Sequence[MigrationPreview],
    refused: Sequence[Standing],
    dry_run: bool,
    moved: int,
    failures: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """Any: a JSON object of mixed values."""
    return {
        "new": target.key,
        "dry_run": dry_run,
        "previews": [preview.model_dump(mode="json") for preview in previews],
        "refused": [{"loan_id": each.loan.loan_id, "reason": each.refused} for each in refused],
        "moved": moved,
        "failed": [{"loan_id": loan_id, "reason": reason} for loan_id, reason in failures],
    }

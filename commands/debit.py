"""`debit`: the day's work with the bank that collects: hand over the file, take in its answers, list them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, amount, operator_app, print_json, table, terminal
from commands.person_data import WHO, check_kept
from domain.direct_debit import DebitState, return_meaning

if TYPE_CHECKING:
    from activities.bank_files import TakenIn

app = operator_app("Direct debits: hand the day's file to the bank, take in what it answers, list them.")


@app.command()
def submit(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be in it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the day's file of direct debits and hand it to the bank, once. Run it every day the bank works.

    What is in a file is in no other. A file whose answer was lost is looked up at the bank first; one that the bank
    never had is looked over, and withdrawn for a new one where it no longer holds. Exit code 1: the bank refused a
    file, or could not be asked, or a lender's file could not be made; run it again.

    Example: starter.py debit submit
    """
    from activities.composition import debit_bank
    from activities.debit_file_outcomes import ACCEPTED, WITHDRAWN
    from activities.debit_files import DebitFiles, NotConfigured
    from activities.debit_submission import DebitSubmission, HandedOver
    from providers.bankfiles.pain008 import UnfitFile
    from providers.errors import ProviderError

    settings = configuration.settings()
    now = datetime.now(UTC)
    handed = HandedOver({})
    try:
        database = configuration.records(settings)
        made = DebitFiles(database, settings).make(now, keep=not dry_run)
        if not dry_run:

            async def hand_over() -> HandedOver:
                async with debit_bank(settings) as bank:
                    return await DebitSubmission(database, settings).hand_over(bank, now)

            handed = asyncio.run(hand_over())
    except (NotConfigured, UnfitFile) as error:
        raise Refused(str(error)) from None
    except ProviderError as error:
        handed = HandedOver({}, error)
    outcomes, failed = handed.outcomes, None if handed.failed is None else str(handed.failed)
    if failed is not None and not (made.files or outcomes or isinstance(handed.failed, ProviderError)):
        raise Refused(failed)
    if made.not_made and not (made.files or outcomes or failed):
        raise Refused("; ".join(made.not_made.values()))
    told = {
        "files": made.files,
        "debits": made.debits,
        "amount_minor": made.amount_minor,
        "dropped": made.dropped,
        "not_made": made.not_made,
        "outcomes": outcomes,
        "error": failed,
    }
    if as_json:
        print_json(told)
    else:
        would = "would be put" if dry_run else "put"
        typer.echo(f"{made.debits} debits, {amount(made.amount_minor, 'EUR')}, {would} into {len(made.files)} files")
        for why, number in sorted(made.dropped.items()):
            typer.echo(f"{number} dropped: {why}")
        for why in made.not_made.values():
            typer.echo(f"no file: {why}", err=True)
        for message_id, outcome in outcomes.items():
            typer.echo(f"{message_id}: {outcome}")
        if failed is not None:
            unsure = "the bank does not have it for sure: " if isinstance(handed.failed, ProviderError) else ""
            typer.echo(f"{unsure}{failed}; run it again", err=True)
    refused = any(outcome not in (ACCEPTED, WITHDRAWN) for outcome in outcomes.values())
    if failed is not None or refused or made.not_made:
        raise typer.Exit(1)


@app.command()
def fetch(as_json: JsonOption = False) -> None:
    """Take in what the bank has sent: refusals, money that came, money that goes back. Run it as often as you like.

    Each file is taken in whole, or not at all and told. Loans hear of it through the web app's relay.

    Example: starter.py debit fetch
    """
    from activities.bank_files import BankDesk
    from activities.bank_mail import Fetched, fetch_all
    from activities.composition import debit_bank
    from activities.debit_files import NotConfigured
    from providers.errors import ProviderError

    settings = configuration.settings()
    desk = BankDesk(configuration.records(settings), settings)

    async def work() -> Fetched:
        async with debit_bank(settings) as bank:
            return await fetch_all(bank, desk, datetime.now(UTC))

    try:
        fetched = asyncio.run(work())
    except NotConfigured as error:
        raise Refused(str(error)) from None
    except ProviderError as error:
        typer.echo(f"the bank could not be asked: {error}", err=True)
        raise typer.Exit(1) from None
    failed = None if fetched.failed is None else str(fetched.failed)
    if as_json:
        files = [taken_in(one) for one in fetched.taken]
        print_json({"files": files, "refused": fetched.refused, "error": failed})
    else:
        for one in fetched.taken:
            typer.echo(taken_in_words(one))
        if not (fetched.taken or fetched.refused or failed):
            typer.echo("nothing new")
        for name, why in fetched.refused.items():
            typer.echo(f"{name}: {why}", err=True)
        if failed is not None:
            typer.echo(f"the bank went away before all was taken in: {failed}; run it again", err=True)
    if fetched.refused or failed is not None:
        raise typer.Exit(1)


@app.command("take-back")
def take_back(
    message_id: Annotated[
        str, typer.Argument(metavar="FILE", help="The file's message id, as `debit submit` shows it.")
    ],
    by: Annotated[str, typer.Option("--by", help="Who says so, for the audit trail.")],
    as_json: JsonOption = False,
) -> None:
    """Say that the bank collects nothing of a file it had taken: its debits wait for another file.

    Ask the bank first: what it collects all the same would be collected twice.

    Example: starter.py debit take-back RCB-20260312-1A2B3C4D-001 --by marta
    """
    from activities.debit_files import NotConfigured
    from activities.debit_submission import DebitSubmission, NotWithTheBank

    check_kept(WHO, by)
    settings = configuration.settings()
    try:
        submission = DebitSubmission(configuration.records(settings), settings)
        number = submission.take_back(message_id, by, datetime.now(UTC))
    except (NotConfigured, NotWithTheBank) as error:
        raise Refused(f"refused: {error}") from None
    if as_json:
        print_json({"file": message_id, "debits": number})
        return
    typer.echo(f"{number} debits of {message_id} wait for another file")


@app.command()
def settle(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The debit's, as `debit list` shows it.")],
    by: Annotated[str, typer.Option("--by", help="Who says so, for the audit trail.")],
    came: Annotated[
        bool, typer.Option("--came/--not-collected", help="Whether its money came, as the bank's own pages say.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Close a debit of which the bank told nothing in time, so that another of its loan may follow.

    Ask the bank first. This books nothing: money that came and that the loan does not count yet is entered by
    `payment record` or `reconcile match`.

    Example: starter.py debit settle RCBABCDEFGHIJKLMNOPQRSTUVWX --not-collected --by marta
    """
    from activities.unheard_debits import NotToSettle
    from activities.unheard_debits import settle as settle_debit

    check_kept(WHO, by)
    with configuration.records(configuration.settings()).writing(durable=True) as session:
        try:
            debit = settle_debit(session, reference, came=came, by=by, at=datetime.now(UTC))
        except NotToSettle as error:
            raise Refused(f"refused: {error}") from None
        told = {"reference": debit.reference, "state": debit.state.value}
    if as_json:
        print_json(told)
        return
    booked = "; no payment was booked: enter its money unless the loan counts it already" if came else ""
    typer.echo(f"{told['reference']} is {told['state']}{booked}")


@app.command("list")
def list_debits(
    state: Annotated[DebitState | None, typer.Option(help="Only those that stand so.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 200,
    as_json: JsonOption = False,
) -> None:
    """List direct debits, the newest first.

    Example: starter.py debit list --state rejected
    """
    from records import debits

    with configuration.records(configuration.settings()).reading() as session:
        told: list[dict[str, Any]] = [
            {
                "reference": debit.reference,
                "lender": loan.lender,
                "loan_id": loan.loan_id,
                "step": debit.step,
                "amount_minor": debit.amount_minor,
                "currency": debit.currency,
                "collect_on": debit.collect_on.isoformat() if debit.collect_on else None,
                "released": debit.released,
                "state": debit.state.value,
                "reason": debit.reason,
            }
            for debit, loan in debits.listing(session, state=state, limit=limit)
        ]
    if as_json:
        print_json({"debits": told})
        return
    shown = table("reference", "loan", "step", "amount", "collected on", "state", "why")
    for one in told:
        reason = one["reason"]
        why = f"{reason}: {return_meaning(reason).meaning}" if reason and len(reason) == 4 else reason or ""
        kept = "" if one["released"] or one["state"] != DebitState.PLANNED else " (kept back)"
        money = amount(one["amount_minor"], one["currency"])
        shown.add_row(
            one["reference"], one["loan_id"], one["step"], money, one["collect_on"] or "", one["state"] + kept, why
        )
    terminal().print(shown if told else "no direct debits")


def taken_in(one: TakenIn) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "name": one.name,
        "known": one.known,
        "entries": one.entries,
        "told_before": one.told_before,
        "counts": {key: number for key, number in sorted(one.counts.items()) if number},
    }


def taken_in_words(one: TakenIn) -> str:
    if one.known:
        return f"{one.name}: taken in before; nothing was done"
    counted = [f"{number} {key.replace('_', ' ')}" for key, number in sorted(one.counts.items()) if number]
    if one.told_before:
        counted.append(f"{one.told_before} told of before")
    return f"{one.name} ({one.kind}): {', '.join(counted) or 'nothing in it for us'}"

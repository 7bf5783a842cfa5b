"""`consent`: leave to read balances: which there are, asking for one, taking one back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from commands import configuration
from commands.console import JsonOption, Refused, operator_app, print_json, table, terminal
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from commands.person_data import WHO, check_kept, check_request

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from activities.consents import ConsentDesk, Revoked
    from config.settings import Settings
    from records.database import Database
    from records.tables import Consent, Person

T = TypeVar("T")
app = operator_app("Consents to read balances: list them, ask for one, take one back.")
ByOption = Annotated[str, typer.Option("--by", help="Who says so, for the audit trail.")]


@app.command("list")
def list_command(
    loan_id: Annotated[str | None, typer.Option("--loan", help="Only those of this loan's person.")] = None,
    ends_within: Annotated[
        int | None, typer.Option(min=0, max=3650, help="Only valid ones that end within so many days.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Ask the banks how they stand first; that is no read of a balance.")
    ] = False,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """List consents, those that end first first: until when they are good, and why those are over that are.

    Example: starter.py consent list --ends-within 14
    """
    from records import consents, people
    from records.tables import ConsentStatus

    settings = configuration.settings()
    database = configuration.records(settings)
    now = datetime.now(UTC)
    failed = 0
    if check:
        failed = _with_desk(settings, database, lambda desk: _check(desk, database, lender, now))
    with database.reading() as session:
        if loan_id is not None:
            person = people.of_loan(session, find_loan(session, loan_id, lender))
            rows = [(consent, person) for consent in consents.of_person(session, person)]
        else:
            rows = list(consents.listing(session, lender=lender))
        if ends_within is not None:
            last = now.date() + timedelta(days=ends_within)
            valid = [(each, whose) for each, whose in rows if each.status is ConsentStatus.VALID]
            rows = [(each, whose) for each, whose in valid if each.valid_until is not None and each.valid_until <= last]
        told = [_told(consent, person, now) for consent, person in rows]
    if as_json:
        print_json({"consents": told, "could_not_be_checked": failed})
    elif not told:
        typer.echo("no consent")
    else:
        shown = table("consent", "person", "source", "state", "until", "reads a day", "why over")
        for each in told:
            names = ("consent", "person_id", "source", "state", "valid_until", "reads_a_day", "over_because")
            shown.add_row(*("" if each[name] is None else str(each[name]) for name in names))
        terminal().print(shown)
    if failed:
        typer.echo(f"{failed} could not be checked: the bank did not answer; the others are as shown", err=True)
        raise typer.Exit(1)


@app.command()
def ask(
    loan_id: LoanArgument,
    link: Annotated[
        bool, typer.Option("--link", help="Print the address instead of sending it: for somebody who is on the phone.")
    ] = False,
    by: ByOption = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask the borrower of LOAN, by a message with a link, to let their balance be read.

    The message goes out at the next lawful moment and within the limits for contacts, by the channels of the
    strategy's watch. The loan hears of it from the web app.

    Example: starter.py consent ask P-20417
    """
    from records import audit, consent_links, people
    from records.tables import LoanState
    from web.consent_news import tell_to_ask

    check_kept(WHO, by)
    settings = configuration.settings()
    if settings.web.public_url is None:
        raise Refused("RECOBRO_WEB__PUBLIC_URL is not set: a borrower could not reach the page to consent on")
    now = datetime.now(UTC)
    address = None
    with configuration.records(settings).writing(durable=True) as session:
        loan = find_loan(session, loan_id, lender)
        if loan.state is not LoanState.IN_COLLECTION:
            raise Refused(f"loan {loan.loan_id!r} is not in collection: nobody is asked for a consent")
        if link:
            token = consent_links.make(session, people.of_loan(session, loan), now)
            address = f"{settings.web.public_url}/consent/{token}"
        else:
            tell_to_ask(session, loan, now)
        audit.append(
            session,
            at=now,
            actor=by[:80],
            action="consent_link_shown" if link else "consent_to_be_asked",
            lender=loan.lender,
            loan_id=loan.loan_id,
        )
    if as_json:
        print_json({"lender": loan.lender, "loan_id": loan.loan_id, "asked": not link, "link": address})
        return
    typer.echo(address or f"loan {loan.loan_id} is told to ask its borrower for a consent")


@app.command()
def revoke(
    loan_id: LoanArgument,
    by: ByOption = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """End every valid consent of LOAN's person, here at once and then at the bank. No balance of theirs is read again.

    What they were asked for and have not come back from is not granted either. Where the bank does not answer, the
    daily run tells it, or this command said again.

    Example: starter.py consent revoke P-20417 --by "call of 2026-05-12"
    """
    from records import people

    settings = configuration.settings()
    database = configuration.records(settings)
    now = datetime.now(UTC)
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
        person = people.of_loan(session, loan)
        check_request(by, person.name, person.phone)
    revoked = _with_desk(settings, database, lambda desk: desk.revoke(loan.person_ref, now, by))
    if as_json:
        told = {"revoked": revoked.ended, "bank_not_told": revoked.not_told}
        print_json({"lender": loan.lender, "loan_id": loan.loan_id, **told})
        return
    typer.echo(f"{revoked.ended} consent{'' if revoked.ended == 1 else 's'} of the person of {loan.loan_id} revoked")
    if revoked.not_told:
        typer.echo(f"{revoked.not_told} not ended at the bank, which did not answer: the daily run tells it", err=True)


async def _check(desk: ConsentDesk, database: Database, lender: str | None, now: datetime) -> int:
    """Settle what was asked for and ask how valid ones stand; how many could not be asked."""
    from activities.consents import SETTLED_WITHIN
    from providers.errors import ProviderError
    from records import consents

    with database.reading() as session:
        waiting = {asked.person_ref for asked in consents.open_requests(session, None, now - SETTLED_WITHIN)}
        known = [consent.id for consent, _ in consents.listing(session, lender=lender)]
    failed = 0
    for person_ref in waiting:
        try:
            await desk.settle(person_ref, now, None)
        except ProviderError:
            failed += 1
    for consent_ref in known:
        try:
            await desk.check(consent_ref or 0, now)
        except ProviderError:
            failed += 1
    return failed


def end_before_erasure(settings: Settings, database: Database, person_ref: int, at: datetime, by: str) -> Revoked:
    """End at their sources what consents of a person live there, whom nobody could end any more once they are erased.

    Those that could not be ended now are over here all the same, and the daily run tells their sources.
    """
    from activities.consents import Revoked
    from records import consents, people

    with database.reading() as session:
        if not consents.live(session, people.get(session, person_ref)):
            return Revoked(ended=0, not_told=0)
    return _with_desk(settings, database, lambda desk: desk.revoke(person_ref, at, by))


def _with_desk(settings: Settings, database: Database, work: Callable[[ConsentDesk], Awaitable[T]]) -> T:
    from zoneinfo import ZoneInfo

    import httpx

    from activities.composition import bank_sources, connect_outside, stop_states
    from activities.consents import ConsentDesk
    from web.consent_news import tell_given

    async def run() -> T:
        async with httpx.AsyncClient() as client:
            sources = bank_sources(settings, connect_outside(settings, client))
            zone = ZoneInfo(settings.bank.zone if settings.bank is not None else "UTC")
            return await work(ConsentDesk(database, sources, tell_given, zone, stop_states(settings)))

    return asyncio.run(run())


def _told(consent: Consent, person: Person, now: datetime) -> dict[str, Any]:
    from records.tables import ConsentStatus

    state = consent.status.value
    if consent.over_because == "replaced":
        state = "replaced"
    elif state == ConsentStatus.VALID.value and consent.valid_until is not None and consent.valid_until < now.date():
        state = ConsentStatus.EXPIRED.value
    return {
        "consent": consent.id,
        "lender": person.lender,
        "person_id": person.person_id,
        "source": consent.provider,
        "state": state,
        "valid_until": consent.valid_until.isoformat() if consent.valid_until else None,
        "reads_a_day": consent.reads_per_day,
        "over_because": consent.over_because,
        "changed_at": consent.changed_at.isoformat(),
    }

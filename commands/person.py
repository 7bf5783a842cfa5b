"""`person`: what is known of the person who owes, as far as contact law asks for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, did_you_mean, operator_app, print_json
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from commands.person_data import ByOption, check_request, erase, export, find, retention
from commands.person_opt_out import opt_out
from domain.contact import Channel

if TYPE_CHECKING:
    from sqlmodel import Session

    from records.tables import Loan, Person

app = operator_app("The person who owes: facts that bear on contact, channels they agreed to, their data and its end.")
for command in (find, export, erase, retention):
    app.command()(command)
app.command("opt-out")(opt_out)

Change = Callable[["Session", "Person", datetime], bool]
"""Answers whether anything changed."""


@app.command()
def flag(
    loan_id: LoanArgument,
    name: Annotated[str, typer.Argument(metavar="FLAG", help="Such as dispute, cease, attorney or no_calls.")],
    clear: Annotated[bool, typer.Option("--clear", help="It holds no longer.")] = False,
    by: ByOption = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note a fact about the person that contact law asks for, or --clear it. It holds for all their loans.

    The facts and what each closes or opens are in docs/contact-rules.md. Contacts that wait for their hour hear of it
    when they are decided again.

    Examples:

      starter.py person flag P-20417 attorney

      starter.py person flag P-20417 requested_by_debtor --by "letter of 12 May"
    """
    from domain.contact_rules import KNOWN_FLAGS

    if name not in KNOWN_FLAGS:
        hint = did_you_mean(name, sorted(KNOWN_FLAGS))
        raise Refused(f"{name[:40]!r} is no fact that the rules know{hint} There are: {', '.join(sorted(KNOWN_FLAGS))}")

    def change(session: Session, person: Person, now: datetime) -> bool:
        from records import people

        if clear:
            return people.clear_flag(session, person, name, at=now)
        return people.raise_flag(session, person, name, source=by[:80], at=now)

    _tell(loan_id, lender, "person_flag_cleared" if clear else "person_flagged", by, {"flag": name}, change, as_json)


@app.command()
def authorise(
    loan_id: LoanArgument,
    channels: Annotated[list[Channel] | None, typer.Argument(metavar="[CHANNEL]...", help="All of them.")] = None,
    unknown: Annotated[bool, typer.Option("--unknown", help="It is not known which.")] = False,
    by: ByOption = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep which channels the person agreed to, in place of what was known. None named: they agreed to none.

    Colombia asks for it, New York City for electronic channels, WhatsApp for itself.

    Examples:

      starter.py person authorise P-20417 sms email

      starter.py person authorise P-20417 --unknown
    """
    if unknown and channels:
        raise Refused("--unknown: expected no channels beside it")
    agreed = None if unknown else frozenset(channels or ())

    def change(session: Session, person: Person, now: datetime) -> bool:
        from records import people

        return people.authorise(session, person, agreed, at=now)

    told = {"channels": None if agreed is None else sorted(agreed)}
    _tell(loan_id, lender, "person_channels_authorised", by, told, change, as_json)


def _tell(
    loan_id: str, lender: str | None, action: str, by: str, details: dict[str, Any], change: Change, as_json: bool
) -> None:
    """Change the person under their lock, note it in the audit trail, and say what now holds. Raises Refused."""
    from records import audit, people

    now = datetime.now(UTC)
    database = configuration.records(configuration.settings())
    with database.writing() as session:
        loan: Loan = find_loan(session, loan_id, lender)
        person = people.of_loan(session, loan)
        check_request(by, person.name, person.phone)
        people.lock(session, person)
        changed = change(session, person, now)
        if changed:
            audit.append(
                session, at=now, actor=by[:80], action=action, lender=loan.lender, loan_id=loan.loan_id, details=details
            )
        flags = sorted(people.flags(session, person))
        agreed = people.authorised_channels(person)
        loans = [each.loan_id for each in people.loans_of(session, person)]
    if as_json:
        channels = None if agreed is None else sorted(agreed)
        print_json({"changed": changed, "flags": flags, "authorised_channels": channels, "loans": loans})
        return
    typer.echo("changed" if changed else "nothing to change: it is known so")
    typer.echo(f"facts: {', '.join(flags) or 'none'}")
    typer.echo(f"channels agreed to: {'not known' if agreed is None else ', '.join(sorted(agreed)) or 'none'}")
    typer.echo(f"loans this holds for: {', '.join(loans)}")

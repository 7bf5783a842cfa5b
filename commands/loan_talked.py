"""`loan talked`: a call or visit of people, so that the machine keeps the silence that law asks for after it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from commands import configuration
from commands.acting import acting
from commands.console import JsonOption, Refused, iso, moment_of, print_json
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from domain.contact import Channel

_OPTIONS = {"channel": "--channel", "answered": "--no-answer", "at": "--at"}
_DAY = 10
"""Characters of a day without a time."""


def talked(
    loan_id: LoanArgument,
    channel: Annotated[Channel, typer.Option("--channel", help="call or visit.")],
    by: Annotated[str, typer.Option("--by", help="Who talked: an agent's or supervisor's account, or their id.")],
    at: Annotated[
        str | None, typer.Option("--at", help="When it began, such as 2026-12-24T09:00+01:00. Default: now.")
    ] = None,
    inbound: Annotated[bool, typer.Option("--inbound", help="The borrower called or came.")] = False,
    no_answer: Annotated[bool, typer.Option("--no-answer", help="Nobody was reached.")] = False,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Note a call or visit that a person made or took: it counts for the contact rules of all the borrower's loans.

    The machine hears of talks from nowhere else. Laws count them with its own contacts: in Chile one call or visit a
    week, in the United States none for seven days after a conversation. Contacts that wait for their hour hear of it
    when they are decided again. Told again with the same moment it counts once.

    Examples:

      starter.py loan talked P-20417 --channel call --by ana

      starter.py loan talked P-20417 --channel visit --by ana --at 2026-11-27T16:30-03:00 --no-answer
    """
    from domain.agreements.terms import Authority
    from domain.talks import NoTalk, Talk
    from records import talks

    now = datetime.now(UTC)
    database = configuration.records(configuration.settings())
    talk = Talk(channel, _moment(at, now), inbound, answered=not no_answer)
    who = acting(database, by, Authority.AGENT)
    with database.writing(durable=True) as session:
        loan = find_loan(session, loan_id, lender)
        try:
            noted = talks.note(session, loan, talk, by=who, now=now)
        except NoTalk as why:
            raise Refused(f"{_OPTIONS[why.field]}: {why.problem}") from None
        told = {"lender": loan.lender, "loan_id": loan.loan_id, "noted": noted}
    told |= {"channel": talk.channel, "at": iso(talk.at), "inbound": talk.inbound, "answered": talk.answered}
    if as_json:
        print_json(told)
        return
    what = f"{talk.channel} of {told['at']}"
    typer.echo(f"loan {told['loan_id']} of {told['lender']}: {what} {'is noted' if noted else 'was known'}")


def _moment(text: str | None, now: datetime) -> datetime:
    """Raises Refused."""
    if text is None:
        return now
    if len(text) <= _DAY:
        raise Refused(f"--at: {text!r} is a day: expected the moment, such as 2026-12-24T09:00+01:00")
    return moment_of(text, "--at")

"""`loan thread`: what was written in and out about a loan."""

from __future__ import annotations

from typing import Annotated

import typer

from commands import configuration
from commands.console import JsonOption, iso, print_json

_GONE = "(gone: the person's data was erased)"


def thread(
    loan_id: Annotated[str, typer.Argument(metavar="LOAN", help="The lender's loan id.")],
    search: Annotated[str | None, typer.Option(help="Only messages that hold these words.")] = None,
    lender: Annotated[str | None, typer.Option(help="Where two lenders use the same loan id.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show the conversation about a loan: what the borrower, the machine, the sequence and people wrote.

    It prints what people wrote: for the eyes of who may read it.

    Examples:

      starter.py loan thread L-1042

      starter.py loan thread L-1042 --search "viernes" --json
    """
    from commands.loan_lookup import find_loan
    from records import people
    from records.threads import thread_of

    with configuration.records(configuration.settings()).reading() as session:
        loan = find_loan(session, loan_id, lender)
        said = thread_of(session, loan, search)
        erased = people.of_loan(session, loan).erased_at is not None
    if as_json:
        rows = [
            {
                "at": iso(one.at),
                "who": one.who,
                "channel": one.channel,
                "text": one.text,
                "about": one.about,
                "state": one.state,
                "by": one.by,
                "words_id": one.words_id,
            }
            for one in said
        ]
        print_json({"loan_id": loan.loan_id, "lender": loan.lender, "thread": rows})
        return
    if not said:
        typer.echo("nothing was written" if search is None else "no message holds these words")
    for one in said:
        named = f"words {one.words_id}" if one.words_id else None
        about = ", ".join(each for each in (named, one.about, one.state) if each)
        who = f"{one.who} {one.by}" if one.by else one.who
        typer.echo(f"{iso(one.at)} {who} by {one.channel}" + (f" ({about})" if about else ""))
        gone = _GONE if erased and one.channel != "case" else ""
        for line in (one.text or gone).strip().splitlines():
            typer.echo(f"    {line}")

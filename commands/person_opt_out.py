"""`person opt-out`: a stop that reached no webhook, such as a letter's or a call's, closed as if it had come by one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from commands import configuration
from commands.console import JsonOption, print_json
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from commands.person_data import ByOption, check_request
from domain.contact import Channel

if TYPE_CHECKING:
    from sqlmodel import Session

    from records.tables import Person

PROVIDER = "operator"
_LONGEST_SOURCE = 80
"""Characters that the records keep of who said so."""
_BY_NUMBER = frozenset({Channel.SMS, Channel.WHATSAPP, Channel.CALL})


def opt_out(
    loan_id: LoanArgument,
    channel: Annotated[Channel, typer.Argument(help="What they want no more of.")],
    by: ByOption = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close a channel for the person, about all their loans; also for everyone who has the same number or address.

    For what was told by telephone or letter, or lost while the web app or the records were away. As a STOP by message
    does it closes sms, whatsapp and call for everyone with that telephone number; e-mail for everyone whose address is
    written with the same letters, where a STOP by e-mail closes it for its writer alone; post and visit for the person
    alone. In the US a stop of calls closes sms too. Nothing more is sent by it from this moment on; running loans hear
    of it from the web app, or by `webhooks relay`. Said again it closes nothing more, but counts as of now. Only the
    person opens it again, by a message they write later. No more contact by any way: `person flag LOAN cease`.

    Example: starter.py person opt-out P-20417 sms --by "letter of 12 May"
    """
    from domain.closed_by_stop import closed_by_stop
    from records import owed_signals, people
    from web.inbound_news import close_channel

    now = datetime.now(UTC)
    with configuration.records(configuration.settings()).writing(durable=True) as session:
        loan = find_loan(session, loan_id, lender)
        asked = people.of_loan(session, loan)
        reached = _reached_like(session, asked, channel)
        check_request(by, *(one for person in reached for one in (person.name, person.phone)))
        people.lock_many(session, (person.id for person in reached if person.id is not None))
        stopped = {person.id: closed_by_stop(channel, person.country) for person in reached}
        changed = any(not people.opted_out(session, person).issuperset(stopped[person.id]) for person in reached)
        source = f"by hand: {by}"[:_LONGEST_SOURCE]
        for person in reached:
            closed_now = stopped[person.id]
            signals = [told for each in closed_now for told in close_channel(session, person, each, source, now)]
            owed_signals.owe(
                session,
                provider=PROVIDER,
                key=f"opt-out:{person.id}:{channel}:{now.isoformat()}",
                signals=[signal.model_dump(mode="json") for signal in signals],
                at=now,
                outcome="opt_out",
                person_ref=person.id,
            )
        closed = sorted(people.opted_out(session, asked))
        loans = [each.loan_id for person in reached for each in people.loans_of(session, person)]
    if as_json:
        print_json({"changed": changed, "opted_out": closed, "people": len(reached), "loans": loans})
        return
    known = f"{channel} is closed already: it closes nothing more, but counts as of now"
    typer.echo(f"{channel} is closed" if changed else known)
    typer.echo(f"closed channels: {', '.join(closed)}")
    if len(reached) > 1:
        way = "address" if channel is Channel.EMAIL else "number"
        typer.echo(f"people this holds for: {len(reached)}, all with the same {way}")
    typer.echo(f"loans this holds for: {', '.join(loans)}")


def _reached_like(session: Session, person: Person, channel: Channel) -> Sequence[Person]:
    """Whom a stop of the person's by this channel closes it for, the person first: a message is known by its number."""
    from records import people

    found: Sequence[Person] = ()
    if channel in _BY_NUMBER and person.phone is not None:
        found = people.by_phone(session, person.phone)
    elif channel is Channel.EMAIL and person.email is not None:
        found = people.by_email(session, person.email)
    return (person, *(other for other in found if other.id != person.id))

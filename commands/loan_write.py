"""`loan write`: a person's own words to a borrower."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from commands import configuration
from commands.acting import acting
from commands.borrowers_days import first_begin, zones_of_loan
from commands.console import JsonOption, Refused, YesOption, agree, iso, print_json
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from commands.loan_orders import why_it_cannot_hear

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from temporalio.client import Client

    from activities.own_words import Judged
    from config.settings import Settings
    from domain.contact import Channel
    from records.database import Database
    from records.tables import Loan
    from web.agreement_desk import By
    from web.words_desk import Ordered, WordsDesk

LONGEST_READ = 20_000
T = TypeVar("T")


def write(
    loan_id: LoanArgument,
    text: Annotated[str, typer.Option("--text", help="What to write; - reads it from stdin.")],
    by: Annotated[str, typer.Option("--by", help="Who writes: an agent's or supervisor's account, or their id.")],
    channel: Annotated[
        str | None, typer.Option(help="sms, email or whatsapp. Default: the one the borrower wrote by last.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Of an e-mail.")] = None,
    case: Annotated[
        str | None, typer.Option("--case", help="The open case that this settles: the sequence then goes on.")
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="A day (its first minute where the borrower lives) or a moment: later it is not sent. Default: 3 days."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show how it would read, when it would go; send nothing.")
    ] = False,
    yes: YesOption = False,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write to a loan's borrower in your own words, inside the contact rules; the machine is silent meanwhile.

    First shows how it reads, when it may go and what it costs. What law, a platform or the content rules refuse is not
    kept. An answer to what the borrower wrote counts as a reply, anything else as a contact. The words are kept sealed
    in the records; Temporal gets their id. Given again the same day by the same person they go out once.

    Examples:

      starter.py loan write P-20417 --by ana --text "El pago del día 3 nos llegó: gracias."

      starter.py loan write P-20417 --by ana --channel email --subject "Tu consulta" --text - --dry-run < answer.txt
    """
    from activities.own_words import Draft

    words, answered = _read(text), _case(case)
    settings = configuration.settings()
    database = configuration.records(settings)
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
        zones = zones_of_loan(session, loan)
    who = _who(database, by)
    ends = first_begin(until, "--until", zones) if until is not None else None
    if ends is not None and ends <= datetime.now(UTC):
        raise Refused("--until lies in the past")
    draft = Draft(words, _channel(channel), _utf8(subject, "--subject") if subject is not None else None)

    async def look(desk: WordsDesk) -> Judged:
        return await desk.look(loan, draft)

    judged = _at_the_desk(settings, database, loan, look)
    told = _as_json(loan, judged) | {"words_id": None, "accepted": False, "detail": None}
    if not dry_run:
        if not as_json:
            _show(judged)
        agree(f"Send it to the borrower of loan {loan.loan_id}?", yes)

        async def send(desk: WordsDesk) -> Ordered:
            return await desk.send(loan, who, draft, desk.id_for(loan, who, draft), case_id=answered, until=ends)

        ordered = _at_the_desk(settings, database, loan, send)
        told |= {"words_id": ordered.words_id, "accepted": True, "detail": ordered.detail}
    if as_json:
        print_json(told)
    elif dry_run:
        _show(judged)
        typer.echo("nothing was sent: --dry-run")
    else:
        typer.echo(f"loan {loan.loan_id} of {loan.lender}: {told['detail']} (`loan thread` shows what becomes of it)")


def withdraw_words(
    loan_id: LoanArgument,
    by: Annotated[str, typer.Option("--by", help="Who: an agent's or supervisor's account, or their id.")],
    words_id: Annotated[
        str | None, typer.Argument(metavar="[WORDS]", help="Their id, see `loan thread`. Default: those that wait.")
    ] = None,
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Withdraw what a person wrote to a borrower, while it still waits for its lawful moment.

    What leaves at this very moment is sent all the same: `loan thread` shows it. The machine goes on being silent in
    that conversation; where the borrower waits for an answer, a case asks for another one.

    Example:

      starter.py loan withdraw-words P-20417 --by ana
    """
    settings = configuration.settings()
    database = configuration.records(settings)
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
    who = _who(database, by)

    async def withdraw(desk: WordsDesk) -> Ordered:
        from activities.own_words import WordsRefused

        meant = words_id or _only(desk.waiting(loan))
        if meant is None:
            raise WordsRefused("nothing that a person wrote waits to be sent")
        return await desk.withdraw(loan, who, meant)

    ordered = _at_the_desk(settings, database, loan, withdraw)
    if as_json:
        told = {"words_id": ordered.words_id, "accepted": True, "detail": ordered.detail}
        print_json({"lender": loan.lender, "loan_id": loan.loan_id} | told)
    else:
        typer.echo(f"loan {loan.loan_id} of {loan.lender}: {ordered.detail} (`loan thread` shows what becomes of it)")


def _only(waiting: tuple[str, ...]) -> str | None:
    """Raises Refused where several wait."""
    if len(waiting) > 1:
        raise Refused(f"{len(waiting)} messages wait: say which: {', '.join(waiting)}")
    return waiting[0] if waiting else None


def _at_the_desk(settings: Settings, database: Database, loan: Loan, work: Callable[[WordsDesk], Awaitable[T]]) -> T:
    """Raises Refused."""
    from activities.composition import contact_slots
    from activities.own_words import WordsJudge, WordsRefused
    from commands.temporal_session import with_temporal
    from config.master_keys import master_keys
    from config.warrants import Warrants
    from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
    from web.temporal_orders import TemporalOrders
    from web.words_desk import WordsDesk

    warrants = Warrants(master_keys(settings.encryption, settings.database_url))

    async def at_it(client: Client) -> T:
        async def connect() -> Client:
            return client

        desk = WordsDesk(
            database,
            TemporalOrders(connect, warrants),
            lambda: WordsJudge(database, settings, contact_slots(settings)),
            lambda: datetime.now(UTC),
        )
        try:
            return await work(desk)
        except (WordsRefused, OrderRefused) as why:
            raise Refused(f"refused: {why}") from None
        except LoanNotRunning:
            raise Refused(why_it_cannot_hear(loan)) from None
        except TemporalUnavailable as why:
            raise Refused(
                f"the loan cannot be asked ({why}): say it again, it goes out once, or see `doctor`"
            ) from None

    return with_temporal(at_it)


def _read(text: str) -> str:
    words = text
    if text == "-":
        try:
            words = sys.stdin.buffer.read(LONGEST_READ * 4 + 1).decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("--text -: stdin is not UTF-8 text") from None
    if not words.strip():
        raise Refused("--text: there are no words: nothing is sent")
    if len(words) > LONGEST_READ:
        raise Refused(f"--text: more than {LONGEST_READ:,} characters")
    return _utf8(words.strip(), "--text")


def _utf8(text: str, option: str) -> str:
    """What a terminal gives may hold bytes that are no text. Raises Refused."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise Refused(f"{option}: not UTF-8 text")
    return text


def _case(given: str | None) -> str | None:
    from pydantic import TypeAdapter, ValidationError

    from domain.events.values import Reference

    try:
        return TypeAdapter[str | None](Reference | None).validate_python(given)
    except ValidationError:
        raise Refused(f"--case: {given!r:.60}: expected the id of a case, see `case list`") from None


def _channel(given: str | None) -> Channel | None:
    from domain.contact import Channel
    from domain.own_words import WRITABLE

    if given is None:
        return None
    if given not in {each.value for each in WRITABLE}:
        raise Refused(f"--channel: {given[:20]!r}: expected {', '.join(WRITABLE)}")
    return Channel(given)


def _who(database: Database, by: str) -> By:
    from domain.agreements.terms import Authority
    from web.agreement_desk import By

    return By(acting(database, by, Authority.AGENT), Authority.AGENT)


def _as_json(loan: Loan, judged: Judged) -> dict[str, Any]:
    return {
        "lender": loan.lender,
        "loan_id": loan.loan_id,
        "channel": judged.channel.value,
        "subject": judged.message.subject,
        "text": judged.message.text,
        "answers": judged.answers,
        "not_before": iso(judged.not_before) if judged.not_before is not None else None,
        "rules": list(judged.rules),
        "sms_segments": judged.segments,
        "cost_micros": judged.cost_micros,
        "cost_currency": judged.cost_currency,
    }


def _show(judged: Judged) -> None:
    from domain.costs import MICROS

    if judged.message.subject is not None:
        typer.echo(f"Subject: {judged.message.subject}\n")
    typer.echo(judged.message.text + "\n")
    size = f", {judged.segments} SMS" if judged.segments is not None else ""
    typer.echo(f"by {judged.channel}{size}, {judged.cost_micros / MICROS:.4f} {judged.cost_currency}")
    if judged.not_before is None:
        typer.echo("goes out now")
    else:
        typer.echo(f"goes out from {iso(judged.not_before)} ({', '.join(judged.rules)})")
    typer.echo("answers what the borrower wrote" if judged.answers else "counts as a contact: nothing waits for it")

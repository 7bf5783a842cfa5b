"""`person find|export|erase|retention`: what is known of somebody, and its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, YesOption, agree, iso, print_json

if TYPE_CHECKING:
    from activities.consents import Revoked
    from records.database import Database
    from records.tables import Person

_Person = Annotated[str, typer.Argument(metavar="PERSON", help="The lender's own id of the person.")]
_Lender = Annotated[str | None, typer.Option(help="Where several lenders are served.")]
ByOption = Annotated[
    str,
    typer.Option(
        "--by", help="Which request asked for it: its number or date, no name. Kept in the audit trail for ever."
    ),
]
WHO, WHY = "--by: say who says so by an id", "--reason: say why"
_SHORTEST_NAME = 3
_OF_A_PHONE = 8
_PARTICLES = frozenset({"das", "del", "dos", "las", "los"})


def find(
    phone: Annotated[str | None, typer.Option(help="E.164, such as +34600111222.")] = None,
    email: Annotated[str | None, typer.Option()] = None,
    loan: Annotated[str | None, typer.Option(help="The lender's id of a loan.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Find a person's id by telephone, e-mail or loan: whoever asks for their data rarely knows it.

    Example: starter.py person find --phone +34600111222
    """
    from sqlmodel import select

    from records import people
    from records.tables import Loan

    if sum(one is not None for one in (phone, email, loan)) != 1:
        raise Refused("say one of --phone, --email and --loan")
    with configuration.records(configuration.settings()).reading() as session:
        if phone is not None:
            found = list(people.by_phone(session, phone))
        elif email is not None:
            found = list(people.by_email(session, email))
        else:
            loans = session.exec(select(Loan).where(Loan.loan_id == loan)).all()
            found = [people.of_loan(session, one) for one in loans]
        told = [
            {
                "lender": person.lender,
                "person_id": person.person_id,
                "loans": [one.loan_id for one in people.loans_of(session, person)],
            }
            for person in found
        ]
    if as_json:
        print_json({"people": told})
    for one in [] if as_json else told:
        typer.echo(f"{one['lender']}  {one['person_id']}  loans: {', '.join(map(str, one['loans'])) or 'none'}")
    if not told:
        if not as_json:
            typer.echo("nobody", err=True)
        raise typer.Exit(1)


def export(person_id: _Person, lender: _Lender = None) -> None:
    """All that the records know of PERSON, as readable JSON on stdout, with how long it is kept and why.

    Example: starter.py person export C000001 > C000001.json
    """
    import json

    from config.retention import retention_of
    from records import person_export

    settings = configuration.settings()
    with configuration.records(settings).reading() as session:
        person = _found(session, configuration.lender_of(settings, lender), person_id)
        told = person_export.export(session, person)
        kept = retention_of(person.country)
    told["retention"] = {"country": person.country, **kept.model_dump()}
    typer.echo(json.dumps(told, ensure_ascii=False, indent=2, default=_plain))


def erase(
    person_id: _Person,
    by: ByOption = "operator",
    without_bank: Annotated[
        bool,
        typer.Option(
            "--without-bank",
            help="Go on though a bank cannot be told that a consent is over; kept in the audit trail.",
        ),
    ] = False,
    lender: _Lender = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Destroy PERSON's key, so that what records, histories and backups hold of them cannot be read again.

    Name, addresses, texts, bank consents and balances go; ids, amounts, and when and why contacts were made stay, as
    the law asks, and name nobody. Refused while a loan waits or is in collection: close it first. Refused too while
    money is to be given back to them, a direct debit or transfer of theirs is under way, or a payment query, dispute or
    hardship waits for its decision. Their bank consents are ended at the banks first: refused while a bank cannot be
    told, unless --without-bank says that it is not waited for.

    Example: starter.py person erase C000001 --by "request of 2026-11-20"
    """
    from commands.consent import end_before_erasure
    from records.erasure import StillCollecting, StillUnsettled, check_not_needed
    from records.erasure import erase as erase_person

    settings = configuration.settings()
    database, named = configuration.records(settings), configuration.lender_of(settings, lender)
    with database.reading() as session:
        person = _found(session, named, person_id)
        check_request(by, person.name, person.phone)
    agree(f"Erase all personal data of {person_id}? It cannot be brought back.", yes)
    try:
        with database.reading() as session:
            person = _found(session, named, person_id)
            if person.key_id is not None:
                check_not_needed(session, person, datetime.now(UTC))
        assert person.id is not None
        left = end_before_erasure(settings, database, person.id, datetime.now(UTC), by)
        if left.not_told and not without_bank:
            raise Refused(
                f"{left.not_told} bank consents of the person could not be ended at their bank, and nobody could "
                f"afterwards ({'; '.join(left.why)}): they are not used any more; erase again when the bank answers, "
                "or with --without-bank where it never will"
            )
        if left.not_told:
            _note_left_at_bank(database, person.id, left, by)
        erased = erase_person(database, named, person_id, at=datetime.now(UTC), actor=by[:160])
    except StillCollecting as busy:
        raise Refused(f"{busy}: `starter.py loan close` ends them") from None
    except StillUnsettled as waiting:
        how = (
            "`starter.py refund list` shows how far a refund is, `starter.py case decide` settles a case, "
            "`starter.py debit submit` files or drops a planned debit, `starter.py debit settle` closes one that the "
            "bank tells nothing of, a transfer is over by itself"
        )
        raise Refused(f"{waiting}: {how}") from None
    if as_json:
        print_json({"lender": named, "person_id": person_id, "erased": erased})
    else:
        typer.echo(f"{person_id}: {'erased' if erased else 'was erased before'}")


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say who it would be.")] = False,
    lender: _Lender = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase everyone whose records have been kept as long as their country asks (docs/privacy.md).

    Bank consents that still live are ended at the banks first; where one cannot be told, the person waits for the next
    time, and is named with the reason: `person erase --without-bank` does not wait.

    Example: starter.py person retention --dry-run
    """
    from commands.consent import end_before_erasure
    from config.retention import kept_until
    from records import people
    from records.erasure import StillNeeded, check_not_needed
    from records.erasure import erase as erase_person
    from records.person_retention import past

    settings, at = configuration.settings(), datetime.now(UTC)
    database = configuration.records(settings)
    with database.reading() as session:
        found = past(session, kept_until, at, lender=lender)
    erased, waiting = 0, list[dict[str, str]]()
    if found and not dry_run:
        agree(f"Erase all personal data of {len(found)} people? It cannot be brought back.", yes)
        for one in found:
            try:
                with database.reading() as session:
                    person = people.find(session, one.lender, one.person_id)
                    assert person is not None
                    check_not_needed(session, person, at)
                left = end_before_erasure(settings, database, person.id or 0, at, "retention")
                if left.not_told:
                    why = f"bank consents could not be ended at their bank: {'; '.join(left.why)}"
                    waiting.append({"lender": one.lender, "person_id": one.person_id, "why": why})
                    continue
                erased += erase_person(database, one.lender, one.person_id, at=at, actor="retention")
            except StillNeeded as needed:
                waiting.append({"lender": one.lender, "person_id": one.person_id, "why": str(needed)})
    told: list[dict[str, Any]] = [
        {
            "lender": one.lender,
            "person_id": one.person_id,
            "country": one.country,
            "last_at": iso(one.last_at),
            "kept_until": iso(kept_until(one.country, one.last_at)),
        }
        for one in found
    ]
    if as_json:
        print_json({"people": told, "erased": erased, "waiting": waiting, "dry_run": dry_run})
        return
    for row in told:
        typer.echo("{lender}  {person_id}  {country}  last {last_at}, kept until {kept_until}".format(**row))
    for row in waiting:
        typer.echo("{lender}  {person_id}  waits: {why}".format(**row), err=True)
    typer.echo(f"{len(told)} past retention, {erased} erased")


def check_request(by: str, *known: str | None) -> None:
    """As `check_kept`, of the request that a person's data is changed or erased for."""
    check_kept("--by: say which request it is by its number or date", by, *known)


def check_kept(asked: str, given: str, *known: str | None) -> None:
    """Refuse what says who somebody is: the audit trail keeps it when nothing else is kept of them any more.

    `asked`: the option and what belongs there. `known`: names and telephone numbers of the people it is about. Raises
    Refused.
    """
    from config.personal_text import digits_in, says_how_to_reach

    # A request's number may look like any telephone number, but not like their own.
    own = {digits[-_OF_A_PHONE:] for one in known if len(digits := digits_in(one or "")) >= _OF_A_PHONE}
    if says_how_to_reach(given, digits_alone=True) or any(number in digits_in(given) for number in own):
        raise Refused(
            f"{asked}, without a name, telephone number, e-mail address, "
            "account or identity number: it is kept for ever"
        )
    if named := sorted(_words(given) & frozenset().union(*(_words(one or "") for one in known))):
        raise Refused(
            f"{asked}, a month by its number (2026-05-12): "
            f"{', '.join(map(repr, named))} stands in a name of the person's, and it is kept for ever"
        )


def _note_left_at_bank(database: Database, person_ref: int, left: Revoked, by: str) -> None:
    """The audit trail keeps that consents live on at their bank, and why nobody ended them."""
    from records import audit, people

    with database.writing(durable=True) as session:
        person = people.get(session, person_ref)
        loan_id = next((loan.loan_id for loan in people.loans_of(session, person)), None)
        audit.append(
            session,
            at=datetime.now(UTC),
            actor=by[:80],
            action="consents_left_at_bank",
            lender=person.lender,
            loan_id=loan_id,
            details={"consents": left.not_told, "why": "; ".join(left.why)},
        )


def _words(text: str) -> frozenset[str]:
    """Words a name may be known by, without accents and capitals."""
    import re
    import unicodedata

    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    words = re.findall(r"[^\W\d_]+", plain.casefold())
    return frozenset(word for word in words if len(word) >= _SHORTEST_NAME) - _PARTICLES


def _found(session: Any, lender: str, person_id: str) -> Person:
    from records import people

    person = people.find(session, lender, person_id)
    if person is None:
        raise Refused(f"no person {person_id[:80]!r} of lender {lender!r}: `starter.py person find` looks for one")
    return person


def _plain(value: object) -> str:
    return iso(value) if isinstance(value, datetime) else str(value)

"""`starter.py rules`: the contact law that is in force, and what it answers."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, did_you_mean, operator_app, print_json
from domain.contact import Actor, Channel, Purpose
from domain.contact_rules.model import Profile

if TYPE_CHECKING:
    from config.settings import Settings
    from domain.contact_rules import Caps, Pack, RuleBook

app = operator_app(
    "Contact law: what binds, why, when the next lawful moment is, and decisions for files of questions."
)

CountryArgument = Annotated[str, typer.Argument(metavar="COUNTRY", help="ISO 3166-1 code, such as CL.")]
RegionOption = Annotated[str | None, typer.Option(help="Its ISO 3166-2 code or name, such as RM, es-md or California.")]
CityOption = Annotated[str | None, typer.Option(help="City, where a rule asks for it, such as Chillán or Brooklyn.")]
ProfileOption = Annotated[Profile | None, typer.Option(help="By default the one of the settings: strict.")]
ActorOption = Annotated[Actor | None, typer.Option(help="By default as the settings say: creditor.")]


@app.command()
def show(
    country: Annotated[
        str | None, typer.Argument(metavar="[COUNTRY]", help="ISO 3166-1 code; all when left out.")
    ] = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a country's rules: whom they bind, where, since when, how well they are known, and their sources.

    Example: starter.py rules show CL
    """
    from commands.rules_show import countries, pack_as_json, pack_lines

    settings = configuration.settings()
    books = _books(settings)
    if country is None:
        book = books[profile or settings.profile]
        if as_json:
            print_json({"packs": [{"country": p.country, "name": p.name, "version": p.version} for p in book.packs]})
        else:
            typer.echo("\n".join(countries(book)))
        return
    packs = {name: _pack(book, country) for name, book in books.items() if profile in (None, name)}
    if as_json:
        print_json(pack_as_json(packs))
    else:
        for part in pack_lines(packs):
            _print(part)


@app.command()
def explain(
    country: Annotated[str | None, typer.Option(help="ISO 3166-1 code; not needed with --loan.")] = None,
    region: RegionOption = None,
    city: CityOption = None,
    channel: Annotated[Channel, typer.Option(help="How the person would be contacted.")] = Channel.CALL,
    at: Annotated[
        str | None, typer.Option(help="2026-11-21T20:30 on the person's clock, or with an offset; now by default.")
    ] = None,
    timezone: Annotated[
        list[str] | None, typer.Option(help="IANA zone; several are candidates. By default those of the region.")
    ] = None,
    purpose: Annotated[Purpose, typer.Option(help="Why: collection, reply or transactional.")] = Purpose.COLLECTION,
    flag: Annotated[list[str] | None, typer.Option(help="A stop state or fact, such as dispute.")] = None,
    profile: ProfileOption = None,
    actor: ActorOption = None,
    loan: Annotated[
        str | None, typer.Option(help="Ask for this loan's person, with their ledger and stop states.")
    ] = None,
    lender: Annotated[str | None, typer.Option(help="The lender's key, where two use the same loan id.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Explain one decision: may this contact be made then, by which rules, and if not, when next.

    Examples:

      starter.py rules explain --country CL --region RM --channel call --at 2026-11-21T20:30

      starter.py rules explain --loan P-20417 --channel sms
    """
    from commands.rules_explain import Question, asked_at, explained, explained_as_json, of_loan

    settings = configuration.settings()
    profile = profile or settings.profile
    book = _book(settings, profile)
    pack = None if country is None else _pack(book, country)
    given = Question(
        channel=channel,
        purpose=purpose,
        country=None if pack is None else pack.country,
        region=region if pack is None or region is None else _region(book, pack, region),
        city=city,
        timezones=tuple(timezone or ()),
        flags=frozenset(flag or ()),
        actor=actor,
    )
    if loan is not None:
        request, moment, events = of_loan(settings, book, given, loan, lender, at)
    elif given.country is None:
        raise Refused("--country or --loan is needed: expected a code such as CL, or a loan's id")
    else:
        request, events = given.request(_pack(book, given.country), settings.lender.collects_as), ()
        moment = asked_at(at, request)
    told = explained(request, moment, events, book, _caps(settings))
    if as_json:
        print_json(explained_as_json(told))
    else:
        for line in told.lines():
            typer.echo(line)


@app.command()
def calendar(
    country: CountryArgument,
    month: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m"], help="Such as 2026-12; this one by default.")
    ] = None,
    region: RegionOption = None,
    city: CityOption = None,
    channel: Annotated[list[Channel] | None, typer.Option(help="Only these channels; all by default.")] = None,
    flag: Annotated[list[str] | None, typer.Option(help="A fact that wakes or sets aside a rule.")] = None,
    profile: ProfileOption = None,
    actor: ActorOption = None,
    html: Annotated[Path | None, typer.Option(help="Write the month as an HTML page to this file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a month's lawful hours, day by day.

    Example: starter.py rules calendar CO --month 2026-12 --html december.html
    """
    from commands.rules_month import month_of, page
    from commands.rules_show import month_as_json, month_lines

    settings = configuration.settings()
    book = _book(settings, profile or settings.profile)
    pack = _pack(book, country)
    region = _region(book, pack, region)
    when = month or datetime.now().astimezone()
    found = month_of(
        book,
        pack,
        when.year,
        when.month,
        region=region,
        city=city,
        actor=actor or settings.lender.collects_as,
        flags=frozenset(flag or ()),
        channels=tuple(channel or Channel),
    )
    if html is not None:
        try:
            html.write_text(page(found), encoding="utf-8")
        except OSError as error:
            raise Refused(f"{html}: cannot be written: {error.strerror}") from None
    if as_json:
        print_json(month_as_json(found))
    else:
        for part in month_lines(found):
            _print(part)
        if html is not None:
            typer.echo(f"Page: {html}")


@app.command()
def decide() -> None:
    """Decide JSON lines from standard input, a decision a line on standard output.

    The keys are in docs/contact-rules.md. A line that cannot be read is answered with its id and an error, and the
    rest go on. Exit code: 0 all lines were good, 1 some were not.

    Example: starter.py rules decide < questions.jsonl > decisions.jsonl
    """
    from commands.rules_decide import answers

    settings = configuration.settings()
    books = _books(settings)
    all_good = True
    for good, line in answers(sys.stdin.buffer, books, _caps(settings)):
        all_good &= good
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if not all_good:
        raise typer.Exit(1)


@app.command()
def holidays(
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what changed since the kept dates; exit code 1 if any.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Keep today's dates from now on.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compare the holidays that contact hours rest on, 2026 to 2028, with those kept in the repository.

    After an upgrade of the `holidays` library: look at --diff, then --write and commit.

    Example: starter.py rules holidays --diff
    """
    from config.holiday_dates import GENERATED, changes, generate
    from config.holiday_dates import write as keep
    from config.jurisdictions import load_rulebook

    packs = load_rulebook().packs
    if write:
        lines = generate(packs)
        keep(lines)
        typer.echo(f"{len(lines)} dates kept in config/holidays/generated/{GENERATED.name}")
        return
    try:
        found = changes(packs)
    except OSError:
        raise Refused(f"{GENERATED.name} is missing: make it by `rules holidays --write`") from None
    if as_json:
        print_json(
            {"kept": found.library_then, "now": found.library_now, "added": found.added, "removed": found.removed}
        )
    else:
        typer.echo(f"kept: {found.library_then}; now: {found.library_now}")
        for line in found.removed:
            typer.echo(f"- {line}")
        for line in found.added:
            typer.echo(f"+ {line}")
        if not found.added and not found.removed:
            typer.echo("no date changed")
    if diff and (found.added or found.removed):
        raise typer.Exit(1)


def _books(settings: Settings) -> dict[Profile, RuleBook]:
    from config.jurisdictions import SHIPPED, load_rulebooks

    return load_rulebooks(settings.jurisdictions or SHIPPED, settings.lender_rules)


def _book(settings: Settings, profile: Profile) -> RuleBook:
    from config.jurisdictions import SHIPPED, load_rulebook

    return load_rulebook(settings.jurisdictions or SHIPPED, profile, settings.lender_rules)


def _caps(settings: Settings) -> Caps:
    from domain.contact_rules import Caps

    return Caps(per_day=settings.caps.per_day, per_week=settings.caps.per_week, guard_minutes=settings.guard_minutes)


def _pack(book: RuleBook, country: str) -> Pack:
    """The pack of a country as people write it. Raises Refused."""
    code = country.strip().upper()
    pack = book.pack("GB" if code == "UK" else code)
    if pack is None:
        names = {pack.name.casefold(): pack.country for pack in book.packs}
        known = ", ".join(sorted(names.values()))
        named = names.get(country.strip().casefold())
        hint = f"; did you mean {named}?" if named else did_you_mean(code, names.values())
        raise Refused(f"{country[:40]!r}: no rules are known for this country{hint} There are: {known}")
    return pack


def _region(book: RuleBook, pack: Pack, region: str | None) -> str | None:
    """The region's code. Raises Refused where the country's rules need one, or do not know it."""
    from domain.contact_rules.regions import region_code, regions_of

    code = None if region is None else region_code(pack, region)
    if (region is None or code is not None) and book.region_is_known(pack, code):
        return code
    codes = ", ".join(sorted(regions_of(pack))) or "a code of one to three letters or digits"
    if region is None:
        raise Refused(f"--region: expected one of {codes}, since hours are state law there")
    raise Refused(f"--region: {region[:40]!r} is no region of {pack.name} that is known; expected a name, or {codes}")


def _print(part: Any) -> None:
    from commands.console import terminal

    if isinstance(part, str):
        typer.echo(part)
    else:
        terminal().print(part)

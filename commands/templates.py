"""`starter.py templates`: are the messages lawful where they are sent, and what do they cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import configuration, platform_templates
from commands.console import JsonOption, Refused, did_you_mean, operator_app, print_json, table, terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commands.template_checks import Result
    from domain.contact import Channel

TEMPLATES = Path(__file__).resolve().parent.parent / "config" / "templates"
app = operator_app("Message templates: check them against content rules, list and read them, keep step with WhatsApp.")
app.command()(platform_templates.sync)
app.command()(platform_templates.status)
app.command()(platform_templates.submit)
app.command()(platform_templates.senders)
_Folder = Annotated[Path, typer.Option(help="Folder with templates.", show_default=False)]
_Countries = Annotated[
    list[str] | None, typer.Option("--country", help="A market such as CL; may be given again. Default: all.")
]


@app.command()
def check(
    country: _Countries = None,
    template: Annotated[list[str] | None, typer.Option("--template", help="Only this one; may be given again.")] = None,
    lender: Annotated[
        str | None, typer.Option(help="Check as this lender of the settings would send, not with an invented sender.")
    ] = None,
    folder: _Folder = TEMPLATES,
    as_json: JsonOption = False,
) -> None:
    """Hold every template against the content rules of its markets, and count text messages' segments.

    Each is rendered with invented values: for creditor and agency, as a first and as a later contact, with the lines
    that law asks to be added. A market is checked in the languages its people are written to in. Text messages are also
    held against a sender that is a name, which nobody can answer; segments are those of the market's sender.

    Exit code: 0 all may be sent, 1 some may not, 2 wrong input.

    Examples:

      starter.py templates check

      starter.py templates check --country MX --country CL --json

      starter.py templates check --lender acme
    """
    from activities.message_writing import is_one_way
    from commands.template_checks import check_templates, price_lines, problem_lines
    from domain.contact import Channel

    markets = _markets(country)
    names = _names(template, folder)
    settings = configuration.settings()
    sender = settings.lender_named(lender) if lender is not None else None
    one_way = [market for market in markets if is_one_way(settings, Channel.SMS, market)]
    results = list(check_templates(markets, folder=folder, lender=sender, names=names, one_way=one_way))
    if not results:
        raise Refused(f"{folder.name}: no template is in a language of {', '.join(markets)}: nothing was checked")
    failed = [result for result in results if not result.passes]
    if as_json:
        print_json(_as_json(markets, results))
    else:
        for line in problem_lines(results):
            typer.echo(line)
        for line in price_lines(results):
            typer.echo(f"price: {line}")
        typer.echo(_summary(markets, results, len(failed)))
    raise typer.Exit(1 if failed else 0)


@app.command("list")
def list_command(folder: _Folder = TEMPLATES, as_json: JsonOption = False) -> None:
    """List the templates there are, with their languages and channels.

    Example: starter.py templates list --json
    """
    rows = [
        {"template": name, "channels": sorted(by_language), "languages": sorted(set().union(*by_language.values()))}
        for name, by_language in sorted(_known(folder).items())
    ]
    if as_json:
        print_json({"templates": rows})
        return
    shown = table("template", "channels", "languages")
    for row in rows:
        shown.add_row(row["template"], ", ".join(row["channels"]), ", ".join(row["languages"]))
    terminal().print(shown)


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="TEMPLATE", help="A template's name.")],
    country: Annotated[str, typer.Option(help="The market it is sent in.")] = "ES",
    channel: Annotated[str, typer.Option(help="sms, email or whatsapp.")] = "sms",
    language: Annotated[str | None, typer.Option(help="Default: the market's first.")] = None,
    agency: Annotated[bool, typer.Option("--agency", help="As an agency would send it.")] = False,
    later: Annotated[bool, typer.Option("--later", help="As a later contact, not the first.")] = False,
    folder: _Folder = TEMPLATES,
) -> None:
    """Show one template as a borrower with invented values would get it, with what law adds, and what is wrong.

    Where the settings' sender of text messages in that market is a name, it is what goes out from a name.

    Example: starter.py templates show account_overdue --country MX
    """
    from activities.message_writing import is_one_way
    from commands.template_checks import preview

    [market] = _markets([country])
    _names([name], folder)
    way = _channel(channel)
    one_way = is_one_way(configuration.settings(), way, market)
    typer.echo(
        preview(name, way, language, market, agency=agency, first_contact=not later, folder=folder, one_way=one_way)
    )


def _markets(given: Sequence[str] | None) -> tuple[str, ...]:
    from config.content_rules import load_content

    known = load_content().markets
    chosen = tuple(dict.fromkeys(each.upper() for each in given)) if given else known
    for each in chosen:
        if each not in known:
            raise Refused(f"--country: {each[:10]!r} has no content rules: expected one of {', '.join(known)}")
    return chosen


def _channel(given: str) -> Channel:
    from commands.template_checks import CHANNELS

    for each in CHANNELS:
        if given.lower() == each:
            return each
    raise Refused(f"--channel: {given[:20]!r}: expected one of {', '.join(CHANNELS)}")


def _names(given: Sequence[str] | None, folder: Path) -> frozenset[str] | None:
    known = _known(folder)
    if not known:
        raise Refused(f"{folder}: there are no templates: expected <language>/<template>.<channel>.txt")
    for each in given or ():
        if each not in known:
            raise Refused(f"there is no template {each[:80]!r}{did_you_mean(each, known)}")
    return frozenset(given) if given else None


def _known(folder: Path) -> dict[str, dict[str, set[str]]]:
    from commands.template_checks import CHANNELS
    from config.templates import languages, template_names

    known: dict[str, dict[str, set[str]]] = {}
    for language in languages(folder):
        for channel in CHANNELS:
            for name in template_names(channel, language, folder):
                known.setdefault(name, {}).setdefault(channel.value, set()).add(language)
    return known


def _summary(markets: Sequence[str], results: Sequence[Result], failed: int) -> str:
    checked = {result.case.market for result in results}
    unwritten = [market for market in markets if market not in checked]
    templates = len({result.case.template for result in results})
    words = f"{templates} templates in {len(checked)} markets, {len(results):,} messages: "
    words += "all may be sent" if not failed else f"{failed:,} may not be sent"
    return words + (f"; no template is in a language of {', '.join(unwritten)}" if unwritten else "")


def _as_json(markets: Sequence[str], results: Sequence[Result]) -> dict[str, Any]:
    """Any: a JSON object of mixed values. Keys are documented in docs/content-rules.md."""
    checked = {result.case.market for result in results}
    return {
        "ok": all(result.passes for result in results),
        "markets": list(markets),
        "without_templates": [market for market in markets if market not in checked],
        "messages": len(results),
        "results": [_result_as_json(result) for result in results],
    }


def _result_as_json(result: Result) -> dict[str, Any]:
    case = result.case
    advice = result.advice
    return {
        "template": case.template,
        "language": case.language,
        "channel": case.channel.value,
        "market": case.market,
        "actor": case.actor.value,
        "first_contact": case.first_contact,
        "passes": result.passes,
        "error": result.error,
        "findings": [finding.model_dump(mode="json") for finding in result.findings],
        "sms": result.size.model_dump(mode="json") if result.size else None,
        "cheaper": {
            "segments": advice.cheaper.segments,
            "characters": [one.model_dump(mode="json") for one in advice.characters],
        }
        if advice
        else None,
    }

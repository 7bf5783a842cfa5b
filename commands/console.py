"""How every command speaks: results on stdout, one clear line on stderr when it cannot do what was asked."""

from __future__ import annotations

import difflib
import inspect
import json
import sys
import traceback
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from typer._click.exceptions import NoArgsIsHelpError, UsageError
from typer.core import TyperGroup

from domain.moments import iso as iso

LOGS = Path("var/log")
_WIDTH_WITHOUT_TERMINAL = 140

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


class Refused(Exception):
    """What was asked cannot be done; the text is one line for the operator. Exit code 2."""


class OperatorGroup(TyperGroup):
    """The one place where errors become a line on stderr and an exit code."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.help = flowing(self.help)
        for command in self.commands.values():
            command.help = flowing(command.help)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        try:
            return super().make_context(info_name, args, parent=parent, **extra)
        except UsageError as error:
            raise _wrong_usage(error) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise _wrong_usage(error) from None
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None
        except Exception as error:
            if _belongs_to_typer(error):
                raise
            line = explain(error)
            if line is not None:
                typer.echo(line, err=True)
                raise typer.Exit(2) from None
            typer.echo(f"unexpected {type(error).__name__}; {_where_kept(error)}", err=True)
            raise typer.Exit(1) from None


def flowing(help_text: str | None) -> str | None:
    """A help whose paragraphs fill the reader's terminal, however wide its source; what is indented stays."""
    if help_text is None:
        return None
    paragraphs = inspect.cleandoc(help_text).split("\n\n")
    return "\n\n".join(each if "\n " in f"\n{each}" else each.replace("\n", " ") for each in paragraphs)


def operator_app(help: str) -> typer.Typer:
    """A command group whose errors are told as lines."""
    return typer.Typer(cls=OperatorGroup, no_args_is_help=True, help=help, pretty_exceptions_enable=False)


def _wrong_usage(error: UsageError) -> Exception:
    """One line for a wrong option or argument; a command without arguments still shows its help."""
    if isinstance(error, NoArgsIsHelpError):
        return error
    where = error.ctx.command_path if error.ctx is not None else "starter.py"
    typer.echo(f"{_one_line(error.format_message())} (see `{where} --help`)", err=True)
    return typer.Exit(2)


def _belongs_to_typer(error: Exception) -> bool:
    """Exit, Abort and wrong usage: Typer prints and codes these itself."""
    return type(error).__module__.startswith(("typer.", "click.")) or isinstance(error, BrokenPipeError)


def explain(error: Exception) -> str | None:
    """The line for an error an operator can act on; None for what nobody foresaw."""
    if isinstance(error, Refused):
        return str(error)
    for module, names in _KNOWN.items():
        # A module that was never imported cannot have raised.
        if module in sys.modules:
            for name in names:
                if isinstance(error, getattr(sys.modules[module], name)):
                    return _one_line(str(error))
    return _explain_database(error)


_KNOWN: Mapping[str, tuple[str, ...]] = {
    "workflows.connection": ("NoTemporal",),
    "workflows.payload_encryption": ("CannotDecrypt",),
    "config.settings": ("BadSettings",),
    "config.master_keys": ("BadKeys",),
    "config.strategies": ("StrategyError",),
    "config.templates": ("TemplateError",),
    "config.content_rules": ("ContentRulesError",),
    "config.jurisdictions": ("JurisdictionError",),
    "records.database": ("BadDatabaseUrl", "SchemaOutOfDate"),
    "records.audit": ("NoHead",),
    "records.person_keys": ("KeysMissing",),
    "records.loans": ("UnknownLoan",),
    "records.mandates": ("MandateExists", "UnknownMandate"),
    "records.bank_entries": ("UnknownEntry", "EntrySettled"),
    "records.cases": ("UnknownCase", "CaseClosed"),
    "records.campaigns": ("UnknownCampaign", "CampaignExists"),
    "intake.errors": ("PortfolioError",),
    "intake.apart": ("CheckEnded",),
    "commands.processes": ("ProcessFailed",),
}


def _explain_database(error: Exception) -> str | None:
    if "sqlalchemy.exc" not in sys.modules:
        return None
    from sqlalchemy.exc import InterfaceError, OperationalError

    if isinstance(error, OperationalError | InterfaceError):
        # The driver's first line names the host or the file; the rest would repeat the statement.
        reason = str(error.orig).strip().splitlines()[0][:200] if error.orig else type(error).__name__
        return f"the database cannot be used: {reason}"
    return None


def _one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


def _where_kept(error: Exception) -> str:
    try:
        return f"details are in {keep_details(error)}"
    except OSError as full:
        return f"its details cannot be kept in {LOGS}: {full.strerror or type(full).__name__}"


def keep_details(error: Exception) -> Path:
    """Write where an unforeseen error came from to a file under var/log; its text only where no data can be in it.

    Raises OSError.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"error-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    lines: list[str] = [f"{' '.join(sys.argv[1:3])}\n"]
    chain: BaseException | None = error
    while chain is not None:
        lines += traceback.format_tb(chain.__traceback__)
        lines.append(f"{type(chain).__name__}: {_harmless_text(chain)}\n")
        chain = chain.__cause__ or chain.__context__
    path.write_text("".join(lines), encoding="utf-8")
    return path


def _harmless_text(error: BaseException) -> str:
    if type(error).__module__.startswith(("sqlalchemy", "psycopg", "sqlite3", "pydantic", "polars")):
        return "(text left out: it may repeat a row of the records or of a file)"
    if (module := sys.modules.get("intake.apart")) is not None and isinstance(error, module.CheckFault):
        return str(error)
    from config.logs import masked

    return masked(str(error)[:500])


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on one line of stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return iso(value)
    return str(value)


def terminal() -> Any:
    """A rich console; without a terminal it is wide enough that nothing is cut."""
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(width=_WIDTH_WITHOUT_TERMINAL, highlight=False)


def table(*columns: str) -> Any:
    from rich.table import Table

    return Table(*columns, box=None, header_style="bold", pad_edge=False)


def agree(question: str, yes: bool) -> None:
    """Ask before something that cannot be taken back. Raises Refused where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(f"{question} Say --yes to do it; nothing was done.")
    if not typer.confirm(question):
        raise Refused("nothing was done")


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing."""
    near = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def amount(minor: int, currency: str) -> str:
    """`1,234.50 EUR`, with the currency's own number of decimals."""
    from domain.money import Money

    return f"{Money(amount_minor=minor, currency=currency).major:,} {currency}"


def moment_of(text: str, option: str, zone: Any = UTC) -> datetime:
    """A moment with its offset, or a day: its first minute in `zone`; of a year that loans take. Raises Refused."""
    from domain.events.values import YEARS

    try:
        at = datetime.fromisoformat(text)
        if at.year not in YEARS:
            raise ValueError
    except ValueError:
        expected = "a day such as 2026-12-24 or a moment such as 2026-12-24T09:00+01:00"
        raise Refused(f"{option}: {text!r} is no moment: expected {expected}") from None
    if at.tzinfo is not None:
        return at.astimezone(UTC)
    if len(text) > 10:
        raise Refused(f"{option}: {text!r} has no offset: expected one such as +01:00 or Z at its end")
    return at.replace(tzinfo=zone).astimezone(UTC)


def period_of(since: str | None, until: str | None, days: int) -> tuple[datetime, datetime]:
    """The period a report is over: `until` (exclusive) is now and `since` so many days before it, unless given.

    Raises Refused where it would be empty.
    """
    ends = moment_of(until, "--until") if until is not None else datetime.now(UTC)
    begins = moment_of(since, "--since") if since is not None else ends - timedelta(days=days)
    if begins >= ends:
        raise Refused("--since is not before --until")
    return begins, ends

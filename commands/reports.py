"""`report`: figures over what was done, from the records."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, iso, operator_app, period_of, print_json, table, terminal
from commands.report_agreements import agreements

app = operator_app("Figures over what was done, from the records.")
_DAYS = 30


@app.callback()
def report() -> None:
    """Figures over what was done, from the records."""


app.command()(agreements)


@app.command()
def replies(
    since: Annotated[str | None, typer.Option(help=f"A day or moment. Default: {_DAYS} days ago.")] = None,
    until: Annotated[str | None, typer.Option(help="A day or moment, exclusive. Default: now.")] = None,
    lender: Annotated[str | None, typer.Option(help="Of this lender only.")] = None,
    as_json: JsonOption = False,
) -> None:
    """What borrowers wrote: intents, reasons for not paying, answered without a person, time to answer.

    By country and channel. A share states its denominator: of all messages there.

    Examples:

      starter.py report replies

      starter.py report replies --since 2026-11-01 --json
    """
    from records.reply_figures import reply_figures

    begins, ends = period_of(since, until, _DAYS)
    with configuration.records(configuration.settings()).reading() as session:
        found = reply_figures(session, begins, ends, lender)
    rows: list[dict[str, Any]] = [
        {
            "country": country,
            "channel": channel.value,
            "messages": each.messages,
            "answered": each.answered,
            "answered_without_person": each.alone,
            "for_a_person": each.for_a_person,
            "answered_by_person": each.by_person,
            "median_seconds_to_answer": each.median_seconds,
            "median_seconds_to_person": each.median_person_seconds,
            "intents": [{"intent": name, "messages": number} for name, number in each.intents.most_common()],
            "reasons": [{"reason": name, "messages": number} for name, number in each.reasons.most_common()],
        }
        for (country, channel), each in found.items()
    ]
    if as_json:
        print_json({"since": iso(begins), "until": iso(ends), "lender": lender, "replies": rows})
        return
    if not rows:
        typer.echo(f"nobody wrote between {iso(begins)} and {iso(ends)}")
        return
    shown = table(
        "country",
        "channel",
        "messages",
        "answered",
        "without a person",
        "for a person",
        "a person wrote",
        "median answer",
    )
    for row in rows:
        number = row["messages"]
        seconds, by_hand = row["median_seconds_to_answer"], row["median_seconds_to_person"]
        shown.add_row(
            row["country"],
            row["channel"],
            f"{number:,}",
            f"{row['answered']:,}",
            f"{row['answered_without_person']:,} ({row['answered_without_person'] / number:.0%} of messages)",
            f"{row['for_a_person']:,}",
            f"{row['answered_by_person']:,}" + ("" if by_hand is None else f" (median {by_hand / 3600:,.1f} h)"),
            "-" if seconds is None else f"{seconds:,.0f} s",
        )
    terminal().print(shown)
    for title, key, name in (("intents", "intents", "intent"), ("reasons for not paying", "reasons", "reason")):
        counted: dict[str, int] = {}
        for row in rows:
            for each in row[key]:
                counted[each[name]] = counted.get(each[name], 0) + each["messages"]
        if counted:
            told = ", ".join(
                f"{label.replace('_', ' ')} {number:,}"
                for label, number in sorted(counted.items(), key=lambda p: -p[1])
            )
            typer.echo(f"{title}: {told}")

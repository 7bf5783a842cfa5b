"""`loan show` as text."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from commands.console import amount, table, terminal


def print_loan(told: dict[str, Any]) -> None:
    """Any: the JSON object of `loan show`."""
    console = terminal()
    console.print(Text(f"Loan {told['loan_id']} of {told['lender']}", style="bold"))
    facts = table("", "")
    facts.show_header = False
    for name, value in _facts(told):
        facts.add_row(Text(name), Text(str(value)))
    console.print(facts)
    _rows(console, "Payments", told["payments"], ("paid_at", "amount", "provider", "payment_id", "reversed_at"))
    _rows(console, "Contacts", told["contacts"], ("sent_at", "step", "channel", "state", "error_code"))
    shown = [row | {"payments": _instalments(row, told["currency"])} for row in told["agreements"]]
    _rows(console, "Agreements", shown, ("number", "kind", "state", "made_at", "payments"))
    _rows(console, "Cases", told["cases"], ("case_id", "kind", "queue", "state", "sla_at", "decision"))
    if "history" in told:
        shown = [row | {"what": _details(row["details"])} for row in told["history"]]
        _rows(console, "History", shown, ("at", "actor", "action", "what"))


def _facts(told: dict[str, Any]) -> list[tuple[str, object]]:
    currency = told["currency"]
    state = told["state"] if told["end"] is None else f"ended as {told['end']} at {told['ended_at']}"
    rows: list[tuple[str, object]] = [
        ("state", state.replace("_", " ")),
        ("due now", amount(told["balance_due_minor"], currency)),
        ("handed over", f"{amount(told['amount_handed_over_minor'], currency)} due {told['due_date']}"),
        ("campaign", told["campaign_id"] or "none"),
        ("strategy", told["strategy"]),
        ("workflow", told["workflow_id"]),
        ("person", f"{told['person_id']}, {told['country']}, {told['timezone'] or 'time zone unknown'}"),
        ("can be reached by", ", ".join(told["channels_with_address"]) or "nothing"),
    ]
    if told["opted_out"] or told["flags"]:
        rows.append(("closed", ", ".join([*told["opted_out"], *told["flags"]])))
    if "contact_data" in told:
        rows += [(name, value or "unknown") for name, value in told["contact_data"].items()]
    return rows


def _rows(console: Any, title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    if not rows:
        return
    console.print(Text(f"\n{title}", style="bold"))
    shown = table(*(column.replace("_", " ") for column in columns))
    for row in rows:
        cells = [
            amount(row["amount_minor"], row["currency"]) if column == "amount" else row[column] for column in columns
        ]
        shown.add_row(*(Text("" if cell is None else str(cell)) for cell in cells))
    console.print(shown)


def _instalments(row: dict[str, Any], currency: str) -> str:
    return ", ".join(
        f"{amount(each['paid_minor'], currency)} of {amount(each['amount_minor'], currency)} by {each['due']}"
        for each in row["instalments"]
    )


def _details(details: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in details.items() if value not in (None, ""))

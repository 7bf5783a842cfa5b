"""How good a model is, as a table and as JSON."""

from __future__ import annotations

from typing import Any

import typer
from rich.table import Table

from commands.console import table
from replies.evaluation import Evaluation

_NAMES = {
    "messages": "messages",
    "macro_f1": "macro F1 of the first intent",
    "first_right": "first intent right",
    "safety_recall": "recall of vulnerable, complaint, dispute and opt_out",
    "reason_right": "reason right",
    "person_right": "need for a person right",
    "days_right": "promised day right",
    "amounts_right": "promised amount right",
    "calibration_error": "calibration error of the confidence",
}


def as_json(found: Evaluation) -> dict[str, Any]:
    return found.figures() | {
        "intents": [
            {
                "intent": row.intent.value,
                "messages": row.messages,
                "precision": round(row.precision, 4),
                "recall": round(row.recall, 4),
                "f1": round(row.f1, 4),
                "anywhere": row.anywhere,
                "recall_anywhere": round(row.recall_anywhere, 4),
            }
            for row in found.intents
        ]
    }


def show(found: Evaluation, wrong: bool = False) -> None:
    for name, value in found.figures().items():
        typer.echo(f"{_NAMES[name]}: {value:g}")
    rows: Table = table("first intent", "messages", "precision", "recall", "F1", "named anywhere", "recall anywhere")
    for row in found.intents:
        rows.add_row(
            row.intent.value,
            str(row.messages),
            *(f"{share:.2f}" for share in (row.precision, row.recall, row.f1)),
            str(row.anywhere),
            f"{row.recall_anywhere:.2f}",
        )
    _print(rows)
    if wrong:
        for example, intents, confidence in found.wrong:
            text = " ".join(example.text.split())[:110]
            typer.echo(
                f"{example.line}: {example.intents[0].value}, read as {intents[0].value} ({confidence:.2f}): {text}"
            )


def _print(rows: Table) -> None:
    from commands.console import terminal

    terminal().print(rows)

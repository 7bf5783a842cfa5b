"""`loan files`: what the borrower sent about a loan, and saving it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from commands import configuration
from commands.console import JsonOption, Refused, iso, print_json, table, terminal
from commands.loan_lookup import LenderOption, LoanArgument, find_loan

_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf", "audio/ogg": "ogg"}


def files(
    loan_id: LoanArgument,
    lender: LenderOption = None,
    save: Annotated[Path | None, typer.Option(help="A folder to write the files into.", file_okay=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """List the files a borrower sent about a loan, such as a photo of a receipt, and save them with --save.

    Example: starter.py loan files P-20417 --save receipts
    """
    from records import attachments

    database = configuration.records(configuration.settings())
    with database.reading() as session:
        loan = find_loan(session, loan_id, lender)
        rows: list[dict[str, Any]] = []
        for row in attachments.of_loan(session, loan):
            name = f"{loan.loan_id}-{row.id}.{_ENDINGS.get(row.mime_type, 'bin')}"
            told: dict[str, Any] = {
                "received_at": iso(row.received_at),
                "channel": row.channel.value,
                "kind": row.mime_type or row.kind,
                "state": row.state.value,
                "bytes": row.size,
                "sha256": row.sha256,
                "reason": row.reason,
            }
            if save is not None and row.content:
                try:
                    save.mkdir(parents=True, exist_ok=True)
                    (save / name).write_bytes(row.content)
                except OSError as error:
                    raise Refused(f"--save: {save}: {error.strerror or type(error).__name__}") from None
                told["saved_as"] = str(save / name)
            rows.append(told)
    if as_json:
        print_json({"files": rows})
        return
    if not rows:
        typer.echo("no file was sent about this loan")
        return
    shown = table("received", "channel", "kind", "state", "bytes")
    for each in rows:
        shown.add_row(each["received_at"], each["channel"], each["kind"], each["state"], str(each["bytes"] or ""))
    terminal().print(shown)

"""`webhooks`: what providers reported and the loans have not heard yet, and why one was refused."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from commands import configuration
from commands.console import JsonOption, iso, operator_app, print_json, table, terminal

app = operator_app("Webhooks that are not with their loans yet, and why one is refused.")


@app.callback()
def webhooks() -> None:
    """Webhooks that are not with their loans yet, and why one is refused."""


@app.command("list")
def list_command(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="The oldest so many.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List webhooks that are stored but not yet relayed, the oldest first. Their content is not shown.

    Example: starter.py webhooks list --json
    """
    from sqlalchemy import func
    from sqlmodel import col, select

    from records.tables import Webhook

    waiting = col(Webhook.relayed_at).is_(None)
    database = configuration.records(configuration.settings())
    with database.reading() as session:
        total = session.exec(select(func.count()).select_from(Webhook).where(waiting)).one()
        rows = session.exec(select(Webhook).where(waiting).order_by(col(Webhook.id)).limit(limit)).all()
        told = [
            {
                "webhook_id": row.id,
                "provider": row.provider,
                "received_at": iso(row.received_at),
                "recorded_at": iso(row.recorded_at) if row.recorded_at else None,
                "outcome": row.outcome,
                "signals_owed": len(row.signals),
                "attempts": row.relay_attempts,
                "error": row.relay_error,
                "next_try_at": iso(row.next_try_at),
            }
            for row in rows
        ]
    configuration.say_if_empty(database)
    if as_json:
        print_json({"waiting": total, "webhooks": told})
        return
    if not told:
        typer.echo("every webhook is with its loan")
        return
    shown = table("id", "provider", "received", "owed", "attempts", "error", "next try")
    for each in told:
        names = ("webhook_id", "provider", "received_at", "signals_owed", "attempts", "error", "next_try_at")
        shown.add_row(*("" if each[name] is None else str(each[name]) for name in names))
    terminal().print(shown)
    if total > len(told):
        typer.echo(f"{total - len(told):,} more")


@app.command()
def verify() -> None:
    """Say why a webhook is refused: JSON lines on standard input, a verdict a line on standard output.

    A line: {"id", "scheme", "secret", "headers", "body" or "body_base64"}; Twilio: "url" and, for a form, "params"
    (list of pairs) in place of the body; Mercado Pago: "query" ({"data.id"}) or "url". May be added: "now" (seconds
    since 1970, else the present) and "tolerance" (seconds; null: none). "secret" may be a list. Schemes: stripe-v1,
    twilio-v1, meta-sha256, gocardless, standard-webhooks, mercadopago, conekta-rsa, belvo, sendgrid, mail.

    Verdicts: valid, signature_mismatch, malformed_header (or missing), no_expected_scheme,
    timestamp_out_of_tolerance. A line that cannot be read is answered with its id and an error, and the rest go on.
    Exit code: 0 all lines could be read, 1 some could not.

    Example: echo '{"id":1,"scheme":"meta-sha256","secret":"s3cret","headers":{"X-Hub-Signature-256":"sha256=00"},
    "body":"{}"}' | starter.py webhooks verify
    """
    from commands.webhooks_verify import answers

    all_good = True
    for good, line in answers(sys.stdin.buffer, lambda: datetime.now(UTC)):
        all_good &= good
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if not all_good:
        raise typer.Exit(1)


@app.command()
def relay(as_json: JsonOption = False) -> None:
    """Try every waiting webhook now, whenever it was to be tried. The web app does this by itself, later and later.

    Example: starter.py webhooks relay
    """
    import asyncio

    from web.relaying import relay_now

    settings = configuration.settings()

    async def work() -> tuple[int, int]:
        try:
            return await relay_now(configuration.records(settings), settings)
        finally:
            await asyncio.sleep(0.05)

    left, done = asyncio.run(work())
    if as_json:
        print_json({"relayed": done, "waiting": left})
    else:
        typer.echo(f"{done:,} webhooks are with their loans now" + (f", {left:,} still wait" if left else ""))
    raise typer.Exit(1 if left else 0)

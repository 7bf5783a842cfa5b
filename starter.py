#!/usr/bin/env python
"""The operators' command line. Each group lives in commands/ and is imported when it is used."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import typer

from commands.console import OperatorGroup
from commands.lazy_groups import LazyGroup

GROUPS = (
    ("demo", "Run the main job: a real portfolio, 90 days on skipped time, a report.", "commands.demo:app_command"),
    ("up", "Run everything for local work on the live clock, until Ctrl-C.", "commands.up:app"),
    ("campaign", "Start the collection of a portfolio, steer all its loans at once.", "commands.campaign:app"),
    ("loan", "One loan: where it stands, why, and what you can tell it.", "commands.loan:app"),
    ("person", "The person who owes: facts, channels they agreed to, their data and its end.", "commands.person:app"),
    ("case", "Cases that wait for a person: list, read and decide them.", "commands.case:app"),
    ("payment", "Payments that no webhook tells of: record them, take them back.", "commands.payment:app"),
    ("consent", "Consents to read balances: list them, ask for one, take one back.", "commands.consent:app"),
    ("mandate", "Mandates to collect by direct debit: add, list, cancel.", "commands.mandate:app"),
    ("debit", "Direct debits: the day's file to the bank, and what it answers.", "commands.debit:app"),
    ("reconcile", "Bank statements and gateways' lists, held against the records.", "commands.reconcile:app"),
    ("schedule", "The daily run: reconciliation, debits, refunds, by itself every morning.", "commands.schedule:app"),
    ("refund", "Give back what was paid too much: propose, approve.", "commands.refund:app"),
    ("portfolio", "Check a file of overdue loans before a campaign.", "commands.portfolio:app"),
    ("strategy", "Check, read and list strategies; move loans to another version.", "commands.strategy:app"),
    ("templates", "Messages: are they lawful where they are sent, and what do they cost.", "commands.templates:app"),
    ("rules", "Contact law: rules, lawful hours, and why a contact may or may not be made.", "commands.rules:app"),
    ("rehearse", "Rehearse a campaign on skipped time against the sandbox.", "commands.rehearse:app_command"),
    ("replies", "Understand what borrowers write; train on what agents corrected.", "commands.replies:app"),
    ("report", "Figures over what was done: replies, agreements.", "commands.reports:app"),
    ("keys", "Master keys of encryption: make one, change to another.", "commands.keys:app"),
    ("doctor", "Find what is stuck or about to be, say why, and mend what is safe.", "commands.doctor:app_command"),
    ("webhooks", "Webhooks that are not with their loans yet, and why one is refused.", "commands.webhooks:app"),
    ("audit", "The audit trail: who did what, and whether it was tampered with.", "commands.audit:app"),
    ("account", "People who sign in to the web app: roles, passwords, closing.", "commands.account:app"),
    ("apikey", "Keys of services that call the web app: make, list, revoke.", "commands.apikey:app"),
    ("database", "Bring the records' tables to this version.", "commands.database:app"),
)


class Root(OperatorGroup):
    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        for name, help, target in GROUPS:
            if find_spec(target.split(":")[0]) is not None:
                self.add_command(LazyGroup(name, help, target))


app = typer.Typer(
    cls=Root,
    name="recobro",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def recobro() -> None:
    """Recobro collects overdue loans: one durable Temporal workflow for each loan.

    Temporal is found by TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE or a Temporal profile, everything else by RECOBRO_*
    variables or .env; the stack that `up` runs in this checkout is found by itself.

    Exit codes: 0 done, 1 done in part or found wanting, 2 wrong input or nothing to work on, 130 interrupted.
    """


def main() -> None:
    app()


if __name__ == "__main__":
    main()

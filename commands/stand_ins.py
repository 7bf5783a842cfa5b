"""Where a local stack finds what settings name outside: no rehearsal and no `up` reaches a real provider."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from commands.processes import ROOT
from config.settings import load_settings

ONLY_WHERE_CONFIGURED = ("CONEKTA", "BANK_PAYMENTS", "BELVO", "SENDGRID", "DIRECT_DEBIT")
"""Sections of which a stack is told only where something is: whose settings lack them would have half of one."""


def of_processes() -> list[Path]:
    """What the stack's processes may read, which run in the checkout, and whoever starts it."""
    return [folder / ".env" for folder in dict.fromkeys((Path.cwd(), ROOT))]


def stand_ins(sandbox: str, folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """The variables that take the place of whatever the environment and these `.env` files name outside.

    `sandbox` is the address of the pretend world, `folder` the stack's own. What every stack is told in any case
    stands in `Stack.environment`. Raises BadSettings: what is half set here, the stack might complete.
    """
    told = {"RECOBRO_STATEMENTS": "[]", "RECOBRO_CASE_WEBHOOK_URL": ""}
    for known in map(load_settings, files):
        configured = {
            "CONEKTA": known.conekta,
            "BANK_PAYMENTS": known.bank_payments,
            "BELVO": known.belvo,
            "SENDGRID": known.sendgrid,
        }
        told |= {f"RECOBRO_{name}__BASE_URL": sandbox for name, section in configured.items() if section is not None}
        if known.belvo is not None:
            told["RECOBRO_BELVO__WIDGET_URL"] = f"{sandbox}/belvo-widget/"
        if (debits := known.direct_debit) is not None:
            # One of the two only: settings that name both are refused.
            if debits.base_url is not None:
                told["RECOBRO_DIRECT_DEBIT__BASE_URL"] = sandbox
            else:
                told["RECOBRO_DIRECT_DEBIT__FOLDER"] = str(folder / "direct-debit")
    return told

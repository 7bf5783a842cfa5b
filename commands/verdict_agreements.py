"""Checks of agreements against what reached people: while one is kept nobody is asked for anything else."""

from __future__ import annotations

from collections import defaultdict

from commands.verdict import Check, Finding, KeptAgreement, Ours
from commands.world_log import WorldLog

_ITS_OWN = ("reply,", "agreement_", "receipt,", "part-receipt,", "asked,", "consent-request,")
"""Steps of messages that answer the borrower, bring a receipt, or belong to the agreement itself."""


def no_demand_while_kept(log: WorldLog, ours: Ours) -> Check:
    """Between an agreement's coming into force and its end no planned message, and no link but its own."""
    found = Finding("kept", "Was nothing demanded while an agreement was kept?", "agreements")
    by_loan: dict[str, list[KeptAgreement]] = defaultdict(list)
    for agreement in ours.agreements:
        found.looked_at += 1
        by_loan[agreement.loan_id].append(agreement)
    for message in log.messages:
        step = ours.steps.get(message.provider_id, "")
        if not step or step.startswith(_ITS_OWN):
            continue
        for agreement in by_loan.get(message.loan_id or "", ()):
            if agreement.since < message.at and (agreement.until is None or message.at < agreement.until):
                text = f"{message.channel} for {step} while {agreement.kind} {agreement.number} was kept"
                found.against(message.loan_id, message.at, message.seq, text)
    return found.check()


def one_at_a_time(ours: Ours) -> Check:
    """Never two agreements of one loan in force at one moment."""
    found = Finding("one-agreement", "Was there never more than one agreement in force on a loan?", "agreements")
    by_loan: dict[str, list[KeptAgreement]] = defaultdict(list)
    for agreement in sorted(ours.agreements, key=lambda each: each.since):
        found.looked_at += 1
        for other in by_loan[agreement.loan_id]:
            if other.until is None or other.until > agreement.since:
                text = f"{agreement.kind} {agreement.number} beside {other.kind} {other.number}"
                found.against(agreement.loan_id, agreement.since, None, text)
        by_loan[agreement.loan_id].append(agreement)
    return found.check()

"""How a loan is shown to operators: in the Web UI, by the `status` query and as the workflow's result."""

from __future__ import annotations

from datetime import datetime

from domain.actions import Action, AskOffers, Finish, OrderDebit, Wait
from domain.agreements.model import AgreementState
from domain.contact_orders import SendContact
from domain.loan_state import LoanState
from domain.money import Money
from workflows.messages import Answer, LoanResult, LoanStatus


def next_action_at(action: Action) -> datetime | None:
    return action.until if isinstance(action, Wait) else None


def doing(action: Action | None) -> str:
    match action:
        case SendContact():
            return f"sending: {action.what}"
        case OrderDebit():
            return f"ordering: {action.what}"
        case AskOffers():
            return f"asking: {action.what}"
        case Wait():
            return f"waiting: {action.why}"
        case Finish():
            return "finished"
        case None:
            return "starting"


def amount(state: LoanState) -> str:
    money = Money(amount_minor=state.balance_minor, currency=state.facts.currency)
    return f"{money.major:,} {money.currency}"


def status(state: LoanState, action: Action | None, watching: bool, now: datetime) -> LoanStatus:
    return LoanStatus(
        lender=state.facts.lender,
        loan_id=state.facts.loan_id,
        stage=state.stage(now),
        days_past_due=state.days_past_due(now),
        balance_minor=state.balance_minor,
        currency=state.facts.currency,
        strategy=state.strategy.key,
        doing=doing(action),
        next_action_at=next_action_at(action) if action else None,
        hold=state.hold,
        watching_balance=watching,
        cases=state.cases,
        agreement=state.agreement,
        agreements=state.agreements,
        closed_channels=state.closed_channels,
        steps=state.records,
        next_step=state.next_step.id if state.next_step else None,
        end=state.end,
        refusals=state.refusals,
        refusal_count=state.refusal_count,
    )


def agreed(before: LoanState, state: LoanState, number: int | None = None) -> Answer:
    """What became of an order about an agreement, given the state `before` it; nothing when it was fulfilled at once.

    The agreement is the one with `number` where the order names one, else the one it made; the one in force where it
    was known already.
    """
    known = {a.number for a in before.agreements}
    made = next((a for a in reversed(state.agreements) if a.number not in known), None)
    named = next((a for a in state.agreements if a.number == number), None)
    agreement = named or made or state.agreement
    if agreement is None or not (agreement.live or agreement.state is AgreementState.PROPOSED):
        return Answer(detail="it is fulfilled already")
    amount = Money(amount_minor=agreement.total_minor, currency=state.facts.currency)
    parts = len(agreement.instalments)
    proposed = agreement.state is AgreementState.PROPOSED
    waits = "; waits for " + ("the borrower's yes" if agreement.approved_by else "an approval") if proposed else ""
    how = f"in {parts} payments, the last by" if parts > 1 else "by"
    return Answer(
        detail=f"{agreement.kind} {agreement.number}: {amount.major} {amount.currency} {how} {agreement.last_due}"
        + waits,
        agreement=agreement.number,
    )


def result(state: LoanState) -> LoanResult:
    assert state.end is not None
    return LoanResult(
        end=state.end,
        ended_by=state.ended_by or "",
        balance_minor=state.balance_minor,
        currency=state.facts.currency,
        contacts=sum(1 for record in state.records if record.result in ("sent", "not_delivered")),
    )


def details(state: LoanState, action: Action, watching: bool, now: datetime) -> str:
    """Markdown for the Web UI's details pane; no personal data."""
    facts = state.facts
    until = next_action_at(action)
    when = f" · {until.astimezone(facts.zone):%a %d %b %Y %H:%M} ({facts.timezone or 'UTC'})" if until else ""
    lines = [
        f"### {state.end or state.stage(now)} · {state.days_past_due(now)} days past due · {amount(state)} due",
        "",
        f"**Now:** {doing(action)}{when}",
        "",
        f"- Strategy `{state.strategy.key}`, step {state.position} of {len(state.strategy.steps)}",
        f"- Balance watch: {'on' if watching else state.watch_over or 'off'}; offers made: {state.offers_made}",
    ]
    if state.hold:
        lines.append(f"- **Held:** {state.hold}")
    if (agreement := state.agreement) is not None:
        dates = ", ".join(f"{i.amount_minor} by {i.due:%d %b %Y}" for i in agreement.instalments[:12])
        lines.append(f"- **{agreement.kind} {agreement.number}**, in minor units: {dates}")
    if state.closed_channels:
        lines.append(f"- Closed channels: {', '.join(state.closed_channels)}")
    lines += [
        f"- Case `{case.case_id}` ({case.kind}) in queue {case.queue}, decide by {case.sla_at:%d %b %H:%M} UTC"
        for case in state.cases
    ]
    shown = [r for r in state.records if r.result != "before_entry"][-12:]
    if shown:
        lines += ["", "| when | step | result | by |", "|---|---|---|---|"]
        lines += [
            f"| {r.at.astimezone(facts.zone):%d %b %H:%M} | {r.step} | {r.result} {r.because} | {r.channel or ''} |"
            for r in shown
        ]
    if state.refusals:
        last = state.refusals[-1]
        lines += ["", f"Refused messages: {state.refusal_count}; last: {last.message}: {last.reason}"]
    return "\n".join(lines)

"""`loan why` as text: a loan's situation in plain sentences, the borrower's own time."""

from __future__ import annotations

from collections.abc import Iterator

from commands.console import amount
from commands.why import Planned, RefusedContact, RuleAnswer, Why
from commands.why_words import local
from domain.contact import Reason


def lines(why: Why) -> Iterator[str]:
    """The sentences, one a line; an empty line before each heading."""
    yield _standing(why)
    yield ""
    yield "What comes next"
    yield from _planned(why)
    if why.holds:
        yield ""
        yield "What holds it"
        for hold in why.holds:
            until = f", until {local(hold.until, why.timezone)}" if hold.until else ""
            yield f"  {_sentence(hold.text + until)}"
    if why.refused_contacts:
        yield ""
        yield "Contacts the rules refused, newest first"
        for refused in why.refused_contacts:
            yield from _refused(refused, why.timezone)
    if why.refused_messages:
        yield ""
        yield f"Messages from outside that were not acted on ({why.refused_message_count} in all)"
        for message in why.refused_messages:
            yield f"  {local(message.at, why.timezone)}: {message.message}: {message.reason}"
    if why.would_change:
        yield ""
        yield "What would change it"
        for change in why.would_change:
            yield f"  If {change.cause}: {_ended(change.then)}"


def _standing(why: Why) -> str:
    where = f"campaign {why.campaign_id}, " if why.campaign_id else ""
    due = amount(why.balance_minor, why.currency)
    if why.end is not None:
        return (
            f"Loan {why.loan_id} of {why.lender} has ended as {why.end} by {why.ended_by}; "
            f"{due} due ({where}strategy {why.strategy})."
        )
    waiting = " and waits to be started" if why.source == "waiting" else ""
    return (
        f"Loan {why.loan_id} of {why.lender} is {why.stage}, {why.days_past_due} days past due{waiting}; "
        f"{due} due ({where}strategy {why.strategy})."
    )


def _planned(why: Why) -> Iterator[str]:
    planned, zone = why.planned, why.timezone
    if planned.step is None and planned.end is None:
        yield f"  {_sentence('nothing' if why.end else planned.waits_for or 'nothing is planned')}"
    elif planned.step is None:
        if why.end is None and planned.ends_at is not None:
            yield f"  No contact is planned. It ends as {planned.end} on {local(planned.ends_at, zone)}."
        else:
            yield "  Nothing: it has ended."
    else:
        yield from _contact(planned, zone)
    for passed in why.will_be_passed_over:
        yield f"  Step {passed.step} will be passed over: {passed.because}."
    for case in why.will_open_cases:
        yield f"  On the way a case opens: {case}."
    if why.end is None:
        if why.watching_balance:
            yield "  The balance is being watched meanwhile."
        elif why.watch_over:
            yield f"  The balance is not watched any more: {why.watch_over}."
    if why.closed_channels:
        yield f"  Closed for good: {', '.join(why.closed_channels)}."
    if why.other_loans_of_the_person and why.end is None:
        count = why.other_loans_of_the_person
        yield f"  The borrower has {count} other loan{'s' if count > 1 else ''} in collection: contacts count together."


def _contact(planned: Planned, zone: str | None) -> Iterator[str]:
    by = ", else by ".join(planned.channels)
    falls_due = local(planned.falls_due_at, zone) if planned.falls_due_at else ""
    yield f"  {_sentence(f'{planned.what}, by {by}; it falls due {falls_due}')}"
    yield f"  Because: {planned.because}."
    for answer in planned.contact_rules:
        yield from _rule(answer, zone)
    if planned.expected_at is None:
        yield "  No channel can be used: the step will be noted as unreachable and a person asked."
    else:
        yield f"  Expected: {local(planned.expected_at, zone)} by {planned.channel}."


def _rule(answer: RuleAnswer, zone: str | None) -> Iterator[str]:
    if answer.verdict == "no_address":
        yield f"  By {answer.channel}: no open address is known."
        return
    words = {
        "allowed": "allowed then",
        "not_before": f"not before {local(answer.not_before, zone)}" if answer.not_before else "not then",
        "never": "never",
    }[answer.verdict]
    yield f"  By {answer.channel} the contact rules say: {words}."
    yield from _reasons(answer.reasons)


def _refused(refused: RefusedContact, zone: str | None) -> Iterator[str]:
    until = f"not before {local(refused.not_before, zone)}" if refused.not_before else "never"
    yield f"  {local(refused.at, zone)}: step {refused.step} by {refused.channel}: {until}."
    yield from _reasons(refused.reasons)


def _reasons(reasons: tuple[Reason, ...]) -> Iterator[str]:
    for reason in reasons:
        yield f"    {_ended(reason.text)} [{reason.rule}; {reason.source}]"


def _sentence(text: str) -> str:
    return _ended(text[:1].upper() + text[1:])


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."

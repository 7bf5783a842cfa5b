"""Checks of what reached people: when, how often, after what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from commands.plain_rules import Sent, broken_limits, closed_hours, local_date
from commands.verdict import Check, DebtFacts, Finding, Ours
from commands.world_log import Entry, Message, WorldLog

_STOP_WORDS = frozenset({"STOP", "BAJA", "SAIR"})
_LANDLINE = "30006"
_NO_TEXTS = ("call", "whatsapp")
"""The carrier's code of a number that takes no texts and may well be called."""
_WRONG_PERSON = frozenset({"wrong number", "se equivoca de persona", "número errado"})


def checks(log: WorldLog, ours: Ours) -> Iterator[Check]:
    receipts, silence = after_payment(log, ours)
    answers = answers_to_borrowers(log, ours)
    yield known_people(log, ours)
    yield lawful_hours(log, ours, receipts | answers)
    yield how_often(log, ours, receipts | answers)
    yield silence
    yield stop_obeyed(log, ours)
    yield no_step_twice(log, ours)
    yield dead_addresses(log, ours)


def known_people(log: WorldLog, ours: Ours) -> Check:
    """Every message went to the person who owes the loan it is about, at an address of theirs."""
    found = Finding("right-person", "Did every message go to the person who owes?", "messages")
    for message in log.messages:
        found.looked_at += 1
        borrower = ours.borrower_of(message.loan_id)
        if borrower is None:
            found.against(message.loan_id, message.at, message.seq, f"{message.channel} to nobody of the portfolio")
        elif message.address not in borrower.addresses:
            found.against(message.loan_id, message.at, message.seq, f"{message.channel} to another person's address")
        elif message.provider_id not in ours.steps:
            found.against(message.loan_id, message.at, message.seq, f"{message.channel} that our records do not know")
    return found.check()


def answers_to_borrowers(log: WorldLog, ours: Ours) -> set[int]:
    """Lines of the messages that answer what the person wrote by that channel in the day before, one for each, and of
    the documents of agreements that ask for nothing.

    Free of limits and, in writing, of hours (docs/contact-rules.md); any further one counts as every message does.
    """
    wrote: dict[tuple[str, str], datetime] = {}
    messages = {message.seq: message for message in log.messages}
    found: set[int] = set()
    for entry in log.entries:
        debt = ours.debts.get(entry.loan_id or "")
        if debt is None:
            continue
        if entry.kind in ("inbound_sms", "inbound_whatsapp"):
            wrote[debt.person_id, entry.kind.removeprefix("inbound_")] = entry.at
        elif (message := messages.get(entry.seq)) is not None:
            at = wrote.pop((debt.person_id, message.channel), None)
            step = ours.steps.get(message.provider_id, "")
            if step.startswith("agreement_document,") and not message.asks_for_money:
                found.add(entry.seq)
            if step.startswith("reply,") and at is not None and at <= message.at <= at + timedelta(days=1):
                found.add(entry.seq)
    return found


def lawful_hours(log: WorldLog, ours: Ours, receipts: set[int]) -> Check:
    """Sent, and where it was delivered later, delivered within the hours of the person's own place.

    WhatsApp keeps a message for a phone that is off, and nobody can bid it not to: there it is the moment of sending.

    A receipt may come at once at any hour (docs/contact-rules.md): it demands nothing.
    """
    found = Finding(
        "hours",
        "Was every message but receipts and prompt answers sent and delivered in lawful local hours?",
        "moments",
    )
    for message in log.messages:
        borrower = ours.borrower_of(message.loan_id)
        if borrower is None or message.seq in receipts:
            continue
        moments = {"sent": message.at, "delivered": message.arrived_at}
        for what, at in moments.items():
            kept_for_a_phone_off = what == "delivered" and message.channel == "whatsapp"
            if at is None or kept_for_a_phone_off or (what == "delivered" and at == message.at):
                continue
            found.looked_at += 1
            if (why := closed_hours(borrower.residence, message.channel, at)) is not None:
                found.against(message.loan_id, at, message.seq, f"{message.channel} {what} at a closed time: {why}")
    return found.check()


def how_often(log: WorldLog, ours: Ours, receipts: set[int]) -> Check:
    """The caps a day and a week for each person over all their loans; receipts are no collection contacts."""
    found = Finding("caps", "Was nobody written to more often a day or a week than allowed?", "messages")
    by_person: dict[str, list[Message]] = defaultdict(list)
    for message in log.messages:
        debt = ours.debts.get(message.loan_id or "")
        if debt is not None and message.seq not in receipts:
            by_person[debt.person_id].append(message)
    for person_id, messages in by_person.items():
        found.looked_at += len(messages)
        residence = ours.borrowers[person_id].residence
        for limit in broken_limits(residence, [Sent(m.at, m.channel, m.loan_id or "") for m in messages]):
            on_day = [m for m in messages if local_date(residence, m.at) == limit.day]
            last = max(on_day, key=lambda message: message.seq)
            found.against(last.loan_id, last.at, last.seq, f"{limit.rule}: {limit.text}")
    return found.check()


class _Debt:
    """What one loan owes as the lines of its log go by."""

    def __init__(self, facts: DebtFacts) -> None:
        self.left = facts.amount_minor
        self.completed_by: Entry | None = None
        self.known_paid_at: tuple[datetime, int] | None = None
        self.receipt: Message | None = None
        self.parts_told = 0
        """Payments we were told of that have no receipt yet."""


def after_payment(log: WorldLog, ours: Ours) -> tuple[set[int], Check]:
    """Nothing once the debt is paid and we were told so, but one receipt that asks for nothing.

    Also gives the receipts, as lines of the log: the first message after the payment that completed the debt, and one
    for each part payment we were told of, if it asks for nothing.
    """
    found = Finding("silence", "Was nobody written to after paying in full, but for one receipt?", "completed debts")
    debts = {loan_id: _Debt(facts) for loan_id, facts in ours.debts.items()}
    payments = {entry.text("payment_id"): entry for entry in log.of("payment")}
    messages = {message.seq: message for message in log.messages}
    told = {hook.seq: payment for payment in payments.values() if (hook := log.money_heard(payment)) is not None}
    reversed_already: set[str] = set()
    receipts: set[int] = set()
    for entry in log.entries:
        paid = told.get(entry.seq)
        debt = debts.get((paid or entry).loan_id or "")
        if debt is None:
            continue
        if paid is not None:
            debt.parts_told += 1
            if debt.completed_by is paid:
                debt.known_paid_at = (entry.at, entry.seq)
        if entry.kind == "payment":
            was = debt.left
            debt.left -= entry.minor()
            if was > 0 >= debt.left:
                found.looked_at += 1
                debt.completed_by, debt.known_paid_at, debt.receipt = entry, None, None
        elif entry.kind == "reversal" and entry.text("payment_id") not in reversed_already:
            reversed_already.add(entry.text("payment_id"))
            debt.left += entry.minor()
            if debt.left > 0:
                debt.completed_by = debt.known_paid_at = None
        elif entry.seq in messages and _is_part_receipt(ours, messages[entry.seq]) and debt.parts_told > 0:
            debt.parts_told -= 1
            receipts.add(entry.seq)
        elif entry.seq in messages and debt.known_paid_at is not None:
            _after(found, debt, messages[entry.seq], receipts)
    return receipts, found.check()


def _is_part_receipt(ours: Ours, message: Message) -> bool:
    return ours.steps.get(message.provider_id, "").startswith("part-receipt,") and not message.asks_for_money


def _after(found: Finding, debt: _Debt, message: Message, receipts: set[int]) -> None:
    assert debt.known_paid_at is not None
    since = f"paid in full and told so on line {debt.known_paid_at[1]}"
    if message.asks_for_money:
        found.against(message.loan_id, message.at, message.seq, f"a demand with a payment link although {since}")
    elif debt.receipt is None or (debt.receipt.channel == "sms" and debt.receipt.arrived_at is None):
        debt.receipt = message
        receipts.add(message.seq)
    else:
        text = f"a second message although {since}; the receipt was line {debt.receipt.seq}"
        found.against(message.loan_id, message.at, message.seq, text)


def stop_obeyed(log: WorldLog, ours: Ours) -> Check:
    """Nothing on a channel after the person closed it, in one word or in words of their own, for any of their loans."""
    found = Finding("stop", "Was nobody written to by a channel after their STOP had reached us?", "STOPs")
    for word in log.of("inbound_sms", "inbound_whatsapp"):
        debt = ours.debts.get(word.loan_id or "")
        says_so = word.text("body").strip().upper() in _STOP_WORDS or word.text("meant") == "stop"
        if debt is None or not says_so:
            continue
        found.looked_at += 1
        heard = log.heard(word.text("sid") or word.text("wamid"), word.loan_id)
        if heard is None:
            continue
        channel = word.kind.removeprefix("inbound_")
        for message in _later(log, heard):
            other = ours.debts.get(message.loan_id or "")
            if message.channel == channel and other is not None and other.person_id == debt.person_id:
                text = f"{message.channel} after the STOP we heard on line {heard.seq}"
                found.against(message.loan_id, message.at, message.seq, text.replace("sms", "SMS"))
    return found.check()


def no_step_twice(log: WorldLog, ours: Ours) -> Check:
    """One step of a loan brings one message: none identical to another, and no two that both arrived."""
    found = Finding("once", "Did no step reach anybody twice?", "messages")
    seen: dict[tuple[str | None, str], list[Message]] = defaultdict(list)
    for message in log.messages:
        step = ours.steps.get(message.provider_id)
        if step is None:
            continue
        found.looked_at += 1
        for earlier in seen[message.loan_id, step]:
            if earlier.body == message.body and earlier.channel == message.channel:
                text = f"the same {message.channel} as line {earlier.seq} again for {step}"
                found.against(message.loan_id, message.at, message.seq, text)
            elif earlier.arrived_at is not None and earlier.arrived_at <= message.at:
                text = f"{message.channel} for {step}, which had arrived as line {earlier.seq}"
                found.against(message.loan_id, message.at, message.seq, text)
        seen[message.loan_id, step].append(message)
    return found.check()


def dead_addresses(log: WorldLog, ours: Ours) -> Check:
    """No message to a number that is known to be dead or another person's; no mailbox tried twice that is gone."""
    found = Finding("dead-address", "Was no address used again that had proved dead or wrong?", "dead addresses")
    closed: list[tuple[Entry, str, str]] = []
    for status in log.of("sms_status"):
        message = next((m for m in log.messages if m.provider_id == status.text("sid")), None)
        if message is None or message.dead_code is None or status.text("status") != "undelivered":
            continue
        if (heard := log.heard(f"{message.provider_id}:undelivered", status.loan_id)) is not None:
            closed.append((heard, message.address, f"carrier's code {message.dead_code}"))
    for word in log.of("inbound_sms"):
        if word.text("body").strip().lower() in _WRONG_PERSON:
            if (heard := log.heard(word.text("sid"), word.loan_id)) is not None:
                closed.append((heard, word.text("from"), "wrong person"))
    for heard, address, why in closed:
        found.looked_at += 1
        for message in _later(log, heard):
            if message.address == address and not (message.channel in _NO_TEXTS and why.endswith(_LANDLINE)):
                text = f"{message.channel} to a number known as closed ({why}) from line {heard.seq}"
                found.against(message.loan_id, message.at, message.seq, text)
    mails = [entry for entry in log.of("refused") if entry.text("service") == "smtp"]
    gone = [entry for entry in mails if entry.text("reason").startswith("550")]
    found.looked_at += len(gone)
    if len(gone) > ours.closed_mailboxes:
        last = gone[-1]
        text = f"{len(gone)} mails to mailboxes that are gone, only {ours.closed_mailboxes} mailboxes are known as gone"
        found.against(last.loan_id, last.at, last.seq, text)
    return found.check()


def _later(log: WorldLog, heard: Entry) -> Iterator[Message]:
    """Messages after a webhook, by both its line and its clock: two loans of a person have clocks of their own."""
    return (message for message in log.messages if message.seq > heard.seq and message.at > heard.at)

"""Checks of money, links and balance reads: the world's books against what was claimed and recorded."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from commands.verdict import AFTER_THE_CAMPAIGN, Check, Finding, Ours
from commands.world_log import Entry, WorldLog
from domain.payable import counts_as_paid, payable

READS_A_DAY = 4
"""Unattended balance reads a consent allows on one calendar day (PSD2, RTS article 36(5)(b))."""

_MAY_STAY_PAID = frozenset({"cured", "sold", "recalled", "written_off"})


def checks(log: WorldLog, ours: Ours, counted: Mapping[str, int]) -> Iterator[Check]:
    yield links(log, ours)
    yield payments(log, ours)
    yield totals(log, counted)
    yield balance_reads(log, ours)
    yield ends(log, ours)
    yield webhooks(log, ours)
    yield world_in_order(log)


class _Owed:
    """What one loan owes as its log goes by, and every sum we may still take for it: news can be on its way."""

    def __init__(self, due: int) -> None:
        self.due = due
        self.before: list[tuple[Entry | None, int]] = []
        self.open: set[str] = set()
        self.made: dict[int, Entry] = {}

    def moves(self, by: int, heard: Entry | None) -> None:
        self.before.append((heard, self.due))
        self.due += by

    def may_ask_for(self, entry: Entry) -> set[int]:
        """What is due, and what was due before news that had not reached us, or only just."""
        passing = (
            due
            for heard, due in self.before
            if heard is None or heard.seq > entry.seq or entry.at - heard.at < _TIME_TO_CLOSE
        )
        return {self.due, *passing}


_TIME_TO_CLOSE = timedelta(minutes=5)


def links(log: WorldLog, ours: Ours) -> Check:
    """One link for an amount of a loan, over what is due, never two open, none sent but an open one.

    And none takes more than is due: after a part payment we were told of, the old link must be closed.
    Another link over the same amount is right only after a payment was taken back, when the first is closed.
    """
    found = Finding(
        "links", "One payment link for each amount due, never two open, none that asks or takes too much?", "links"
    )
    owed = {loan_id: _Owed(debt.amount_minor) for loan_id, debt in ours.debts.items()}
    paid: dict[str, list[Entry]] = defaultdict(list)
    messages = {message.seq: message for message in log.messages if message.asks_for_money}
    reversed_ids: set[str] = set()
    for entry in log.of("link_created", "link_updated", "payment", "reversal", "sms", "email", "whatsapp"):
        loan = owed.get(entry.loan_id or "")
        if loan is None:
            if entry.kind == "link_created":
                found.looked_at += 1
                found.against(entry.loan_id, entry.at, entry.seq, "a link for a loan that is not of the portfolio")
        elif entry.kind == "payment":
            if entry.data.get("link_id") and entry.minor() > max(loan.may_ask_for(entry)):
                text = f"a link that was left open took {entry.minor()} minor units while {loan.due} were due"
                found.against(entry.loan_id, entry.at, entry.seq, text)
            loan.moves(-entry.minor(), log.money_heard(entry))
            paid[entry.loan_id or ""].append(entry)
        elif entry.kind == "reversal" and entry.text("payment_id") not in reversed_ids:
            reversed_ids.add(entry.text("payment_id"))
            loan.moves(entry.minor(), log.money_heard(entry))
            loan.made.clear()
        elif entry.kind == "link_updated":
            (loan.open.add if entry.data["active"] else loan.open.discard)(entry.text("link_id"))
        elif entry.kind == "link_created":
            found.looked_at += 1
            first = loan.made.get(entry.minor())
            if first is not None and any(
                each.loan_id == entry.loan_id and first.at <= each.since <= entry.at for each in ours.agreements
            ):
                # The agreement's own links closed it; where it was broken all is due again.
                del loan.made[entry.minor()]
            _new_link(found, entry, loan, _agreed(entry, ours, paid[entry.loan_id or ""]))
        elif entry.seq in messages and not any(link_id in messages[entry.seq].body for link_id in loan.open):
            found.against(entry.loan_id, entry.at, entry.seq, "a message with a link that is not open")
    return found.check()


def _agreed(entry: Entry, ours: Ours, paid: Sequence[Entry]) -> set[int]:
    """What an agreement in force lets be asked for then: an instalment, several that follow each other, or what the
    payments since leave of them, the last of which may not have been heard of."""
    asked: set[int] = set()
    for each in ours.agreements:
        if (
            each.loan_id != entry.loan_id
            or each.since > entry.at
            or (each.until is not None and entry.at >= each.until)
        ):
            continue
        ends = range(len(each.instalments))
        asked |= {sum(each.instalments[first : last + 1]) for first in ends for last in ends if last >= first}
        came = [payment.minor() for payment in paid if payment.at >= each.since]
        known = [sum(came[:number]) for number in range(1, len(came) + 1)]
        asked |= {sum(each.instalments[: last + 1]) - less for last in ends for less in known}
    return asked


def _new_link(found: Finding, entry: Entry, loan: _Owed, agreed: set[int]) -> None:
    amount = entry.minor()
    if loan.open:
        found.against(entry.loan_id, entry.at, entry.seq, "a second link while another one is open")
    if (first := loan.made.get(amount)) is not None and amount not in agreed:
        found.against(entry.loan_id, entry.at, entry.seq, f"a link over the same amount as line {first.seq}")
    asked = {payable(due, entry.text("currency")) for due in loan.may_ask_for(entry)}
    if amount not in asked | agreed:
        text = f"a link over {amount} minor units while {loan.due} are due"
        found.against(entry.loan_id, entry.at, entry.seq, text)
    loan.open.add(entry.text("link_id"))
    loan.made[amount] = entry


def payments(log: WorldLog, ours: Ours) -> Check:
    """Every payment and reversal of the world stands in the records exactly once, and nothing else does."""
    found = Finding("records", "Does every payment and reversal stand in the records exactly once?", "payments")
    kept = Counter(payment.payment_id for payment in ours.payments)
    by_id = {payment.payment_id: payment for payment in ours.payments}
    taken_back = {entry.text("payment_id"): entry for entry in log.of("reversal")}
    in_world: set[str] = set()
    for entry in log.of("payment"):
        found.looked_at += 1
        payment_id = entry.text("payment_id")
        in_world.add(payment_id)
        if kept[payment_id] != 1:
            found.against(entry.loan_id, entry.at, entry.seq, f"{payment_id} is recorded {kept[payment_id]} times")
            continue
        mine = by_id[payment_id]
        if (mine.amount_minor, mine.currency, mine.loan_id) != (entry.minor(), entry.text("currency"), entry.loan_id):
            text = (
                f"{payment_id} of {entry.minor()} {entry.text('currency')} is recorded as "
                f"{mine.amount_minor} {mine.currency} of loan {mine.loan_id}"
            )
            found.against(entry.loan_id, entry.at, entry.seq, text)
        reversal = taken_back.get(payment_id)
        if mine.reversed != (reversal is not None):
            word = "taken back but recorded as good" if reversal else "recorded as taken back but it is good"
            line = reversal or entry
            found.against(entry.loan_id, line.at, line.seq, f"{payment_id} is {word}")
    for payment in ours.payments:
        if payment.payment_id not in in_world:
            text = f"{payment.payment_id} is recorded, the world knows no such payment"
            found.against(payment.loan_id, None, None, text)
    return found.check()


def totals(log: WorldLog, counted: Mapping[str, int]) -> Check:
    """What the results claim was received is what the world paid and did not take back."""
    found = Finding("totals", "Does the money of the results add up with the world's?", "currencies")
    received = world_received(log)
    for currency in sorted(received.keys() | counted.keys()):
        found.looked_at += 1
        ours, theirs = counted.get(currency, 0), received.get(currency, 0)
        if ours != theirs:
            text = f"the results count {ours} minor units of {currency}, the world {theirs}"
            found.against(None, None, None, text)
    return found.check()


def world_received(log: WorldLog) -> dict[str, int]:
    """Minor units by currency that were paid and not taken back."""
    back = {entry.text("payment_id") for entry in log.of("reversal")}
    total: Counter[str] = Counter()
    for entry in log.of("payment"):
        if entry.text("payment_id") not in back:
            total[entry.text("currency")] += entry.minor()
    return dict(total)


def balance_reads(log: WorldLog, ours: Ours) -> Check:
    """Unattended reads a consent and calendar day where the account is; none the bank had to refuse."""
    found = Finding("balance-reads", f"At most {READS_A_DAY} unattended balance reads a consent and day?", "reads")
    reads: Counter[tuple[str, date]] = Counter()
    for entry in log.of("balance_read"):
        if entry.data["attended"]:
            continue
        found.looked_at += 1
        borrower = ours.borrower_of(entry.loan_id)
        zone = ZoneInfo(borrower.residence.zone) if borrower and borrower.residence.zone else entry.at.tzinfo
        day = (entry.text("consent_id"), entry.at.astimezone(zone).date())
        reads[day] += 1
        if reads[day] > READS_A_DAY:
            found.against(entry.loan_id, entry.at, entry.seq, f"read {reads[day]} of {day[1]} under one consent")
    for entry in log.of("refused"):
        if entry.text("service") == "bank" and "reads on" in entry.text("reason"):
            found.against(entry.loan_id, entry.at, entry.seq, f"the bank refused a read: {entry.text('reason')}")
    return found.check()


def _stood_still(ours: Ours, loan_id: str) -> timedelta:
    """How long agreements that are over held the loan."""
    of_loan = [each for each in ours.agreements if each.loan_id == loan_id]
    return sum((each.until - each.since for each in of_loan if each.until is not None), timedelta())


def ends(log: WorldLog, ours: Ours) -> Check:
    """Every loan ended, and as cured exactly when the world's money covers the debt, as far as that can be paid.

    One stays open as long as nobody decides about what its person reported: that is what the hold is for. So may one
    whose own days stood still, while agreements were kept, for longer than a rehearsal goes on after the strategy's.
    """
    found = Finding("ends", "Did every loan end, and as cured exactly when it was paid?", "loans")
    back = {entry.text("payment_id") for entry in log.of("reversal")}
    paid: Counter[str] = Counter()
    last: dict[str, tuple[datetime, int]] = {}
    for entry in log.of("payment", "reversal"):
        last[entry.loan_id or ""] = (entry.at, entry.seq)
        if entry.kind == "payment" and entry.text("payment_id") not in back:
            paid[entry.loan_id or ""] += entry.minor()
    for debt in ours.debts.values():
        found.looked_at += 1
        at, seq = last.get(debt.loan_id, (None, None))
        is_paid = counts_as_paid(debt.amount_minor - paid[debt.loan_id], debt.currency)
        if debt.end is None and not is_paid and (debt.held or _stood_still(ours, debt.loan_id) > AFTER_THE_CAMPAIGN):
            continue
        if debt.end is None:
            found.against(debt.loan_id, None, None, "it reached no end state")
        elif debt.end == "cured" and not is_paid:
            text = f"cured, but {paid[debt.loan_id]} of {debt.amount_minor} minor units were paid"
            found.against(debt.loan_id, at, seq, text)
        elif is_paid and debt.end not in _MAY_STAY_PAID:
            found.against(debt.loan_id, at, seq, f"paid in full, but it ended as {debt.end}")
    return found.check()


def webhooks(log: WorldLog, ours: Ours) -> Check:
    """Every webhook was accepted in the end, and its news passed on."""
    found = Finding("webhooks", "Was every webhook accepted, and its news passed on?", "webhooks")
    events: dict[tuple[str | None, str], list[Entry]] = defaultdict(list)
    for entry in log.of("webhook"):
        events[entry.loan_id, entry.text("event_id")].append(entry)
    found.looked_at = len(events)
    for (loan_id, event_id), tries in events.items():
        if log.heard(event_id, loan_id) is None:
            end = tries[-1]
            text = f"{end.text('provider')} {end.text('type')} was never accepted in {len(tries)} tries"
            found.against(loan_id, end.at, end.seq, text)
    for what in ours.unrelayed:
        found.against(None, None, None, f"stored and not passed on: {what}")
    return found.check()


def world_in_order(log: WorldLog) -> Check:
    """The world itself had no fault, and its log has no hole: else no other check means anything."""
    found = Finding("world", "Was the world in order, and its log whole?", "lines")
    found.looked_at = len(log.entries)
    for expected, entry in enumerate(log.entries, 1):
        if entry.seq != expected:
            found.against(None, entry.at, entry.seq, f"line {expected} of the log is missing")
            break
    for entry in log.of("world_error", "clock_unreachable"):
        found.against(entry.loan_id, entry.at, entry.seq, f"{entry.kind}: {entry.text('reason')}")
    return found.check()

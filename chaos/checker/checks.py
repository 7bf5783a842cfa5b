"""The checks: each asks one question of the evidence and names what it finds against it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chaos.checker.evidence import Entry, Evidence, Row
from chaos.checker.rules import Place, Told, closed, too_many

_PAID_BY = frozenset({"checkout.session.completed", "checkout.session.async_payment_succeeded"})
_NOT_ARRIVED = frozenset({"undelivered", "failed"})
_STOPS = frozenset({"STOP", "BAJA", "SAIR"})
_MESSAGES = ("sms", "whatsapp", "email")
_ASKS_FOR_MONEY = "/pay/"
_LOAN = "loan-demo-"
_A_CONTACT_TAKES = timedelta(minutes=5)
_SOON = timedelta(hours=24)
_ENDED_WELL = frozenset({"COMPLETED", "CONTINUED_AS_NEW"})
_ON_ITS_WAY = frozenset({*_ENDED_WELL, "RUNNING"})
_DECIDED = frozenset({"recalled", "sold", "written_off"})
_PAID_ENDS = _DECIDED | {"cured"}


@dataclass
class Check:
    """`looked_at`: how many things were asked about; `violations`: what was found, in words without personal data."""

    name: str
    question: str
    looked_at: int = 0
    violations: list[str] = field(default_factory=list)

    def against(self, loan_id: str | None, what: str, entry: Entry | None = None) -> None:
        where = f"loan {loan_id}" if loan_id else "no one loan"
        line = f", {entry.at:%Y-%m-%d %H:%M:%SZ}, line {entry.seq} of the world's log" if entry else ""
        self.violations.append(f"{self.name}: {where}{line}: {what}")


def judge(evidence: Evidence) -> list[Check]:
    """Every check, in the order in which they are told."""
    receipts, after = after_payment(evidence)
    return [
        twice(evidence),
        after,
        rules(evidence, receipts),
        stopped(evidence),
        money(evidence),
        stuck(evidence),
        failed_tasks(evidence),
        ends(evidence),
        replays(evidence),
        world(evidence),
    ]


def _asks_for_money(entry: Entry) -> bool:
    return _ASKS_FOR_MONEY in entry.text("body") + entry.text("text")


def _named(entry: Entry) -> str:
    """How the carrier names a message: its own id of an SMS or WhatsApp, ours (without the host) of an e-mail."""
    own = {"sms": "sid", "whatsapp": "wamid"}.get(entry.kind)
    return entry.text(own) if own is not None else _local(entry.text("message_id"))


def _local(message_id: str) -> str:
    return message_id.strip("<>").partition("@")[0]


def _contacts(evidence: Evidence) -> dict[str, Row]:
    """The ledger's contacts by every name a carrier may give their message."""
    found: dict[str, Row] = {}
    for row in evidence.rows["contact"]:
        found[row["message_id"]] = row
        if row["provider_message_id"]:
            found[_local(row["provider_message_id"])] = row
    return found


def twice(evidence: Evidence) -> Check:
    """Each message that reached the carrier stands in the ledger as one contact, and no contact as two messages."""
    check = Check("twice", "Was nobody contacted twice for one step?")
    contacts = _contacts(evidence)
    filled: dict[object, Entry] = {}
    said: dict[tuple[str | None, str, str], Entry] = {}
    failed = {e.text("sid") for e in evidence.of("sms_status") if e.text("status") in _NOT_ARRIVED}
    for message in evidence.of(*_MESSAGES):
        check.looked_at += 1
        row = contacts.get(_named(message))
        if row is None:
            check.against(message.loan_id, f"{message.kind} that stands in no ledger", message)
        else:
            place = (row["loan_ref"], row["entry"], row["step"], row["occurrence"])
            if place in filled:
                check.against(message.loan_id, f"{message.kind} for the contact of line {filled[place].seq}", message)
            filled.setdefault(place, message)
        body = (message.loan_id, message.kind, message.text("body") + message.text("subject") + message.text("text"))
        earlier = said.get(body)
        if earlier is not None and message.at - earlier.at < _SOON:
            check.against(message.loan_id, f"the same {message.kind} as line {earlier.seq} within a day", message)
        if message.text("sid") not in failed:
            # What never arrived may be said once more, as a contact of its own.
            said[body] = message
    return check


def _accepted(evidence: Evidence) -> dict[tuple[str | None, str], Entry]:
    """The first delivery of each webhook that was answered 2xx."""
    found: dict[tuple[str | None, str], Entry] = {}
    for hook in evidence.of("webhook"):
        if 200 <= int(hook.data["status"]) < 300:
            found.setdefault((hook.loan_id, hook.text("event_id")), hook)
    return found


def _told_of_payments(evidence: Evidence) -> dict[int, int]:
    """By the line of a payment, the line on which news of it and of all before it had certainly been accepted.

    The log does not say which payment an event is about: so as many must be accepted as payments were made.
    """
    heard: dict[str | None, list[int]] = defaultdict(list)
    for (loan_id, _), hook in _accepted(evidence).items():
        if hook.text("type") in _PAID_BY:
            heard[loan_id].append(hook.seq)
    number: Counter[str | None] = Counter()
    found: dict[int, int] = {}
    for payment in evidence.of("payment"):
        number[payment.loan_id] += 1
        lines = sorted(heard[payment.loan_id])
        if len(lines) >= number[payment.loan_id]:
            found[payment.seq] = lines[number[payment.loan_id] - 1]
    return found


def _could_ask(payments: list[Entry], message: Entry) -> bool:
    """Whether all of it was paid through links, and longer ago than a contact takes from deciding to sending."""
    return all(paid.data.get("link_id") and message.at - paid.at > _A_CONTACT_TAKES for paid in payments)


def after_payment(evidence: Evidence) -> tuple[set[int], Check]:
    """Once the debt is paid and the product could know: one receipt, which asks for nothing, and no more.

    It could know from when the webhook was answered 2xx; and of links, from when the gateway could have been asked.

    Also gives the lines of receipts: what the ledger calls transactional, of a debt that was paid in full.
    """
    check = Check("after-payment", "Was nobody contacted after paying in full, but for one receipt?")
    told = _told_of_payments(evidence)
    contacts = _contacts(evidence)
    delivered = {e.text("sid") for e in evidence.of("sms_status") if e.text("status") == "delivered"}
    left = {loan_id: debt.amount_minor for loan_id, debt in evidence.debts.items()}
    closed_by: dict[str, Entry] = {}
    paid_by: dict[str, list[Entry]] = defaultdict(list)
    receipt: dict[str, Entry] = {}
    receipts: set[int] = set()
    back: set[str] = set()
    for entry in evidence.world:
        loan_id = entry.loan_id or ""
        if loan_id not in left:
            continue
        if entry.kind == "payment":
            paid_by[loan_id].append(entry)
            before, left[loan_id] = left[loan_id], left[loan_id] - entry.minor()
            if before > 0 >= left[loan_id]:
                check.looked_at += 1
                closed_by[loan_id] = entry
                receipt.pop(loan_id, None)
        elif entry.kind == "reversal" and entry.text("payment_id") not in back:
            back.add(entry.text("payment_id"))
            left[loan_id] += entry.minor()
            if left[loan_id] > 0:
                closed_by.pop(loan_id, None)
        elif entry.kind in _MESSAGES and loan_id in closed_by:
            paid = closed_by[loan_id]
            asks = _asks_for_money(entry)
            row = contacts.get(_named(entry))
            first = receipt.get(loan_id)
            if row is not None and row["purpose"] == "transactional" and not asks:
                if first is None or (first.kind == "sms" and first.text("sid") not in delivered):
                    receipt[loan_id] = entry
                    receipts.add(entry.seq)
                else:
                    check.against(loan_id, f"a second message after the receipt of line {first.seq}", entry)
            elif told.get(paid.seq, entry.seq) < entry.seq or _could_ask(paid_by[loan_id], entry):
                kind = "a demand with a link" if asks else "a message that is no receipt"
                check.against(loan_id, f"{kind}, although line {paid.seq} had paid everything", entry)
    return receipts, check


def rules(evidence: Evidence, receipts: set[int]) -> Check:
    """Every message but receipts and written copies within the hours and the limits of the person's place."""
    check = Check("rules", "Was every contact within the rules of the person's place?")
    copies = written_copies(evidence)
    by_person: dict[str, list[Told]] = defaultdict(list)
    places: dict[str, Place] = {}
    for message in evidence.of(*_MESSAGES):
        debt = evidence.debts.get(message.loan_id or "")
        if debt is None:
            check.against(message.loan_id, "a message to nobody of the portfolio", message)
            continue
        if message.seq in receipts or message.seq in copies:
            continue
        check.looked_at += 1
        place = places[debt.person_id] = Place(debt.country, debt.region, debt.zone)
        if (why := closed(place, message.kind, message.at)) is not None:
            check.against(message.loan_id, why, message)
        by_person[debt.person_id].append(Told(message.at, message.kind, debt.loan_id))
    for person_id, told in by_person.items():
        for why in too_many(places[person_id], told):
            check.against(told[-1].loan_id, why)
    return check


def written_copies(evidence: Evidence) -> set[int]:
    """The lines of messages that put in writing what a person agreed to on the telephone.

    One for each call that a person answered, within a day of it, that the ledger calls transactional and that asks
    for nothing: it answers what they did themselves.
    """
    contacts = _contacts(evidence)
    answered: dict[str | None, datetime] = {}
    copies: set[int] = set()
    for entry in evidence.world:
        if entry.kind == "call_status" and entry.text("answered_by") == "human":
            answered[entry.loan_id] = entry.at
        elif entry.kind in _MESSAGES and entry.loan_id in answered and not _asks_for_money(entry):
            row = contacts.get(_named(entry))
            soon = entry.at - answered[entry.loan_id] <= _SOON
            if soon and row is not None and row["purpose"] == "transactional":
                copies.add(entry.seq)
                del answered[entry.loan_id]
    return copies


def stopped(evidence: Evidence) -> Check:
    """No SMS to a person after their STOP was accepted, for any of their loans."""
    check = Check("stop", "Was nobody texted after their STOP was heard?")
    accepted = _accepted(evidence)
    since: dict[str, int] = {}
    for word in evidence.of("inbound_sms"):
        debt = evidence.debts.get(word.loan_id or "")
        heard = accepted.get((word.loan_id, word.text("sid")))
        if debt is not None and heard is not None and word.text("body").strip().upper() in _STOPS:
            check.looked_at += 1
            since[debt.person_id] = min(heard.seq, since.get(debt.person_id, heard.seq))
    for message in evidence.of("sms"):
        debt = evidence.debts.get(message.loan_id or "")
        if debt is not None and message.seq > since.get(debt.person_id, message.seq):
            check.against(message.loan_id, f"SMS after the STOP heard on line {since[debt.person_id]}", message)
    return check


def money(evidence: Evidence) -> Check:
    """Each payment and reversal of the world stands in the ledger once, as it was, and nothing else does."""
    check = Check("money", "Was no payment lost or counted twice?")
    names = evidence.loan_names()
    kept: dict[str, list[tuple[str | None, int, str, bool]]] = defaultdict(list)
    for row in evidence.rows["payment"]:
        kept[row["payment_id"]].append(
            (names.get(row["loan_ref"]), row["amount_minor"], row["currency"], row["reversed_at"] is not None)
        )
    back = {entry.text("payment_id") for entry in evidence.of("reversal")}
    for entry in evidence.of("payment"):
        check.looked_at += 1
        payment_id = entry.text("payment_id")
        expected = [(entry.loan_id, entry.minor(), entry.text("currency"), payment_id in back)]
        if (found := kept.pop(payment_id, [])) != expected:
            check.against(entry.loan_id, f"{payment_id} should stand as {expected}, stands as {found}", entry)
    for payment_id in kept:
        check.against(kept[payment_id][0][0], f"{payment_id} stands in the ledger, the world knows no such payment")
    return check


def stuck(evidence: Evidence) -> Check:
    """Every loan ended, in the ledger and in Temporal; nothing was left half done."""
    check = Check("stuck", "Is no loan stuck, and nothing left half done?")
    rows = {row["loan_id"]: row for row in evidence.rows["loan"]}
    names = evidence.loan_names()
    going_on = _going_on(evidence)
    for loan_id in evidence.debts:
        check.looked_at += 1
        row = rows.get(loan_id)
        if row is None:
            check.against(loan_id, "not in the ledger")
        elif loan_id in going_on and row["state"] == "in_collection":
            continue
        elif row["state"] != "ended" or row["end_kind"] is None:
            check.against(loan_id, f"reached no end, it is {row['state']}")
    for run in evidence.runs:
        check.looked_at += 1
        if run.workflow_id.removeprefix(_LOAN) in going_on and run.status in _ON_ITS_WAY:
            continue
        # A campaign's own workflow lives by the wall clock and may still be looking on.
        if run.status not in (_ENDED_WELL if run.workflow_id.startswith("loan-") else _ON_ITS_WAY):
            check.against(None, f"workflow {run.workflow_id} is {run.status}")
    for row in evidence.rows["contact"]:
        check.looked_at += 1
        if row["state"] in ("reserved", "sending"):
            check.against(names.get(row["loan_ref"]), f"contact {row['step']} is left as {row['state']}")
    for row in evidence.rows["webhook"]:
        check.looked_at += 1
        if row["relayed_at"] is None:
            check.against(None, f"{row['provider']} webhook was never passed on")
    for row in evidence.rows["campaign_loan"]:
        if row["started_at"] is None:
            check.against(names.get(row["loan_ref"]), "never started")
    last: dict[tuple[str | None, str], Entry] = {}
    accepted = _accepted(evidence)
    for hook in evidence.of("webhook"):
        last[hook.loan_id, hook.text("event_id")] = hook
    for key, hook in last.items():
        if key not in accepted:
            check.against(hook.loan_id, f"{hook.text('provider')} {hook.text('type')} was never accepted", hook)
    return check


def _going_on(evidence: Evidence) -> set[str]:
    """Loans that a reversal let go on so late that the clocks stopped before their end."""
    since = evidence.last_reopening
    if since is None:
        return set()
    return {entry.loan_id for entry in evidence.of("reversal") if entry.loan_id is not None and entry.at > since}


def failed_tasks(evidence: Evidence) -> Check:
    check = Check("failed-tasks", "Did no workflow task fail?")
    for run in evidence.runs:
        check.looked_at += 1
        for failed in run.failed_tasks:
            check.against(None, f"{run.workflow_id}: {failed}")
    return check


def _decided_unaware(evidence: Evidence) -> set[str | None]:
    """Loans about which a person decided between a payment and the first news of it: there a late webhook matters."""
    names = evidence.loan_names()
    told = _told_of_payments(evidence)
    lines = {entry.seq: entry for entry in evidence.world}
    unaware: dict[str | None, list[tuple[datetime, datetime]]] = defaultdict(list)
    for payment in evidence.of("payment"):
        heard = lines[told[payment.seq]].at if payment.seq in told else datetime.max.replace(tzinfo=UTC)
        unaware[payment.loan_id].append((payment.at, heard))
    return {
        names[row["loan_ref"]]
        for row in evidence.rows["collection_case"]
        for paid_at, heard_at in unaware[names.get(row["loan_ref"])]
        if paid_at <= _moment(row["decided_at"]) <= heard_at
    }


def _decided_before_paying(evidence: Evidence) -> set[str | None]:
    """Loans about which the last decision of a person came before any money of theirs moved: a borrower who is written
    to a day sooner pays a day sooner, and the same decision then finds the loan paid.
    """
    names = evidence.loan_names()
    paid: dict[str | None, datetime] = {}
    for payment in evidence.of("payment"):
        paid[payment.loan_id] = min(payment.at, paid.get(payment.loan_id, payment.at))
    decided: dict[str | None, datetime] = {}
    for row in evidence.rows["collection_case"]:
        loan_id, at = names[row["loan_ref"]], _moment(row["decided_at"])
        decided[loan_id] = max(at, decided.get(loan_id, at))
    return {loan_id for loan_id, at in decided.items() if loan_id in paid and at < paid[loan_id]}


def _calls_that_broke(evidence: Evidence) -> set[str | None]:
    """Loans with a call whose next words the carrier could not fetch: what the person pressed reached nobody."""
    broke = {
        entry.text("reason").partition(":")[0] for entry in evidence.of("refused") if entry.text("service") == "twiml"
    }
    return {call.loan_id for call in evidence.of("call") if call.text("sid") in broke}


def _moment(stored: datetime | str) -> datetime:
    """A time of the ledger: SQLite gives text in UTC without a zone."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def ends(evidence: Evidence) -> Check:
    """Each loan ended as the world's money says; and as without faults wherever the world moved the same money."""
    check = Check("ends", "Did each loan end as its money says, and as without faults where they cannot matter?")
    unaware = _decided_unaware(evidence) | _calls_that_broke(evidence)
    decided_first = _decided_before_paying(evidence)
    for loan_id, outcome in evidence.outcomes().items():
        check.looked_at += 1
        is_paid = sum(outcome.money) >= evidence.debts[loan_id].amount_minor
        if (
            outcome.end is not None
            and (outcome.end == "cured") != is_paid
            and not (is_paid and outcome.end in _PAID_ENDS)
        ):
            paid = f"{sum(outcome.money)} of {evidence.debts[loan_id].amount_minor}"
            check.against(loan_id, f"it ended as {outcome.end}, and {paid} minor units were paid")
        calm = (evidence.calm or {}).get(loan_id)
        comparable = calm is not None and calm.money == outcome.money and loan_id not in unaware
        decided = loan_id in decided_first and outcome.end in _DECIDED and calm is not None and calm.end == "cured"
        if comparable and not decided and calm is not None and calm.end != outcome.end:
            check.against(loan_id, f"it ended as {outcome.end}, without faults as {calm.end}, with the same payments")
    return check


def replays(evidence: Evidence) -> Check:
    check = Check("replays", "Was every webhook refused whose signature was too old?")
    check.looked_at = len(evidence.late_replays)
    for status, number in Counter(evidence.late_replays).items():
        if not 400 <= status < 600:
            check.against(None, f"{number} replays two days late were answered {status}")
    return check


def world(evidence: Evidence) -> Check:
    """The world was in order: else no other check means anything."""
    check = Check("world", "Was the world itself in order, and its log whole?")
    check.looked_at = len(evidence.world)
    for number, entry in enumerate(evidence.world, 1):
        if entry.seq != number:
            check.against(None, f"line {number} of the log is missing", entry)
            break
    for entry in evidence.of("world_error"):
        check.against(entry.loan_id, entry.text("reason"), entry)
    return check

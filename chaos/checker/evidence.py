"""What there is to judge by: the world's log, the product's tables and Temporal's histories, as plain values."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
from psycopg.rows import dict_row
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client

from chaos.checker.kept import Kept

Row = Mapping[str, Any]

QUERIES = {
    "loan": "SELECT id, loan_id, state, end_kind, entered_at, ended_at, final_state FROM loan",
    "contact": "SELECT loan_ref, entry, step, occurrence, channel, purpose, state, outcome, message_id, "
    "provider_message_id FROM contact ORDER BY id",
    "collection_case": "SELECT loan_ref, kind, state, decision, opened_at, sla_at, decided_at, closed_at, amount_minor "
    "FROM collection_case",
    "payment": "SELECT payment_id, loan_ref, amount_minor, currency, reversed_at FROM payment",
    "webhook": "SELECT provider, event_key, recorded_at, relayed_at, outcome FROM webhook",
    "campaign_loan": "SELECT loan_ref, started_at, refused FROM campaign_loan",
    "payment_inquiry": "SELECT provider, status, next_at FROM payment_inquiry",
    "own_words": "SELECT loan_ref, state FROM own_words",
    "refund": "SELECT loan_ref, state FROM refund",
    "debit": "SELECT loan_ref, step, state FROM debit",
    "attachment": "SELECT loan_ref, state FROM attachment",
    "agreement": "SELECT id, loan_ref, entry, number, kind, state, made_at, ended_at, expires_at, grace_days, "
    "tolerance_minor, adjustment_minor, added_minor, revision, evidence_message_id FROM agreement ORDER BY id",
    "agreement_instalment": "SELECT agreement_ref, number, due, amount_minor, paid_minor FROM agreement_instalment "
    "ORDER BY agreement_ref, number",
}
_UNHANDLED = WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
_AT_ONCE = 8
_PERSONAL = {
    "name": "name",
    "phone": "telephone number",
    "email": "e-mail address",
    "iban": "IBAN",
    "bank_account": "bank account",
    "bank_consent": "bank consent",
    "postal_address": "postal address",
}
"""What the world tells of a person, and how a violation calls it."""
DECIDED = {"recalled": "recall", "sold": "sell", "written_off": "write_off"}
"""The ends that a person decides on, and what they say then."""
_HOLDS = "circumstance"
"""The kind of case that holds its loan until a person has decided, beyond every deadline."""


@dataclass(frozen=True)
class Debt:
    """A loan as it was handed over and the place where the world says that its person is."""

    loan_id: str
    person_id: str
    amount_minor: int
    currency: str
    country: str
    region: str | None
    zone: str
    addresses: tuple[str, ...] = ()
    """The telephone number and the e-mail address that the world says they have."""
    personal: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What names its person, as the world gave it: what each is, and the text."""


@dataclass(frozen=True)
class Entry:
    """A line of the world's log (sandbox/README.md); `at` is the loan's own clock."""

    seq: int
    kind: str
    at: datetime
    loan_id: str | None
    data: Row

    def text(self, key: str) -> str:
        return str(self.data.get(key) or "")

    def minor(self) -> int:
        return int(self.data["amount_minor"])


@dataclass(frozen=True)
class Run:
    """One run of a workflow: its status, and the workflow tasks that failed in it, in words."""

    workflow_id: str
    status: str
    failed_tasks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a campaign came to for one loan: its end, and the money that moved by the world's log, in minor units.

    `decided_first`: a person decided on its end, for the last time before the last money of its borrower's moved.
    `wrote`: the borrower said something in words of their own.
    """

    end: str | None
    money: tuple[int, ...]
    decided_first: bool = False
    wrote: bool = False


@dataclass(frozen=True)
class Evidence:
    debts: Mapping[str, Debt]
    world: tuple[Entry, ...]
    rows: Mapping[str, tuple[Row, ...]]
    runs: tuple[Run, ...] = ()
    calm: Mapping[str, Outcome] | None = None
    """The same campaign without faults; None: not compared."""
    late_replays: tuple[int, ...] = ()
    """Statuses that replays after the tolerance were answered with."""
    failed_at_workers: tuple[str, ...] = ()
    """Workflow tasks that failed by what the workers themselves counted or logged, in words."""
    kept: tuple[Kept, ...] = ()
    """What was searched for everything personal."""
    last_reopening: datetime | None = None
    """A loan that was let go on after this has not come to its end when the clocks stop; None: all have."""
    clocks_stop: datetime | None = None
    """When the loans' clocks stop."""

    def of(self, *kinds: str) -> list[Entry]:
        """The world's entries of these kinds, in order."""
        return [entry for entry in self.world if entry.kind in kinds]

    def loan_names(self) -> dict[int, str]:
        return {row["id"]: row["loan_id"] for row in self.rows["loan"]}

    def outcomes(self) -> dict[str, Outcome]:
        """For being compared with another run of the same campaign."""
        money: dict[str, list[int]] = {loan_id: [] for loan_id in self.debts}
        back: set[str] = set()
        for entry in self.of("payment", "reversal"):
            if entry.kind == "reversal" and entry.text("payment_id") in back:
                continue
            if entry.kind == "reversal":
                back.add(entry.text("payment_id"))
            money.setdefault(entry.loan_id or "", []).append(entry.minor() * (1 if entry.kind == "payment" else -1))
        ends = {row["loan_id"]: row["end_kind"] for row in self.rows["loan"]}
        first = self._decided_before_the_last_payment()
        wrote = self._wrote()
        return {
            loan_id: Outcome(ends.get(loan_id), tuple(money[loan_id]), loan_id in first, loan_id in wrote)
            for loan_id in self.debts
        }

    def waiting_for_people(self) -> set[str]:
        """Loans whose borrower told of a hardship or the like of which nobody has decided: they wait, however long."""
        names = self.loan_names()
        cases = [row for row in self.rows["collection_case"] if row["kind"] == _HOLDS and row["state"] == "open"]
        return {names[row["loan_ref"]] for row in cases} & self._wrote()

    def _wrote(self) -> set[str]:
        """Loans whose borrower said something in words of their own."""
        said = self.of("inbound_sms", "inbound_whatsapp")
        return {entry.loan_id for entry in said if entry.loan_id is not None and entry.text("meant")}

    def decisions(self, kind: str | None = None) -> list[tuple[str, datetime]]:
        """Each decision of a person, or those about this kind of case: the loan, and when."""
        names = self.loan_names()
        cases = [row for row in self.rows["collection_case"] if kind is None or row["kind"] == kind]
        decided = [row for row in cases if row["state"] == "decided"]
        return [(names[row["loan_ref"]], moment(row["decided_at"])) for row in decided]

    def decided_ends(self) -> dict[str, list[datetime]]:
        """By loan that left collection as a person decides, when one decided just that; none: nobody did."""
        wanted = {row["id"]: DECIDED[row["end_kind"]] for row in self.rows["loan"] if row["end_kind"] in DECIDED}
        names = self.loan_names()
        found: dict[str, list[datetime]] = {names[loan_ref]: [] for loan_ref in wanted}
        for row in self.rows["collection_case"]:
            if row["state"] == "decided" and row["loan_ref"] in wanted and row["decision"] == wanted[row["loan_ref"]]:
                found[names[row["loan_ref"]]].append(moment(row["decided_at"]))
        return found

    def _decided_before_the_last_payment(self) -> set[str]:
        paid: dict[str | None, datetime] = {}
        for payment in self.of("payment"):
            paid[payment.loan_id] = max(payment.at, paid.get(payment.loan_id, payment.at))
        ends = self.decided_ends()
        return {loan_id for loan_id, at in ends.items() if at and loan_id in paid and max(at) < paid[loan_id]}


def moment(stored: datetime | str) -> datetime:
    """A time of the ledger: SQLite gives text in UTC without a zone."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def read_world(path: Path) -> tuple[Entry, ...]:
    """The log, in order. Raises OSError, ValueError for a line that is no entry."""
    entries = [entry_of(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return tuple(sorted(entries, key=lambda entry: entry.seq))


def entry_of(line: Row) -> Entry:
    """Raises KeyError, ValueError."""
    return Entry(line["seq"], line["kind"], datetime.fromisoformat(line["at"]), line["loan_id"], line)


def read_rows(url: str) -> dict[str, tuple[Row, ...]]:
    """The tables, from an SQLite file (`sqlite:///FILE`) or from PostgreSQL. Raises sqlite3.Error, psycopg.Error."""
    if url.startswith("sqlite:///"):
        with sqlite3.connect(f"file:{quote(url.removeprefix('sqlite:///'))}?mode=ro", uri=True) as connection:
            connection.row_factory = sqlite3.Row
            return {
                name: tuple({key: row[key] for key in row.keys()} for row in connection.execute(query))
                for name, query in QUERIES.items()
            }
    with psycopg.connect(url, row_factory=dict_row) as server:
        return {name: tuple(server.execute(query.encode()).fetchall()) for name, query in QUERIES.items()}


def read_debts(sandbox: str, handed_over: Iterable[Row]) -> dict[str, Debt]:
    """The loans as handed over, with the zones and addresses the world gave their people. Raises httpx.HTTPError."""
    handed = {row["loan_id"]: row for row in handed_over}
    asked = {"loans": [{"loan_id": loan_id} for loan_id in handed]}
    answer = httpx.post(f"{sandbox}/_world/loans", json=asked, timeout=120, trust_env=False)
    answer.raise_for_status()
    people = {person["loan_id"]: person for person in answer.json()["people"]}
    return {
        loan_id: Debt(
            **row,
            zone=people[loan_id]["timezone"],
            addresses=tuple(filter(None, (people[loan_id]["phone"], people[loan_id]["email"]))),
            personal=tuple((what, people[loan_id][key]) for key, what in _PERSONAL.items() if people[loan_id].get(key)),
        )
        for loan_id, row in handed.items()
    }


async def read_runs(address: str, namespace: str) -> tuple[Run, ...]:
    """Every run of every workflow, its whole history looked through. Raises temporalio.service.RPCError."""
    client = await Client.connect(address, namespace=namespace)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(workflow_id: str, run_id: str, status: str) -> Run:
        failed: list[str] = []
        async with gate:
            async for event in client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history_events():
                if event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                    continue
                attributes = event.workflow_task_failed_event_attributes
                # A signal that came while the worker answered: the server asks again, nothing failed.
                if attributes.cause != _UNHANDLED:
                    cause = WorkflowTaskFailedCause.Name(attributes.cause)
                    failed.append(f"event {event.event_id}: {cause.removeprefix('WORKFLOW_TASK_FAILED_CAUSE_')}")
        return Run(workflow_id, status, tuple(failed))

    found = [
        (run.id, run.run_id, run.status.name if run.status else "UNKNOWN") async for run in client.list_workflows()
    ]
    return tuple(await asyncio.gather(*(one(*run) for run in found)))

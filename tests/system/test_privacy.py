"""A campaign of the shipped portfolio, then a search of all that Temporal, the logs and the metrics keep of it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from sqlmodel import col, select
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

import intake
from commands.processes import ROOT, Processes
from commands.rehearsal import LENDER, Plan, enter, invent_people
from commands.stack import META_SECRET, Stack
from config.encryption_settings import Encryption
from config.settings import Settings
from config.strategies import find_strategy
from domain.loans import workflow_id
from domain.message_names import of_whatsapp
from domain.portfolio import PortfolioLoan
from records import cases, erasure, loans
from records.database import Database
from records.tables import CaseState, LoanState, Webhook
from sandbox.wamid import wamid
from workflows.campaign import Campaign
from workflows.campaign_messages import CampaignInput
from workflows.payload_encryption import data_converter

pytestmark = pytest.mark.timeout(200)
LOANS = 4
NOTE = "lo cuenta su cuñada Remedios"


def wanted(folder: Path) -> Plan:
    """The shipped portfolio as it is made today; its loans begin at once."""
    begins = datetime.now(UTC)
    file = folder / "microprestamos_es.csv"
    maker = [sys.executable, str(ROOT / "portfolios" / "make_microprestamos_es.py")]
    made = subprocess.run([*maker, "--as-of", begins.date().isoformat()], capture_output=True, check=True, timeout=60)
    file.write_bytes(made.stdout)
    return Plan(
        loans=tuple(intake.check(file, "microlender_es", begins.date()).loans())[:LOANS],
        strategy=find_strategy("es-microloan"),
        seed=3,
        begins=begins,
        days=60,
        preset="prime",
        folder=folder,
    )


async def until(what: partial[bool]) -> None:
    for _ in range(600):
        if await asyncio.to_thread(what):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not happen in time")


def has_ended(database: Database, loan_id: str) -> bool:
    with database.reading() as session:
        return loans.get(session, LENDER, loan_id).state is LoanState.ENDED


def in_collection(database: Database, loan_ids: list[str]) -> bool:
    with database.reading() as session:
        return all(loans.get(session, LENDER, one).state is LoanState.IN_COLLECTION for one in loan_ids)


def heard(database: Database, event_key: str) -> bool:
    with database.reading() as session:
        told = select(Webhook.id).where(Webhook.event_key == event_key, col(Webhook.relayed_at).is_not(None))
        return session.exec(told).first() is not None


async def writes_on_whatsapp(web: str, person: PortfolioLoan, database: Database, words: str, own: str) -> None:
    """An answer that the loan hears of, as Meta tells of it: its id is the person's number in base64 with `own`."""
    assert person.phone
    told = {"from": person.phone.lstrip("+"), "id": wamid(person.phone, own, inbound=True)}
    message = {**told, "type": "text", "text": {"body": words}}
    change = {"field": "messages", "value": {"messaging_product": "whatsapp", "messages": [message]}}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()
    signature = hmac.new(META_SECRET.encode(), body, hashlib.sha256).hexdigest()
    async with httpx.AsyncClient(timeout=60) as meta:
        headers = {"X-Hub-Signature-256": f"sha256={signature}"}
        answer = await meta.post(f"{web}/webhooks/meta", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    await until(partial(heard, database, of_whatsapp(told["id"])))


def open_case(database: Database, loan_id: str) -> str | None:
    with database.reading() as session:
        found = cases.of_loan(session, loans.get(session, LENDER, loan_id))
        return next((case.case_id for case in found if case.state is CaseState.OPEN), None)


def has_open_case(database: Database, loan_id: str) -> bool:
    return open_case(database, loan_id) is not None


async def is_decided_with_a_note_and_erased(stack: Stack, database: Database, person: PortfolioLoan) -> None:
    """A person decides what the borrower disputed, says why in own words, and then the borrower wants to be erased."""
    await until(partial(has_open_case, database, person.loan_id))
    case_id = open_case(database, person.loan_id)
    assert case_id is not None
    deciding = [sys.executable, "starter.py", "case", "decide", case_id, "--decision", "recall", "--by", "agent-7"]
    noted = [*deciding, "--note", f"{NOTE}: {person.name}"]
    done = await asyncio.to_thread(
        subprocess.run, noted, cwd=ROOT, env=stack.environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    await until(partial(has_ended, database, person.loan_id))
    with database.reading() as session:
        assert NOTE in (cases.get(session, case_id).note or "")
    erasing = partial(erasure.erase, database, LENDER, person.person_id, at=datetime.now(UTC), actor="request 1")
    assert await asyncio.to_thread(erasing)
    with database.reading() as session:
        assert cases.get(session, case_id).note is None


def has_happened(log: str) -> bool:
    """Whether as many messages went out as there are loans, and carriers told of some."""
    return (
        len(re.findall(r'"kind": ?"(?:sms|email|whatsapp)"', log)) >= LOANS
        and len(re.findall(r'"kind": ?"webhook"', log)) >= 3
    )


async def log_of(world: httpx.AsyncClient) -> str:
    """The sandbox's log once enough has happened: receipts come when they come."""
    for _ in range(600):
        log = (await world.get("/_world/log")).text
        if has_happened(log):
            return log
        await asyncio.sleep(0.1)
    raise AssertionError("too little happened")


async def campaign(folder: Path, *, encrypt: bool) -> tuple[list[PortfolioLoan], dict[str, bytes], str]:
    """Contacts, a reply and payments of a campaign; the people, what is kept outside the records, by name, and the
    sandbox's log, which proves that something happened."""
    plan = wanted(folder)
    with Processes(folder / "logs") as processes:
        stack = Stack(
            processes, folder, skipping=True, namespace="rehearsal", seed=plan.seed, preset=plan.preset, encrypt=encrypt
        )
        stack.metrics_ports |= {"worker-0": processes.ports.take(), "web": processes.ports.take()}
        await asyncio.to_thread(stack.start)
        url = stack.environment["RECOBRO_DATABASE_URL"]
        database = Database(url)
        settings = Settings(database_url=url, encryption=Encryption(payloads=encrypt))
        client = await Client.connect(
            stack.addresses.temporal, namespace=stack.namespace, data_converter=data_converter(settings)
        )
        people = await invent_people(stack.addresses.sandbox, plan)
        await asyncio.to_thread(enter, database, plan, "c1", people)
        order = CampaignInput(campaign_id="c1", begin_at=plan.begins)
        await client.start_workflow(Campaign.run, order, id="campaign-c1", task_queue="recobro")
        await until(partial(in_collection, database, [loan.loan_id for loan in people]))
        skipper = TimeSkipper(client, config=TimeSkippingConfig(max_session_skip_count=10_000))
        for loan in people:
            await skipper.fast_forward(
                client.get_workflow_handle(workflow_id(LENDER, loan.loan_id)), timedelta(days=12)
            )
        async with httpx.AsyncClient(base_url=stack.addresses.sandbox, timeout=60) as world:
            for loan, act in zip(people, ("stop", "pay", "pay", "salary"), strict=True):
                done = await world.post("/_world/act", json={"loan_id": loan.loan_id, "act": act})
                assert done.status_code == 200, done.text
            writes = partial(writes_on_whatsapp, stack.addresses.web, people[3], database)
            await writes("¿Cómo puedo pagar?", "3A4A6599AEE03810144F")
            for loan in people[1:3]:
                await until(partial(has_ended, database, loan.loan_id))
            log = await log_of(world)
            await writes("No reconozco esta deuda, no es mía", "3A4A6599AEE038101450")
        await is_decided_with_a_note_and_erased(stack, database, people[3])
        async with httpx.AsyncClient() as asking:
            kept = {
                f"metrics of {name}": (await asking.get(f"http://127.0.0.1:{port}/metrics")).content
                for name, port in stack.metrics_ports.items()
            }
        # The server is killed: what it wrote last stands in the log beside its database.
        processes.stop("temporal", kill=True)
        database.dispose()
    for path in (*folder.glob("temporal.db*"), *(folder / "logs").iterdir()):
        kept[path.name] = path.read_bytes()
    return people, kept, log


def personal(people: list[PortfolioLoan]) -> set[str]:
    """Every name, phone, e-mail, consent and account, and the parts and spellings by which one would know them."""
    found: set[str] = set()
    for person in people:
        for text in (person.name, person.phone, person.email, person.bank_account, person.bank_consent):
            if text:
                found |= {text, quote(text, safe=""), text.lstrip("+"), json.dumps(text)[1:-1], ascii(text)[1:-1]}
        assert person.name
        assert person.email
        found |= {person.email.split("@")[0], person.name.split()[-1]}
    return {one for one in found if len(one) > 3}


def kept_of(kept: dict[str, bytes], what: set[str]) -> list[tuple[str, str]]:
    return sorted(
        (where, one)
        for where, content in kept.items()
        for one in what
        if one.encode() in content or one.encode("utf-16-le") in content
    )


_TOKEN = re.compile(rb"[0-9A-Za-z+/_-]{20,}")
_LONG = 8
"""Four letters in a row are in megabytes of anything, read as base64, by chance."""


def unfolded(kept: dict[str, bytes]) -> dict[str, bytes]:
    """What stands in each in base64, from whichever letter on it is read."""
    return {
        name: b" ".join(_decoded(token[start:]) for token in set(_TOKEN.findall(content)) for start in range(4))
        for name, content in kept.items()
    }


def _decoded(token: bytes) -> bytes:
    whole = token[: len(token) // 4 * 4]
    return base64.b64decode(whole.replace(b"-", b"+").replace(b"_", b"/"))


def test_what_stands_in_base64_is_found_wherever_it_begins() -> None:
    folded = base64.b64encode(b"\x1c\x18\x0b34600123456\x15\x02\x00\x12")

    kept = unfolded({"a": b'"meta:wamid.' + folded + b'"', "b": b"xyz" + folded, "c": b"34600123456"})

    assert kept_of(kept, {"34600123456"}) == [("a", "34600123456"), ("b", "34600123456")]


def sums_of(kept: dict[str, bytes], sums: set[str]) -> list[tuple[str, str]]:
    """Those that stand by themselves: five digits in a row are in some UUID of a whole campaign by chance."""
    return sorted(
        (where, one)
        for where, content in kept.items()
        for one in sums
        if re.search(rb"(?<![0-9A-Za-z-])%s(?![0-9A-Za-z-])" % one.encode(), content)
    )


def test_a_sum_is_found_where_it_stands_by_itself_and_not_in_a_longer_name() -> None:
    kept = {"a": b'{"amount_due_minor":40591,', "b": b"1c40591e-77aa-4c1e", "c": b"\x00\x8840591\xff", "d": b"140591"}

    assert sums_of(kept, {"40591"}) == [("a", "40591"), ("c", "40591")]


@pytest.mark.parametrize(
    "encrypt", [pytest.param(False, id="plain"), pytest.param(True, id="encrypted", marks=pytest.mark.long)]
)
async def test_nobody_is_named_in_temporal_logs_and_metrics(
    tmp_path: Path, encrypt: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The stack makes a key of its own; another test's would be this process's alone.
    for name in ("RECOBRO_ENCRYPTION__KEYS", "RECOBRO_ENCRYPTION__PAYLOADS"):
        monkeypatch.delenv(name, raising=False)
    people, kept, log = await campaign(tmp_path, encrypt=encrypt)

    assert has_happened(log)
    assert len(kept["temporal.db"]) > 100_000
    assert "temporal.db-wal" in kept
    assert b"temporal_worker" in kept["metrics of worker-0"]
    assert b"recobro_loans" in kept["metrics of web"]
    assert any(people[0].loan_id.encode() in content for content in kept.values()), "the search finds what is there"
    assert kept_of(kept, personal(people)) == []
    assert kept_of(kept, {NOTE, "Remedios"}) == [], "what a person noted on a case outlives no erasure in a history"
    assert kept_of(unfolded(kept), {one for one in personal(people) if len(one) >= _LONG}) == []

    amounts = {str(loan.amount_due_minor) for loan in people}
    names = {name: content for name, content in kept.items() if name.startswith("temporal.db")}
    assert (kept_of(names, {"meta:wa."}) == []) is encrypt, "a loan heard of what was written on WhatsApp"
    readable = kept_of(names, {"amount_due_minor", "due_date", "es-microloan"}) + sums_of(names, amounts)
    assert (readable == []) is encrypt, readable

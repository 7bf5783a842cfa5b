"""What came of a rehearsal: one object of figures, each counted from the records, and every violation found."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable

import httpx
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, func, select
from temporalio.client import Client

from commands import configuration
from commands.channel_costs import Costs, costs_of
from commands.conversation_results import ConversationResults, conversation_results
from commands.plain_rules import Residence
from commands.rehearsal import Rehearsal
from commands.verdict import Borrower, Check, DebtFacts, KeptAgreement, KeptPayment, Ours, Verdict, Violation, judge
from commands.verdict_traces import personal_data, workflow_tasks
from commands.world_log import WorldLog
from domain.agreements.model import AgreementState
from domain.contact import Channel
from domain.contact import Verdict as ContactVerdict
from domain.ledger_entries import CaseKind, CaseState
from records.tables import (
    Agreement,
    AgreementInstalment,
    BalanceRead,
    ClosedAddress,
    CollectionCase,
    Contact,
    ContactDecision,
    Loan,
    Payment,
    PaymentLink,
    Webhook,
)


class CheckResult(BaseModel):
    """A check and how many things it looked at."""

    model_config = ConfigDict(frozen=True)

    name: str
    question: str
    looked_at: int
    unit: str
    violations: int


class Results(BaseModel):
    """The object `rehearse --json` ends with; its keys are documented in docs/rehearsals.md.

    Money is in minor units by ISO currency.
    """

    model_config = ConfigDict(frozen=True)

    source: str
    strategy: str
    seed: int
    days: int
    begins: str
    loans: int
    people: int
    ends: dict[str, int]
    not_ended: tuple[str, ...]
    decided_by_agent: int
    contacts: int
    contacts_by_channel: dict[str, int]
    contacts_by_outcome: dict[str, int]
    contacts_by_purpose: dict[str, int]
    refused: dict[str, int]
    refused_by_rule: dict[str, int]
    due_minor: dict[str, int]
    recovered_minor: dict[str, int]
    overpaid_minor: dict[str, int]
    balance_reads: int
    balance_reads_failed: int
    links: int
    payments: int
    reversals: int
    cases_by_kind: dict[str, int]
    cases_by_state: dict[str, int]
    conversation: ConversationResults
    costs: Costs
    seconds: float
    checks: tuple[CheckResult, ...]
    violations: tuple[Violation, ...]


def collect(rehearsal: Rehearsal) -> Results:
    """Count and judge a rehearsal while its stack stands. Call it outside a running event loop (a thread will do).

    Raises httpx.HTTPError when the world, temporalio.service.RPCError when Temporal does not answer.
    """
    log = WorldLog.read(rehearsal.world_log)
    borrowers = _borrowers(rehearsal)
    with rehearsal.database.reading() as session:
        rows = list(session.exec(select(Loan)).all())
        figures, received = _figures(session, rows)
        ours = _ours(session, rehearsal, rows, borrowers)
        costs = costs_of(session, configuration.settings())
        talked = conversation_results(session, rehearsal.plan.begins, rehearsal.plan.days)
    verdict = judge(log, ours, received, _traces(rehearsal, borrowers.values()))
    return Results(
        source=rehearsal.plan.source,
        strategy=rehearsal.plan.strategy.key,
        seed=rehearsal.plan.seed,
        days=rehearsal.plan.days,
        begins=rehearsal.plan.begins.isoformat(),
        seconds=round(rehearsal.seconds, 1),
        costs=costs,
        conversation=talked,
        people=len(borrowers),
        checks=tuple(_checked(check) for check in verdict.checks),
        violations=_unique(verdict),
        **figures,
    )


def _figures(session: Session, rows: list[Loan]) -> tuple[dict[str, object], dict[str, int]]:
    """The counted figures, and all money received and not taken back by currency."""
    contacts = session.exec(select(Contact)).all()
    refusals = [
        decision
        for decision in session.exec(select(ContactDecision)).all()
        if decision.verdict is not ContactVerdict.ALLOWED
    ]
    payments = session.exec(select(Payment)).all()
    cases = session.exec(select(CollectionCase)).all()
    reads = Counter(session.exec(select(BalanceRead.outcome)).all())
    due: Counter[str] = Counter()
    recovered: Counter[str] = Counter()
    overpaid: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for loan in rows:
        due[loan.currency] += loan.amount_due_minor
        good = [p for p in payments if p.loan_ref == loan.id and p.entry == loan.entry and p.reversed_at is None]
        paid = sum(payment.amount_minor for payment in good)
        recovered[loan.currency] += min(paid, loan.amount_due_minor)
        overpaid[loan.currency] += max(paid - loan.amount_due_minor, 0)
    for payment in payments:
        if payment.reversed_at is None:
            received[payment.currency] += payment.amount_minor
    decided = {case.loan_ref for case in cases if case.state is CaseState.DECIDED and case.decision in ENDING_DECISIONS}
    figures: dict[str, object] = {
        "loans": len(rows),
        "ends": _tally(loan.end_kind for loan in rows if loan.end_kind),
        "not_ended": tuple(loan.loan_id for loan in rows if loan.end_kind is None),
        "decided_by_agent": sum(
            1 for loan in rows if loan.id in decided and loan.end_kind in ENDING_DECISIONS.values()
        ),
        "contacts": len(contacts),
        "contacts_by_channel": _tally(contact.channel.value for contact in contacts),
        "contacts_by_outcome": _tally(contact.state.value for contact in contacts),
        "contacts_by_purpose": _tally(contact.purpose.value for contact in contacts),
        "refused": _tally(decision.verdict.value for decision in refusals),
        "refused_by_rule": _tally(str(reason["rule"]) for decision in refusals for reason in decision.reasons),
        "due_minor": dict(due),
        "recovered_minor": dict(recovered),
        "overpaid_minor": {currency: amount for currency, amount in overpaid.items() if amount},
        "balance_reads": reads["read"],
        "balance_reads_failed": reads.total() - reads["read"],
        "links": session.exec(select(func.count()).select_from(PaymentLink)).one(),
        "payments": len(payments),
        "reversals": sum(1 for payment in payments if payment.reversed_at is not None),
        "cases_by_kind": _tally(case.kind for case in cases),
        "cases_by_state": _tally(case.state.value for case in cases),
    }
    return figures, dict(received)


_NEVER_IN_FORCE = frozenset({AgreementState.PROPOSED, AgreementState.EXPIRED, AgreementState.CANCELLED})
ENDING_DECISIONS = {"recall": "recalled", "sell": "sold", "write_off": "written_off"}


def _ours(session: Session, rehearsal: Rehearsal, rows: list[Loan], borrowers: dict[str, Borrower]) -> Ours:
    owners = {loan.loan_id: loan.person_id for loan in rehearsal.plan.loans}
    names = {loan.id: loan.loan_id for loan in rows}
    webhooks = session.exec(select(Webhook.provider, Webhook.event_key, Webhook.relayed_at)).all()
    instalments: defaultdict[int, tuple[int, ...]] = defaultdict(tuple)
    for one in session.exec(select(AgreementInstalment).order_by(col(AgreementInstalment.number))).all():
        instalments[one.agreement_ref] += (one.amount_minor,)
    undecided = select(CollectionCase.loan_ref).where(
        CollectionCase.state == CaseState.OPEN, CollectionCase.kind == CaseKind.CIRCUMSTANCE
    )
    held = {names.get(loan_ref) for loan_ref in session.exec(undecided).all()}
    return Ours(
        debts={
            loan.loan_id: DebtFacts(
                loan_id=loan.loan_id,
                person_id=loan.person_id,
                amount_minor=loan.amount_due_minor,
                currency=loan.currency,
                end=next((row.end_kind for row in rows if row.loan_id == loan.loan_id), None),
                held=loan.loan_id in held,
            )
            for loan in rehearsal.plan.loans
            if loan.loan_id in owners
        },
        borrowers=borrowers,
        payments=tuple(
            KeptPayment(
                payment_id=payment.payment_id,
                loan_id=names.get(payment.loan_ref),
                amount_minor=payment.amount_minor,
                currency=payment.currency,
                reversed=payment.reversed_at is not None,
            )
            for payment in session.exec(select(Payment)).all()
        ),
        agreements=tuple(
            KeptAgreement(
                loan_id=names[agreed.loan_ref],
                kind=agreed.kind.value,
                number=agreed.number,
                since=agreed.made_at,
                until=agreed.ended_at,
                instalments=instalments.get(agreed.id or 0, ()),
            )
            for agreed in session.exec(select(Agreement)).all()
            if agreed.loan_ref in names and agreed.state not in _NEVER_IN_FORCE
        ),
        steps={
            named: f"{contact.step}, occurrence {contact.occurrence}, of entry {contact.entry}"
            for contact in session.exec(select(Contact)).all()
            for named in _names_of(contact)
        },
        closed_mailboxes=session.exec(
            select(func.count()).select_from(ClosedAddress).where(col(ClosedAddress.channel) == Channel.EMAIL)
        ).one(),
        unrelayed=tuple(f"{provider} {key}" for provider, key, relayed_at in webhooks if relayed_at is None),
        webhooks=len(webhooks),
    )


def _names_of(contact: Contact) -> Iterable[str]:
    """How the world may name a message of ours: its own id for it, or the one we gave an e-mail."""
    if contact.provider_message_id:
        yield contact.provider_message_id.strip("<>")
    yield contact.message_id


def _borrowers(rehearsal: Rehearsal) -> dict[str, Borrower]:
    """The people as the world invented them, asked of the world itself, by the lender's customer number."""
    wanted = {"loans": [{"loan_id": loan.loan_id} for loan in rehearsal.plan.loans]}
    answer = httpx.post(f"{rehearsal.stack.addresses.sandbox}/_world/loans", json=wanted, timeout=120)
    answer.raise_for_status()
    told = {person["loan_id"]: person for person in answer.json()["people"]}
    people: dict[str, Borrower] = {}
    for loan in rehearsal.plan.loans:
        person = told[loan.loan_id]
        private = ("name", "phone", "email", "iban", "bank_account")
        people[loan.person_id] = Borrower(
            person_id=loan.person_id,
            residence=Residence(loan.country, loan.region, person["timezone"]),
            secrets=tuple(str(person[key]) for key in private if person.get(key)),
            addresses=(person["phone"], person["email"]),
        )
    return people


def _traces(rehearsal: Rehearsal, borrowers: Iterable[Borrower]) -> tuple[Check, Check]:
    async def histories() -> Check:
        stack = rehearsal.stack
        client = await Client.connect(stack.addresses.temporal, namespace=stack.namespace)
        return await workflow_tasks(client, sorted(logs.glob("worker-*.log")))

    file = rehearsal.stack.temporal_file
    logs = rehearsal.plan.folder / "logs"
    files = [file, file.with_name(f"{file.name}-wal"), logs / "web.log", *sorted(logs.glob("worker-*.log"))]
    return asyncio.run(histories()), personal_data(borrowers, files)


def _checked(check: Check) -> CheckResult:
    return CheckResult(
        name=check.name,
        question=check.question,
        looked_at=check.looked_at,
        unit=check.unit,
        violations=len(check.violations),
    )


def _unique(verdict: Verdict) -> tuple[Violation, ...]:
    return tuple(dict.fromkeys(verdict.violations))


def _tally(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(str(value) for value in values).most_common())

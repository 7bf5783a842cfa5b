"""A rehearsal that ran, made by hand: three loans in a real database, and the world's log beside it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from commands.processes import Processes
from commands.rehearsal import LENDER, Plan, Rehearsal
from commands.stack import Addresses, Stack
from config.strategies import find_strategy
from domain.contact import Channel, Decision, Purpose, Reason, Verdict
from domain.costs import Cost
from domain.ledger_entries import CaseState
from domain.portfolio import PortfolioLoan
from records import campaigns, cases, consents, contact_decisions, contacts, links, loans, payments
from records.database import Database
from records.portfolio import enter_portfolio
from records.tables import ContactState, LinkState, PaymentSource

BEGINS = datetime(2026, 11, 24, 5, tzinfo=UTC)
NAMES = {"A1": "Ana Núñez", "B2": "Bruno Gil", "C3": "Clara Sanz"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def portfolio() -> tuple[PortfolioLoan, ...]:
    """A1 is cured by a link sent on seen money, B2 is written off by an agent, C3 is not cured."""
    return tuple(
        PortfolioLoan(
            line=line,
            loan_id=loan_id,
            person_id=f"person-{loan_id}",
            name=name,
            phone=f"+3460000000{line}",
            email=f"{loan_id.lower()}@example.com",
            language="es",
            country="ES",
            region="MD",
            timezone="Europe/Madrid",
            currency="EUR",
            amount_due_minor=10_000 * line,
            due_date=date(2026, 11, 14),
            bank_consent=f"con-{loan_id}",
            bank_account=f"acc-{loan_id}",
        )
        for line, (loan_id, name) in enumerate(NAMES.items(), 1)
    )


def rehearsed(folder: Path, *, processes: Processes | None = None) -> Rehearsal:
    """Its stack does not run; `processes` lets a test start parts of it."""
    plan = Plan(
        loans=portfolio(),
        strategy=find_strategy("es-microloan"),
        seed=7,
        begins=BEGINS,
        days=138,
        preset="micro",
        folder=folder,
        source="prestamos.csv",
    )
    addresses = Addresses("127.0.0.1:1", "http://127.0.0.1:8233", web="http://127.0.0.1:9")
    (folder / "logs").mkdir(exist_ok=True)
    stack = Stack(
        processes or Processes(folder / "logs"),
        folder,
        skipping=True,
        namespace="rehearsal",
        seed=7,
        addresses=addresses,
    )
    database = Database(f"sqlite:///{folder / 'recobro.db'}")
    with database.writing() as session:
        campaign = campaigns.create(
            session,
            campaign_id="c",
            name="c",
            lender=LENDER,
            strategy_key=plan.strategy.key,
            source_file=plan.source,
            at=BEGINS,
        )
        entered = enter_portfolio(session, campaign, plan.loans, strategy=plan.strategy, at=BEGINS)
    stack.world_log.write_text("")
    return Rehearsal(
        plan=plan,
        stack=stack,
        database=database,
        campaign_id="c",
        entered=entered,
        decided={},
        world_log=stack.world_log,
        seconds=12.34,
    )


def live_through(rehearsal: Rehearsal) -> None:
    """What happened to the three loans, in the records and in the world's log."""
    at_ten = BEGINS + 4 * HOUR
    world: list[dict[str, object]] = []

    def tell(kind: str, at: datetime, loan_id: str, **data: object) -> None:
        world.append(
            {"seq": len(world) + 1, "kind": kind, "wall": "", "at": at.isoformat(), "loan_id": loan_id, **data}
        )

    with rehearsal.database.writing() as session:
        for loan_id in NAMES:
            loan, person = contacts.lock_person(session, LENDER, loan_id)
            link = links.keep(
                session,
                loan,
                purpose="balance",
                amount_minor=loan.amount_due_minor,
                generation=1,
                provider="stripe",
                provider_link_id=f"plink_{loan_id}",
                url=f"http://127.0.0.1/pay/plink_{loan_id}",
                at=at_ten,
            )
            tell("link_created", at_ten, loan_id, link_id=link.provider_link_id, amount_minor=loan.amount_due_minor)
            consent = consents.active(session, loan, BEGINS.date())
            assert consent is not None
            for when in (BEGINS, at_ten):
                consents.record_read(session, consent, loan, at=when, outcome="read", amount_minor=99_999)
                tell(
                    "balance_read",
                    when,
                    loan_id,
                    consent_id=f"con-{loan_id}",
                    attended=False,
                    amount_minor=99_999,
                    currency="EUR",
                )
            contact_decisions.record(
                session,
                loan,
                person,
                step="funds",
                occurrence=1,
                channel=Channel.SMS,
                at=BEGINS,
                decision=Decision(
                    verdict=Verdict.NOT_BEFORE,
                    not_before=at_ten,
                    reasons=(Reason(rule="ES.hours.weekday", source="policy <b>", text="Weekdays (2026-11-24)"),),
                ),
                rules_version="1",
            )
            reserved = contacts.reserve(
                session,
                loan,
                person,
                step="funds",
                occurrence=1,
                purpose=Purpose.COLLECTION,
                channel=Channel.SMS,
                template="funds_seen",
                at=at_ten,
                address=person.phone,
                link_ref=link.id,
            ).contact
            contacts.advance(
                session, reserved, ContactState.SENT, at=at_ten, provider="twilio", provider_message_id=f"SM{loan_id}"
            )
            contacts.charge(session, reserved, Cost(micros=60_000, currency="USD"))
            if loan_id == "A1":
                contacts.advance(session, reserved, ContactState.DELIVERED, at=at_ten)
        cured, written_off, not_cured = (loans.get(session, LENDER, loan_id) for loan_id in NAMES)
        paid_at = at_ten + 30 * HOUR
        # A1 pays what is due through the link, and then a little more by a way of their own.
        ways: list[tuple[int, dict[str, object]]] = [
            (10_000, {"via": "link", "link_id": "plink_A1"}),
            (500, {"via": "portal", "link_id": None}),
        ]
        for number, (amount, way) in enumerate(ways):
            payments.record(
                session,
                provider="stripe",
                payment_id=f"pi_A1_{number}",
                lender=LENDER,
                loan_id="A1",
                amount_minor=amount,
                currency="EUR",
                paid_at=paid_at,
                received_at=paid_at,
                source=PaymentSource.WEBHOOK,
            )
            tell("payment", paid_at, "A1", payment_id=f"pi_A1_{number}", amount_minor=amount, currency="EUR", **way)
        taken_back = paid_at + DAY
        payments.record(
            session,
            provider="stripe",
            payment_id="pi_C3",
            lender=LENDER,
            loan_id="C3",
            amount_minor=5_000,
            currency="EUR",
            paid_at=paid_at,
            received_at=paid_at,
            source=PaymentSource.WEBHOOK,
        )
        payments.reverse(session, provider="stripe", payment_id="pi_C3", at=taken_back)
        found = links.by_provider_id(session, "stripe", "plink_A1")
        assert found is not None
        links.set_state(session, found, LinkState.PAID, at=paid_at)
        for number, (loan, state) in enumerate(((written_off, "write_off"), (not_cured, "continue"))):
            case_id = f"case-{number}"
            cases.open(session, loan, case_id=case_id, queue="agents", kind="handoff", at=at_ten, sla_at=at_ten + DAY)
            cases.decide(session, case_id, decision=state, by="agent-1", at=at_ten + HOUR)
        cases.open(session, cured, case_id="refund", queue="agents", kind="refund", at=paid_at, sla_at=paid_at + DAY)
        cases.close(session, "refund", CaseState.CLOSED, at=paid_at + HOUR)
        loans.end(session, cured, kind="cured", at=paid_at, final_state=None)
        loans.end(session, written_off, kind="written_off", at=at_ten + HOUR, final_state=None)
        loans.end(session, not_cured, kind="not_cured", at=BEGINS + 93 * DAY, final_state=None)
    rehearsal.world_log.write_text("".join(json.dumps(line) + "\n" for line in world))

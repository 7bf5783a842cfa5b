"""`loan close --lost`: a loan whose workflow Temporal has lost ends in the records, as its workflow would have."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session
from typer.testing import CliRunner

from commands import lost_loans
from domain.agreements.model import Agreement, AgreementKind, AgreementState, Evidence, Instalment, Via
from domain.ledger_entries import CaseKind
from records import agreements, cases, links, loans, payments
from records.database import Database
from records.facts import final_state
from records.tables import CaseState, Loan, LoanState
from starter import app
from tests.activities.outside import nowhere
from tests.commands.test_case import Temporal, decided
from tests.commands.test_doctor_restarts import agreed, open_case, paid
from tests.records.portfolios import LENDER, NOW, enter, entered, handed


@pytest.fixture
def lite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_template: Path) -> Database:
    file = tmp_path / "recobro.db"
    file.write_bytes(sqlite_template.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECOBRO_DATABASE_URL", f"sqlite:///{file}")
    knows(monkeypatch, knows=False)
    return Database(f"sqlite:///{file}")


def knows(monkeypatch: pytest.MonkeyPatch, *, knows: bool, exists: bool = True) -> None:
    async def connect() -> Temporal:
        return Temporal(knows=knows, exists=exists)

    monkeypatch.setattr("commands.temporal_session.connect", connect)


def close(*more: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["loan", "close", "L1", "--reason", "recalled", *more])
    return result.exit_code, result.stdout + result.stderr


def state_of(session: Session, case_id: str) -> CaseState:
    return cases.get(session, case_id).state


def test_a_lost_loan_ends_with_all_that_hung_on_it_and_can_be_handed_over_again(lite: Database) -> None:
    with lite.writing() as session:
        (loan,) = entered(session, "L1")
        agreed(session, loan, 1, AgreementState.OPEN)
        about_money, handoff = open_case(session, loan, 1, CaseKind.REFUND), open_case(session, loan, 2)
        paid(session, "L1", "p1", 4_000)

    without = close()
    ended = close("--lost", "--yes")

    assert without[0] == 2
    assert "starter.py doctor" in without[1]
    assert ended == (0, f"loan L1 of {LENDER}: ended in the records as recalled\n")
    with lite.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        assert (loan.state, loan.end_kind) == (LoanState.ENDED, "recalled")
        assert (state_of(session, handoff), state_of(session, about_money)) == (CaseState.CLOSED, CaseState.OPEN)
        assert [each.state for each in agreements.of_loan(session, loan)] == [AgreementState.VOID]
        stood = final_state(session, LENDER, "L1", NOW)
        assert [each.payment_id for each in stood.payments] == ["p1"]
        assert (stood.case_count, stood.next_agreement_number) == (2, 2)
    with lite.writing() as session:
        assert enter(session, [handed("L1")], campaign_id="c2").refused == ()


def test_a_link_that_its_gateway_did_not_close_is_one_that_doctor_names(
    lite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECOBRO_STRIPE__API_KEY", "k")
    monkeypatch.setenv("RECOBRO_STRIPE__WEBHOOK_SECRET", "w")
    monkeypatch.setenv("RECOBRO_STRIPE__BASE_URL", nowhere())
    before = datetime.now(UTC)
    with lite.writing() as session:
        (loan,) = entered(session, "L1")
        links.keep(
            session, loan, purpose="balance", amount_minor=10_000, generation=1, provider="stripe",
            provider_link_id="plink_1", url="https://pay.example/1", at=NOW,
        )  # fmt: skip

    code, told = close("--lost", "--yes")

    assert code == 0
    assert "ended in the records as recalled; its payment link is still open (stripe" in told
    with lite.reading() as session:
        assert links.not_closed_since(session, before, datetime.now(UTC)) == ["L1"]


def test_a_lost_loan_that_was_paid_ends_as_cured(lite: Database) -> None:
    with lite.writing() as session:
        entered(session, "L1")
        paid(session, "L1", "p1", 10_000)

    assert close("--lost", "--yes") == (0, f"loan L1 of {LENDER}: ended in the records as cured\n")


def test_a_loan_whose_workflow_temporal_knows_is_not_ended_as_lost(
    lite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lite.writing() as session:
        entered(session, "L1")
    knows(monkeypatch, knows=True)

    code, told = close("--lost", "--yes")

    assert code == 2
    assert "leave --lost out" in told
    with lite.reading() as session:
        assert loans.get(session, LENDER, "L1").state is LoanState.IN_COLLECTION


def test_who_names_a_namespace_that_does_not_exist_ends_nothing(
    lite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a loan that runs, when the operator's shell names another namespace, then nobody takes it for lost."""
    with lite.writing() as session:
        case_id = open_case(session, entered(session, "L1")[0], 1)
    knows(monkeypatch, knows=False, exists=False)

    answers = [close("--lost", "--yes"), decided(case_id, "--lost", "--yes")]

    for code, told in answers:
        assert code == 2
        assert "temporal:7233 (namespace collections) has no such namespace" in told
    with lite.reading() as session:
        assert loans.get(session, LENDER, "L1").state is LoanState.IN_COLLECTION
        assert state_of(session, case_id) is CaseState.OPEN


def test_it_is_asked_first_whether_this_is_the_temporal_of_the_workers(lite: Database) -> None:
    with lite.writing() as session:
        entered(session, "L1")

    code, told = close("--lost")

    assert code == 2
    assert "Temporal at temporal:7233 (namespace collections) knows no workflow of loan 'L1'" in told
    assert "--yes" in told
    with lite.reading() as session:
        assert loans.get(session, LENDER, "L1").state is LoanState.IN_COLLECTION


def agree(session: Session, loan: Loan, kind: AgreementKind, *amounts: int) -> None:
    settles = kind is AgreementKind.SETTLEMENT
    made = Agreement(
        number=1,
        kind=kind,
        state=AgreementState.OPEN if kind is AgreementKind.PROMISE else AgreementState.ACTIVE,
        made_at=NOW,
        by="agent-7",
        via=Via.AGENT,
        instalments=tuple(
            Instalment(number=number, due=NOW.date() + timedelta(days=7 * number), amount_minor=amount)
            for number, amount in enumerate(amounts, 1)
        ),
        balance_minor=10_000,
        remission_minor=10_000 - sum(amounts) if settles else 0,
        evidence=Evidence(at=NOW, text_sha256="a" * 64),
    )
    agreements.keep(session, loan, made, [0] * len(amounts), of_entry=loan.entry, at=NOW)


@pytest.mark.parametrize(
    ("kind", "amounts", "end", "state", "rest"),
    [
        (AgreementKind.SETTLEMENT, (2_000, 4_000), "settled", AgreementState.COMPLETED, 0),
        (AgreementKind.PLAN, (2_000, 4_000, 4_000), "cured", AgreementState.COMPLETED, 0),
        (AgreementKind.PROMISE, (6_000,), "recalled", AgreementState.KEPT, 4_000),
    ],
)
def test_what_was_agreed_on_and_paid_to_the_end_meanwhile_is_kept(
    lite: Database, kind: AgreementKind, amounts: tuple[int, ...], end: str, state: AgreementState, rest: int
) -> None:
    """Given something agreed on, when all of it is paid while Temporal is lost, then it is not void."""
    with lite.writing() as session:
        (loan,) = entered(session, "L1")
        agree(session, loan, kind, *amounts)
        for number, amount in enumerate(amounts):
            paid(session, "L1", f"p{number}", amount)

    ended = close("--lost", "--yes")

    assert ended == (0, f"loan L1 of {LENDER}: ended in the records as {end}\n")
    with lite.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        [kept] = agreements.of_loan(session, loan)
        assert (kept.state, kept.evidence_sha256, payments.balance_due(session, loan)) == (state, "a" * 64, rest)
        stood = final_state(session, LENDER, "L1", NOW)
        assert (stood.balance_minor, stood.next_agreement_number) == (rest, 2)
        assert [each.state for each in stood.agreements] == [state]


def test_a_settlement_of_which_something_is_left_to_pay_is_void(lite: Database) -> None:
    with lite.writing() as session:
        (loan,) = entered(session, "L1")
        agree(session, loan, AgreementKind.SETTLEMENT, 2_000, 4_000)
        paid(session, "L1", "p1", 5_000)

    assert close("--lost", "--yes") == (0, f"loan L1 of {LENDER}: ended in the records as recalled\n")

    with lite.reading() as session:
        loan = loans.get(session, LENDER, "L1")
        assert [each.state for each in agreements.of_loan(session, loan)] == [AgreementState.VOID]
        assert payments.balance_due(session, loan) == 5_000


def test_a_loan_that_doctor_starts_while_it_is_to_be_ended_is_not_ended(
    lite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a lost loan, when it is started between the look at Temporal and the end, then it goes on."""
    with lite.writing() as session:
        entered(session, "L1")
    answers = iter((True, False))

    async def is_lost(_client: object, _loan: Loan) -> bool:
        return next(answers)

    monkeypatch.setattr(lost_loans, "is_lost", is_lost)

    code, told = close("--lost", "--yes")

    assert code == 2
    assert "leave --lost out" in told
    with lite.reading() as session:
        assert loans.get(session, LENDER, "L1").state is LoanState.IN_COLLECTION

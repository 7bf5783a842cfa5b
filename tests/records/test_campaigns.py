from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from domain.ledger_entries import CaseState
from records import audit, campaigns, cases, loans, people, strategies
from records.database import Database
from records.tables import CampaignLoan, CampaignState, LoanState
from tests.records.portfolios import LENDER, NOW, STRATEGY, enter, entered, handed

HOUR = timedelta(hours=1)


def test_loans_start_by_priority_then_by_line(database: Database) -> None:
    with database.writing() as session:
        enter(
            session,
            [handed("L1"), handed("L2", priority=5), handed("L3", priority=5), handed("L4", priority=9)],
        )

        places = campaigns.claim_page(session, "c1", limit=3)
        rest = campaigns.claim_page(session, "c1", after=places[-1].position, limit=3)

    assert [place.loan_id for place in [*places, *rest]] == ["L4", "L2", "L3", "L1"]
    assert places[0].lender == LENDER


def test_a_campaign_goes_on_where_it_stopped_with_no_loan_twice_and_none_missing(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed(f"L{number}") for number in range(10)])
    started: list[str] = []
    while True:
        # Each round is a process of its own that dies after half a page.
        with database.writing() as session:
            page = campaigns.claim_page(session, "c1", limit=4)
            if not page:
                break
            done = page[: max(1, len(page) // 2)]
            campaigns.mark_started(session, "c1", [place.position for place in done], at=NOW)
            started += [place.loan_id for place in done]

    assert started == [f"L{number}" for number in range(10)]
    with database.reading() as session:
        progress = campaigns.progress(session, "c1")
        assert (progress.total, progress.started, progress.waiting) == (10, 10, 0)
        assert loans.get(session, LENDER, "L3").state is LoanState.IN_COLLECTION


def test_entering_the_same_portfolio_again_changes_nothing(database: Database) -> None:
    rows = [handed(f"L{number}") for number in range(5)]
    with database.writing() as session:
        first = enter(session, rows)
        campaigns.mark_started(session, "c1", [1], at=NOW)
    with database.writing() as session:
        again = enter(session, rows)

    assert (first.held, again.held, again.refused) == (5, 0, ())
    with database.reading() as session:
        assert campaigns.get(session, "c1").total == 5
        assert campaigns.progress(session, "c1").waiting == 4


def test_a_second_campaign_is_told_which_loans_it_cannot_have(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed("L1"), handed("L2")])
    with database.writing() as session:
        second = enter(session, [handed("L2"), handed("L3"), handed("L3", line=9)], campaign_id="c2")

    assert second.held == 1
    assert {(loan.loan_id, loan.line, loan.reason) for loan in second.refused} == {
        ("L2", 4, "held by campaign c1"),
        ("L3", 9, "stands twice in the portfolio"),
    }
    with database.reading() as session:
        assert loans.get(session, LENDER, "L2").campaign_id == "c1"


def test_the_database_refuses_one_loan_in_two_live_campaigns(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed("L1")])
        enter(session, [handed("L2")], campaign_id="c2")
        loan = loans.get(session, LENDER, "L1")

    assert loan.id is not None
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(CampaignLoan(campaign_id="c2", loan_ref=loan.id, position=99))


def test_a_stopped_campaign_lets_go_of_what_it_has_not_started(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed("L1"), handed("L2")])
        campaigns.mark_started(session, "c1", [1], at=NOW)
        campaigns.set_state(session, campaigns.get(session, "c1"), CampaignState.STOPPED, at=NOW)
    with database.writing() as session:
        second = enter(session, [handed("L1"), handed("L2")], campaign_id="c2")

    assert second.held == 1
    assert [(loan.loan_id, loan.reason) for loan in second.refused] == [("L1", "held by campaign c1")]
    with database.reading() as session:
        came = campaigns.progress_of(session, ["c1", "c2", "c3"])
    assert [(of.total, of.started, of.stopped, of.refused, of.waiting) for of in came.values()] == [
        (2, 1, 1, 0, 0),
        (1, 0, 0, 0, 1),
        (0, 0, 0, 0, 0),
    ]


def test_the_records_know_until_when_a_campaign_is_paused(database: Database) -> None:
    """Given a pause that is given again with a later end, one order of it told twice, then its last end counts."""
    first, later = NOW + timedelta(days=9), NOW + timedelta(days=30)
    with database.writing() as session:
        entered(session, "L1")
        assert campaigns.paused_until(session, campaigns.get(session, "c1")) is None
    for number, until in ((1, first), (2, later), (2, later)):
        with database.writing() as session:
            campaign = campaigns.get(session, "c1")
            campaigns.set_state(session, campaign, CampaignState.PAUSED, at=NOW, order=number, until=until)

    with database.writing() as session:
        campaign = campaigns.get(session, "c1")
        assert campaigns.paused_until(session, campaign) == later
        assert len(audit.of_action(session, "campaign_paused")) == 2
        campaigns.set_state(session, campaign, CampaignState.RUNNING, at=NOW)
        assert campaigns.paused_until(session, campaign) is None


def test_an_ended_loan_may_come_back_with_a_new_amount_and_nothing_of_its_past(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        campaigns.mark_started(session, "c1", [1], at=NOW)
        assert loans.once(session, loan, "7", NOW)
        assert not loans.once(session, loan, "7", NOW)
        loans.report(session, loan, at=NOW, stage="late", dpd=40, next_action="remind", next_action_at=NOW + HOUR)
        loans.end(session, loan, kind="cured", at=NOW, final_state={"balance": 0})
        assert campaigns.progress(session, "c1").ends == {"cured": 1}
    with database.writing() as session:
        again = enter(session, [handed("L1", amount_due_minor=123)], campaign_id="c2", at=NOW + HOUR)

    assert (again.held, again.refused) == (1, ())
    with database.writing() as session:
        back = loans.get(session, LENDER, "L1")
        assert (back.entry, back.state, back.amount_due_minor) == (2, LoanState.WAITING, 123)
        assert (back.end_kind, back.final_state, back.stage, back.next_action_at) == (None, None, None, None)
        assert loans.once(session, back, "7", NOW)


def test_an_older_report_does_not_replace_a_newer_one(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        nothing: dict[str, None] = {"next_action": None, "next_action_at": None}
        assert loans.report(session, loan, at=NOW + HOUR, stage="late", dpd=31, **nothing)
        assert not loans.report(session, loan, at=NOW, stage="early", dpd=30, **nothing)
        assert (loan.stage, loan.dpd) == ("late", 31)


def test_a_new_file_brings_new_contact_data_and_erases_none(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed("L1", person_id="p")])
        enter(
            session,
            [handed("L2", person_id="p", phone="+34699999999", email=None, timezone=None)],
            campaign_id="c2",
        )
        person = people.of_loan(session, loans.get(session, LENDER, "L1"))

    assert (person.phone, person.email, person.timezone) == (
        "+34699999999",
        "l1@example.com",
        "Europe/Madrid",
    )
    with database.reading() as session:
        assert [loan.loan_id for loan in people.loans_of(session, person)] == ["L1", "L2"]
        assert [found.id for found in people.by_phone(session, "+34699999999")] == [person.id]


def test_lenders_may_use_the_same_ids(database: Database) -> None:
    with database.writing() as session:
        enter(session, [handed("L1")])
        other = enter(session, [handed("L1", amount_due_minor=5)], campaign_id="other", lender="beta")

        assert other.held == 1
        assert loans.get(session, LENDER, "L1").amount_due_minor == 10_000
        assert loans.get(session, "beta", "L1").amount_due_minor == 5


def test_a_campaign_id_names_one_campaign(database: Database) -> None:
    values = {
        "campaign_id": "c1",
        "lender": LENDER,
        "strategy_key": "plain@1",
        "source_file": "a.csv",
        "at": NOW,
    }
    with database.writing() as session:
        campaigns.create(session, name="March", **values)  # type: ignore[arg-type]
        campaigns.create(session, name="March", **values)  # type: ignore[arg-type]
        with pytest.raises(campaigns.CampaignExists):
            campaigns.create(session, name="April", **values)  # type: ignore[arg-type]
        with pytest.raises(campaigns.UnknownCampaign):
            campaigns.progress(session, "c9")


def test_a_loan_keeps_its_strategy_though_the_file_changes(database: Database) -> None:
    changed = STRATEGY.model_copy(update={"title": "Changed without a new version"})
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        strategies.keep(session, changed, NOW)
        assert strategies.of_loan(session, loan) == STRATEGY

        strategies.pin(session, loan, changed, NOW)
        assert strategies.of_loan(session, loan) == changed


@pytest.mark.timeout(60)
def test_three_thousand_loans_enter_together(database: Database) -> None:
    """Given a whole portfolio, when it is entered, then the database is asked for many loans at a time."""
    rows = [handed(f"L{number}", bank_consent=f"c{number}", bank_account=f"a{number}") for number in range(3_000)]
    asked: list[str] = []
    with database.writing() as session:
        event.listen(session.connection(), "before_cursor_execute", lambda *given: asked.append(given[2]))
        result = enter(session, rows)

    assert (result.held, result.refused) == (3_000, ())
    assert len(asked) < len(rows) / 10


def test_a_case_goes_from_queue_to_queue_to_a_decision(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        opened = cases.open(session, loan, case_id="k1", queue="agents", kind="handoff", at=NOW, sla_at=NOW + HOUR)
        again = cases.open(session, loan, case_id="k1", queue="x", kind="y", at=NOW, sla_at=None)
        assert again is opened
        for _ in range(2):
            cases.reassign(session, "k1", queue="seniors", at=NOW + HOUR, sla_at=NOW + 3 * HOUR)
    with database.writing() as session:
        assert [(case.case_id, held.loan_id) for case, held in cases.listing(session, queue="seniors")] == [
            ("k1", "L1")
        ]
        assert cases.listing(session, queue="agents") == []
        for _ in range(2):
            cases.decide(session, "k1", decision="continue", by="eva", at=NOW + 2 * HOUR, note="called")
    with database.reading() as session:
        decided = cases.get(session, "k1")
        assert cases.listing(session) == []
        assert len(cases.listing(session, state=None, lender=LENDER)) == 1

    assert (decided.state, decided.decision, decided.decided_by) == (CaseState.DECIDED, "continue", "eva")
    assert [step["queue"] for step in decided.assignments] == ["agents", "seniors"]


@pytest.mark.parametrize("accepted", ["ana", "eva"])
@pytest.mark.parametrize("in_the_records_first", [False, True])
def test_of_two_who_decide_a_case_at_once_the_note_of_whom_the_loan_believed_is_kept(
    database: Database, accepted: str, in_the_records_first: bool
) -> None:
    refused = "eva" if accepted == "ana" else "ana"
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        cases.open(session, loan, case_id="k1", queue="agents", kind="handoff", at=NOW, sla_at=None)
        before = {one: cases.keep_note(session, "k1", f"by {one}", by=one) for one in ("ana", "eva")}[refused]
        if in_the_records_first:
            cases.decide(session, "k1", decision="continue", by=accepted, at=NOW)
        cases.keep_note(session, "k1", f"by {accepted}", by=accepted, accepted=True)
        if before is not None:
            cases.put_back_note(session, "k1", f"by {refused}", by=refused, before=before)
        cases.decide(session, "k1", decision="continue", by=accepted, at=NOW)

    with database.reading() as session:
        case = cases.get(session, "k1")
    assert (case.decided_by, case.note) == (accepted, f"by {accepted}")


def test_a_note_whose_decision_came_to_nothing_goes_with_its_case(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        cases.open(session, loan, case_id="k1", queue="agents", kind="handoff", at=NOW, sla_at=None)
        cases.keep_note(session, "k1", "by ana", by="ana")
        cases.close(session, "k1", CaseState.RETRACTED, at=NOW)

    with database.reading() as session:
        case = cases.get(session, "k1")
    assert (case.decided_by, case.note) == (None, None)


def test_a_decided_case_cannot_be_decided_otherwise_moved_or_closed(database: Database) -> None:
    with database.writing() as session:
        (loan,) = entered(session, "L1")
        cases.open(session, loan, case_id="k1", queue="agents", kind="handoff", at=NOW, sla_at=None)
        cases.decide(session, "k1", decision="continue", by="eva", at=NOW)
        with pytest.raises(cases.CaseClosed):
            cases.decide(session, "k1", decision="recall", by="eva", at=NOW)
        with pytest.raises(cases.CaseClosed):
            cases.reassign(session, "k1", queue="seniors", at=NOW, sla_at=None)
        with pytest.raises(cases.UnknownCase):
            cases.decide(session, "k2", decision="recall", by="eva", at=NOW)
        assert cases.close(session, "k1", CaseState.RETRACTED, at=NOW).state is CaseState.DECIDED
        assert len(cases.of_loan(session, loan)) == 1

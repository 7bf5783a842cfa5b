"""The report as its reader gets it: one file, whole without a network, with nobody's name in it."""

import re
from pathlib import Path

import pytest
from sqlmodel import select

from commands import results
from commands.plain_rules import Residence
from commands.rehearsal import Rehearsal
from commands.report import three_worth_opening, write_report
from commands.report_figures import gather
from commands.results import Results, collect
from commands.verdict import Borrower, Check, Violation
from records.tables import Contact, Loan
from tests.commands.rehearsed import BEGINS, HOUR, NAMES, live_through, portfolio, rehearsed


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    made = rehearsed(tmp_path)
    live_through(made)
    return made


@pytest.fixture
def told(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Results:
    residence = Residence("ES", "MD", "Europe/Madrid")
    people = {loan.person_id: Borrower(person_id=loan.person_id, residence=residence) for loan in portfolio()}
    quiet = Check(name="histories", question="?", looked_at=0, unit="events")
    monkeypatch.setattr(results, "_borrowers", lambda _: people)
    monkeypatch.setattr(results, "_traces", lambda *_: (quiet, quiet))
    return collect(rehearsal).model_copy(update={"violations": ()})


@pytest.fixture
def page(told: Results, rehearsal: Rehearsal, tmp_path: Path) -> str:
    file = tmp_path / "reports" / "report.html"
    write_report(told, rehearsal, file)
    return file.read_text(encoding="utf-8")


def test_the_page_needs_nothing_from_outside_and_names_nobody(page: str) -> None:
    assert re.findall(r'(?:src|href)="(?!#)([^"]*)"|url\((?!#)', page) == [
        f"http://127.0.0.1:8233/namespaces/rehearsal/workflows/loan-demo-{loan_id}" for loan_id in NAMES
    ]
    assert "<script" not in page
    private = [*NAMES.values(), *(str(loan.phone) for loan in portfolio()), "@example.com"]
    assert [text for text in private if text in page] == []


def test_the_page_says_what_is_simulated_and_gives_figures_with_their_denominators(page: str) -> None:
    assert "The borrowers are simulated." in page
    assert "Every check held." in page
    for figure in (
        "1 of 3",
        "16.7%",
        "€100.00 of €600.00 due",
        "1 taken back",
        "1 of 3</b><span>links sent on seen money",
    ):
        assert figure in page


def test_each_channel_shows_reach_cost_and_share_of_money_with_their_denominators(
    page: str, rehearsal: Rehearsal
) -> None:
    figures = gather(rehearsal).costs
    sms, whole = (next(row for row in figures.channels if row.channel == name) for name in ("sms", "all"))

    # Three texts at 0.06 USD; one is known to have arrived; A1 paid 100 of the 100 due after it, and 5 more.
    assert (sms.contacts, sms.arrived, sms.reached, sms.people, sms.people_in_all) == (3, 1, 1, 3, 3)
    assert sms.cost_micros == round(3 * 60_000 / 1.15)
    assert (sms.recovered_minor, sms.recovered_in_all_minor, sms.payments) == (10_000, 10_000, 2)
    assert sms.cost_of_one_recovered == "0.0016"
    # All: six reads at 0.01 USD and what the gateway keeps of 100 and of 5 euros.
    [other] = figures.others
    assert (other.reads, other.reads_micros, other.fees_micros) == (6, round(60_000 / 1.15), 1_750_000 + 325_000)
    assert whole.cost_micros == (sms.cost_micros or 0) + (other.reads_micros or 0) + other.fees_micros
    assert "1 of 3</td>" in page
    assert "100.0 % of €100.00" in page
    assert "€0.1565" in page


def test_every_plot_is_drawn_for_paper_and_for_a_phone_with_ids_of_its_own(page: str) -> None:
    assert page.count("<svg") == 10
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)
    assert "currentColor" in page


def test_what_others_wrote_is_text_and_never_markup(page: str) -> None:
    assert "policy &lt;b&gt;" in page
    assert "policy <b>" not in page


def test_violations_stand_at_the_top_and_in_full(told: Results, rehearsal: Rehearsal, tmp_path: Path) -> None:
    broken = Violation(check="stop", loan_id="C3", at=BEGINS, seq=41, text="SMS after the STOP we heard on line 40")
    file = tmp_path / "report.html"

    write_report(told.model_copy(update={"violations": (broken,)}), rehearsal, file)

    page = file.read_text(encoding="utf-8")
    assert "1 violation." in page
    assert "Every check held." not in page
    assert "loan C3, 2026-11-24 05:00:00Z, line 41" in page


def test_money_seen_link_sent_and_payment_are_timed_from_the_worlds_log(rehearsal: Rehearsal) -> None:
    offers = {offer.loan_id: offer for offer in gather(rehearsal).offers}

    assert offers["A1"].seen_at == BEGINS
    assert offers["A1"].sent_at == BEGINS + 4 * HOUR
    assert offers["A1"].paid_at == BEGINS + 34 * HOUR
    assert offers["B2"].paid_at is None


def test_three_worth_opening_are_one_of_each_kind(rehearsal: Rehearsal) -> None:
    found = three_worth_opening(rehearsal)

    assert [loan_id for _, loan_id, _ in found] == ["A1", "B2", "C3"]
    assert found[0][2] == "http://127.0.0.1:8233/namespaces/rehearsal/workflows/loan-demo-A1"


def test_a_kind_that_did_not_occur_is_said_in_words(rehearsal: Rehearsal) -> None:
    with rehearsal.database.writing() as session:
        for loan in session.exec(select(Loan).where(Loan.loan_id != "A1")).all():
            loan.end_kind = "cured"
            session.add(loan)
        # The link reached A1 by a planned step, so the watch has no merit in the payment.
        for contact in session.exec(select(Contact)).all():
            contact.step = "first-link"
            session.add(contact)

    assert [(loan_id, url) for _, loan_id, url in three_worth_opening(rehearsal)] == [
        ("none in this rehearsal", "")
    ] * 3


def test_money_over_time_ends_at_the_headlines_figure_and_forgets_what_was_taken_back(
    told: Results, rehearsal: Rehearsal
) -> None:
    received = {row.day: row.received_minor for row in gather(rehearsal).money}

    # C3 paid 50.00 on the second day and took it back a day later; A1 paid 5.00 too much.
    assert [received[day] for day in (1, 2, 3)] == [0, 15_000, 10_000]
    assert received[max(received)] == told.recovered_minor["EUR"]

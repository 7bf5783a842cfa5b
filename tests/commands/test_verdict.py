"""Every check of a rehearsal must be able to fail: good stories pass, doctored ones are named."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import WorkflowTaskFailedCause
from temporalio.api.history.v1 import HistoryEvent

from commands.plain_rules import Residence
from commands.verdict import Borrower
from commands.verdict_traces import personal_data, workflow_tasks
from commands.world_log import WorldLog
from tests.commands.doctored_world import EMAIL, MADRID, PHONE, TUESDAY_TEN, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LINK = "Pay at http://127.0.0.1/pay/plink_1"


def test_a_good_story_has_nothing_against_it_and_says_what_was_looked_at() -> None:
    world = World()
    world.end = "cured"
    world.link(TUESDAY_TEN, "plink_1")
    world.sms(TUESDAY_TEN, LINK)
    world.email(TUESDAY_TEN + 2 * DAY)
    world.add("balance_read", TUESDAY_TEN, consent_id="c", attended=False, amount_minor=1, currency="EUR")
    world.pays(TUESDAY_TEN + 3 * DAY)
    world.email(TUESDAY_TEN + 3 * DAY + HOUR, "Thank you")

    verdict = world.judged()

    assert verdict.violations == ()
    looked_at = {check.name: check.looked_at for check in verdict.checks}
    assert looked_at["right-person"] == 3
    assert looked_at["silence"] == looked_at["links"] == looked_at["records"] == looked_at["balance-reads"] == 1


@pytest.mark.parametrize(
    ("residence", "at", "lawful"),
    [
        (MADRID, datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC), False),  # 08:59:59
        (MADRID, datetime(2026, 11, 24, 8, 0, tzinfo=UTC), True),
        (MADRID, datetime(2026, 11, 24, 19, 59, 59, tzinfo=UTC), True),  # 20:59:59
        (MADRID, datetime(2026, 11, 24, 20, 0, tzinfo=UTC), False),  # the end is no longer allowed
        (MADRID, datetime(2026, 11, 28, 10, 0, tzinfo=UTC), False),  # Saturday
        (MADRID, datetime(2026, 12, 8, 10, 0, tzinfo=UTC), False),  # Immaculate Conception
        (Residence("ES", "MD", None), TUESDAY_TEN, False),
        (Residence("ES", None, "Europe/Madrid"), datetime(2026, 9, 11, 10, 0, tzinfo=UTC), False),  # Catalonia's day
        (Residence("ES", "MD", "Europe/Madrid"), datetime(2026, 9, 11, 10, 0, tzinfo=UTC), True),
        (Residence("US", "CA", "America/Los_Angeles"), datetime(2026, 11, 24, 15, 0, tzinfo=UTC), False),  # 07:00
        (Residence("US", "CA", "America/Los_Angeles"), datetime(2026, 11, 24, 16, 0, tzinfo=UTC), True),
        (Residence("BR", "SP", "America/Sao_Paulo"), datetime(2026, 11, 28, 12, 0, tzinfo=UTC), True),  # Saturday
        (Residence("BR", "RJ", "America/Sao_Paulo"), datetime(2026, 11, 28, 12, 0, tzinfo=UTC), False),
        (Residence("XX", None, "Europe/Madrid"), TUESDAY_TEN, False),
    ],
)
def test_hours_are_those_of_the_persons_own_place(residence: Residence, at: datetime, lawful: bool) -> None:
    world = World(residence)
    world.sms(at, arrives=timedelta(0))

    assert world.found() == ([] if lawful else ["hours"])


def test_a_text_sent_in_time_and_delivered_at_night_is_named_with_its_line_and_moment() -> None:
    world = World()
    world.sms(TUESDAY_TEN, arrives=12 * HOUR)

    (violation,) = world.judged().violations

    assert (violation.check, violation.loan_id, violation.seq) == ("hours", "L1", 1)
    assert violation.at == TUESDAY_TEN + 12 * HOUR
    assert "ES.hours.weekday" in str(violation)
    assert "2026-11-24 21:00:00Z" in str(violation)


def test_two_messages_on_one_day_break_the_daily_cap_over_all_loans_and_channels() -> None:
    world = World()
    world.second_loan()
    world.sms(TUESDAY_TEN)
    world.email(TUESDAY_TEN + HOUR, loan_id="L2")

    assert world.found() == ["caps"]


@pytest.mark.parametrize(("days", "broken"), [((0, 1, 2), 0), ((0, 1, 2, 3), 1), ((2, 3, 6, 7), 1), ((0, 1, 2, 7), 0)])
def test_the_weekly_cap_holds_over_any_seven_days(days: tuple[int, ...], broken: int) -> None:
    world = World()
    for day in days:
        world.sms(TUESDAY_TEN + day * DAY, f"day {day}")

    assert world.found().count("caps") == broken


def test_written_contacts_in_chile_lie_two_days_apart() -> None:
    world = World(Residence("CL", "RM", "America/Santiago"))
    world.sms(datetime(2026, 11, 24, 15, tzinfo=UTC), "one")
    world.sms(datetime(2026, 11, 25, 15, tzinfo=UTC), "two")

    assert world.found() == ["caps"]


def test_after_full_payment_there_is_one_receipt_at_any_hour_and_no_more() -> None:
    world = World()
    world.end = "cured"
    world.sms(TUESDAY_TEN)
    world.pays(TUESDAY_TEN + HOUR)
    world.email(TUESDAY_TEN + 14 * HOUR, "Thank you")
    assert world.found() == []

    second = world.email(TUESDAY_TEN + 2 * DAY, "Still there?")

    assert [(v.check, v.seq) for v in world.judged().violations] == [("silence", second)]


def test_a_demand_is_no_receipt() -> None:
    world = World()
    world.end = "cured"
    world.pays(TUESDAY_TEN)
    world.email(TUESDAY_TEN + HOUR, LINK)

    assert world.found_by("silence") == 1


def test_a_message_on_its_way_before_we_were_told_of_the_payment_is_no_breach() -> None:
    world = World()
    world.end = "cured"
    world.pays(TUESDAY_TEN, heard=False)
    world.sms(TUESDAY_TEN + HOUR, LINK)
    world.hook(TUESDAY_TEN + 2 * HOUR, "evt_1", provider="stripe", type="checkout.session.completed")

    assert world.found_by("silence") == 0


def test_a_part_payment_silences_nobody_and_the_completing_one_does() -> None:
    world = World()
    world.end = "cured"
    world.pays(TUESDAY_TEN, 4_000, name="pi_1")
    world.sms(TUESDAY_TEN + HOUR, LINK)
    world.pays(TUESDAY_TEN + DAY, 6_000, name="pi_2")
    assert world.found_by("silence") == 0

    world.sms(TUESDAY_TEN + 2 * DAY, LINK)

    assert world.found_by("silence") == 1


def test_after_a_reversal_the_debt_may_be_asked_for_again_and_its_next_completion_has_its_own_receipt() -> None:
    world = World()
    world.end = "cured"
    world.pays(TUESDAY_TEN)
    world.email(TUESDAY_TEN + HOUR, "Thank you")
    world.takes_back(TUESDAY_TEN + DAY)
    world.sms(TUESDAY_TEN + 2 * DAY, LINK)
    world.pays(TUESDAY_TEN + 3 * DAY, name="pi_2")
    world.email(TUESDAY_TEN + 3 * DAY + HOUR, "Thank you")
    assert world.found_by("silence") == 0

    world.email(TUESDAY_TEN + 6 * DAY, "Hello?")

    assert world.found_by("silence") == 1


@pytest.mark.parametrize(
    ("word", "heard", "found"), [("STOP", True, ["stop"]), ("baja", True, ["stop"]), ("OK", True, [])]
)
def test_no_text_after_a_stop_not_even_for_another_loan(word: str, heard: bool, found: list[str]) -> None:
    world = World()
    world.second_loan()
    world.says(TUESDAY_TEN, word, heard=heard)
    world.email(TUESDAY_TEN + DAY)
    world.sms(TUESDAY_TEN + 2 * DAY, loan_id="L2")

    assert world.found() == found


def test_a_stop_that_never_reached_us_binds_nobody_but_is_named_as_a_lost_webhook() -> None:
    world = World()
    world.says(TUESDAY_TEN, "STOP", heard=False)
    world.hook(TUESDAY_TEN, "SMin0", provider="twilio", type="received", status=503)
    world.sms(TUESDAY_TEN + DAY)

    assert world.found() == ["webhooks"]


def test_one_step_brings_one_message() -> None:
    world = World()
    world.sms(TUESDAY_TEN, "Same", step="first")
    world.sms(TUESDAY_TEN + DAY, "Same", step="second")
    assert world.found() == []

    world.email(TUESDAY_TEN + 2 * DAY, step="first")

    assert world.found() == ["once"]


def test_a_step_may_be_sent_by_another_channel_when_the_first_did_not_arrive() -> None:
    world = World()
    world.sms(TUESDAY_TEN, "Same", step="first", error=30003)
    world.email(TUESDAY_TEN + DAY, "Other", step="first")
    assert world.found() == []

    world.sms(TUESDAY_TEN + 2 * DAY, "Same", step="first")

    assert set(world.found()) == {"once"}


def test_a_dead_number_and_a_strangers_number_are_left_alone() -> None:
    dead = World()
    dead.sms(TUESDAY_TEN, error=30005)
    dead.sms(TUESDAY_TEN + DAY, "again")
    asleep = World()
    asleep.sms(TUESDAY_TEN, error=30003)
    asleep.sms(TUESDAY_TEN + DAY, "again")
    stranger = World()
    stranger.says(TUESDAY_TEN, "Se equivoca de persona")
    stranger.sms(TUESDAY_TEN + DAY)

    assert (dead.found(), asleep.found(), stranger.found()) == (["dead-address"], [], ["dead-address"])


def test_a_mailbox_that_is_gone_is_tried_once() -> None:
    world = World()
    world.closed_mailboxes = 1
    world.add("refused", TUESDAY_TEN, None, service="smtp", reason="550 mailbox unavailable")
    assert world.found() == []

    world.add("refused", TUESDAY_TEN + DAY, None, service="smtp", reason="550 mailbox unavailable")

    assert world.found() == ["dead-address"]


def test_a_message_to_a_stranger_or_one_our_records_do_not_know_is_named() -> None:
    stranger, unknown, nobody = World(), World(), World()
    stranger.sms(TUESDAY_TEN, to="+34699999999")
    unknown.sms(TUESDAY_TEN)
    unknown.steps.clear()
    nobody.sms(TUESDAY_TEN, loan_id="L9")

    assert stranger.found() == unknown.found() == nobody.found() == ["right-person"]


@pytest.mark.parametrize(
    ("second", "text"),
    [(10_000, "a link over the same amount"), (9_000, "a link over 9000 minor units while 10000 are due")],
)
def test_links_are_one_for_an_amount_and_over_what_is_due(second: int, text: str) -> None:
    world = World()
    world.link(TUESDAY_TEN, "plink_1")
    world.add("link_updated", TUESDAY_TEN, link_id="plink_1", active=False)
    world.link(TUESDAY_TEN + DAY, "plink_2", second)

    assert [violation.text.startswith(text) for violation in world.judged().violations] == [True]


def test_a_link_over_the_old_amount_is_right_until_we_were_told_of_the_payment() -> None:
    on_its_way, told = World(), World()
    for world, heard in ((on_its_way, False), (told, True)):
        world.pays(TUESDAY_TEN, 4_000, heard=heard)
        world.link(TUESDAY_TEN + HOUR, "plink_1", 10_000)
    on_its_way.hook(TUESDAY_TEN + 2 * HOUR, "evt_1", provider="stripe", type="checkout.session.completed")

    assert (on_its_way.found(), told.found()) == ([], ["links"])


def test_a_message_never_carries_a_link_that_is_closed_or_another_loans() -> None:
    closed, others = World(), World()
    closed.link(TUESDAY_TEN, "plink_1")
    closed.sms(TUESDAY_TEN, LINK)
    closed.add("link_updated", TUESDAY_TEN + HOUR, link_id="plink_1", active=False)
    closed.sms(TUESDAY_TEN + DAY, LINK)
    others.second_loan()
    others.add("link_created", TUESDAY_TEN, "L2", link_id="plink_1", amount_minor=5_000)
    others.sms(TUESDAY_TEN, LINK)

    assert closed.found() == others.found() == ["links"]


@pytest.mark.parametrize(("later", "found"), [(timedelta(minutes=1), []), (DAY, ["links"])])
def test_a_link_left_open_after_a_part_payment_must_not_take_the_old_amount(later: timedelta, found: list[str]) -> None:
    world = World()
    world.end = "cured"
    world.link(TUESDAY_TEN, "plink_1")
    world.pays(TUESDAY_TEN + HOUR, 4_000)
    world.pays(TUESDAY_TEN + HOUR + later, 10_000, name="pi_2", link="plink_1")

    assert world.found() == found


def test_two_links_are_never_open_at_once_and_a_new_one_after_a_reversal_is_right() -> None:
    double, again = World(), World()
    double.link(TUESDAY_TEN, "plink_1")
    double.pays(TUESDAY_TEN, 4_000)
    double.link(TUESDAY_TEN + DAY, "plink_2", 6_000)
    again.link(TUESDAY_TEN, "plink_1")
    again.pays(TUESDAY_TEN)
    again.add("link_updated", TUESDAY_TEN, link_id="plink_1", active=False)
    again.takes_back(TUESDAY_TEN + DAY)
    again.link(TUESDAY_TEN + 2 * DAY, "plink_2")

    assert (double.found(), again.found()) == (["links"], [])


def test_the_records_hold_every_payment_once_with_its_amount_and_nothing_else() -> None:
    lost, twice, wrong, invented, unreversed = World(), World(), World(), World(), World()
    for world in (lost, twice, wrong, invented, unreversed):
        world.pays(TUESDAY_TEN, 4_000)
    (kept,) = lost.payments
    lost.payments = []
    twice.payments = [kept, kept]
    wrong.payments = [kept.model_copy(update={"amount_minor": 4_001})]
    invented.payments = [kept, kept.model_copy(update={"payment_id": "pi_9"})]
    unreversed.takes_back(TUESDAY_TEN + DAY, amount=4_000)
    unreversed.payments = [kept]

    for world in (lost, twice, wrong, invented):
        assert world.found({"EUR": 4_000}) == ["records"]
    assert unreversed.found({}) == ["records"]


def test_the_money_of_the_results_is_the_worlds() -> None:
    world = World()
    world.pays(TUESDAY_TEN, 4_000)

    assert world.found({"EUR": 4_000}) == []
    assert world.found({"EUR": 8_000}) == ["totals"]
    assert world.found({}) == ["totals"]


def test_a_fifth_unattended_read_of_the_banks_day_is_named_and_so_is_a_refused_one() -> None:
    world = World()
    late = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)  # 23:30 in Madrid: the day ends in half an hour
    for minutes in (0, 5, 10, 15, 40):
        at = late + timedelta(minutes=minutes)
        world.add("balance_read", at, consent_id="c", attended=False, amount_minor=1, currency="EUR")
    assert world.found() == []

    fifth = late + timedelta(minutes=20)
    world.add("balance_read", fifth, consent_id="c", attended=False, amount_minor=1, currency="EUR")
    world.add("balance_read", fifth, consent_id="c", attended=True, amount_minor=1, currency="EUR")
    world.add("refused", fifth, service="bank", reason="ACCESS_EXCEEDED: 4 reads on 2026-11-24")

    assert world.found() == ["balance-reads", "balance-reads"]


@pytest.mark.parametrize(
    ("paid", "end", "found"),
    [
        (10_000, "cured", []),
        (10_000, "recalled", []),
        (10_000, "not_cured", ["ends"]),
        (9_999, "cured", ["ends"]),
        (9_999, "not_cured", []),
        (9_999, None, ["ends"]),
    ],
)
def test_every_loan_ends_and_as_cured_exactly_when_it_was_paid(paid: int, end: str | None, found: list[str]) -> None:
    world = World()
    world.end = end
    world.pays(TUESDAY_TEN, paid)

    assert world.found() == found


@pytest.mark.parametrize(("paid", "end", "found"), [(10_000, "cured", []), (9_900, "cured", ["ends"])])
def test_a_loan_in_pesos_is_paid_when_only_centavos_are_left(paid: int, end: str, found: list[str]) -> None:
    world = World()
    world.debts["L1"] = world.debts["L1"].model_copy(update={"amount_minor": 10_037, "currency": "COP"})
    world.end = end
    world.pays(TUESDAY_TEN, paid)

    assert world.found() == found


@pytest.mark.parametrize(("paid", "found"), [(5_000, []), (10_000, ["ends"])])
def test_a_loan_may_stay_open_while_nobody_decides_about_what_its_person_reported(paid: int, found: list[str]) -> None:
    world = World()
    world.debts["L1"] = world.debts["L1"].model_copy(update={"held": True})
    world.end = None
    world.pays(TUESDAY_TEN, paid)

    assert world.found() == found


@pytest.mark.parametrize(
    ("kept_for", "paid", "found"), [(60, 5_000, []), (60, 10_000, ["ends"]), (30, 5_000, ["ends"])]
)
def test_a_loan_may_stay_open_whose_days_stood_still_longer_than_the_rehearsal_goes_on(
    kept_for: int, paid: int, found: list[str]
) -> None:
    """Given a plan that was kept for so many days and then broken."""
    world = World()
    world.agrees(TUESDAY_TEN - timedelta(days=kept_for), TUESDAY_TEN)
    world.end = None
    world.pays(TUESDAY_TEN, paid)

    assert world.found() == found


def test_webhooks_that_were_not_accepted_or_not_passed_on_are_named() -> None:
    refused, stuck = World(), World()
    refused.hook(TUESDAY_TEN, "evt_1", provider="stripe", type="checkout.session.completed", status=500)
    refused.hook(TUESDAY_TEN, "evt_2", provider="stripe", type="checkout.session.completed", status=500)
    refused.hook(TUESDAY_TEN, "evt_2", provider="stripe", type="checkout.session.completed", status=200)
    stuck.unrelayed = ("stripe evt_1",)

    assert refused.found() == stuck.found() == ["webhooks"]


def test_a_hole_in_the_worlds_log_or_a_fault_of_the_world_spoils_the_verdict() -> None:
    hole, fault = World(), World()
    hole.sms(TUESDAY_TEN)
    del hole.lines[1]
    fault.add("world_error", TUESDAY_TEN, reason="KeyError")

    assert hole.found() == fault.found() == ["world"]


def test_a_line_that_is_no_entry_is_named_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "world.jsonl"
    file.write_text('{"seq": 1, "kind": "sms", "at": "2026-11-24T09:00:00+00:00", "loan_id": null}\n{"seq": 2}\n')

    with pytest.raises(ValueError, match=r"world\.jsonl:2: not an entry"):
        WorldLog.read(file)


@pytest.mark.parametrize("leaked", ["Ana Núñez", "Ana N\\u00fa\\u00f1ez", PHONE, EMAIL, "ES9121000418450200051332"])
def test_personal_data_in_a_database_file_is_found_and_not_repeated(tmp_path: Path, leaked: str) -> None:
    borrower = Borrower(
        person_id="P1", residence=MADRID, secrets=("Ana Núñez", PHONE, EMAIL, "ES9121000418450200051332", "Li")
    )
    clean, dirty = tmp_path / "clean.db", tmp_path / "dirty.db"
    for file, value in ((clean, "loan-demo-L1 Li"), (dirty, f'{{"name": "{leaked}"}}')):
        with sqlite3.connect(file) as database:
            database.execute("CREATE TABLE history(blob BLOB)")
            database.execute("INSERT INTO history VALUES (?)", (value.encode(),))

    assert personal_data([borrower], [clean, tmp_path / "not-there.log"]).violations == ()
    (violation,) = personal_data([borrower], [clean, dirty]).violations
    assert "dirty.db" in violation.text
    assert leaked not in str(violation)


async def test_a_failed_workflow_task_and_a_loan_that_slept_too_long_are_found() -> None:
    failed = _Histories(_started(0), _scheduled(0), _task_failed("NON_DETERMINISTIC_ERROR"))
    asked_again = _Histories(_started(0), _scheduled(0), _task_failed("UNHANDLED_COMMAND"))
    slept = _Histories(_started(0), _scheduled(67 * 86_400))

    found = [(await workflow_tasks(client)).violations for client in (failed, asked_again, slept)]  # type: ignore[arg-type]

    assert [len(violations) for violations in found] == [1, 0, 1]
    assert found[0][0].loan_id == "L-1"
    assert "NON_DETERMINISTIC_ERROR" in found[0][0].text
    assert "67 days" in found[2][0].text


async def test_a_task_that_failed_at_a_later_attempt_is_found_in_the_workers_log(tmp_path: Path) -> None:
    """Given a history in which nothing failed: it tells of first attempts alone."""
    logs = [tmp_path / "worker-0.log", tmp_path / "worker-1.log"]
    words = "Failed activation on workflow LoanCollection with ID loan-demo-L-1 and run ID 01a2\n"
    logs[0].write_text(f"worker ready\n{words}Traceback\n{words}", encoding="utf-8")
    quiet = _Histories(_started(0), _scheduled(0))

    (violation,) = (await workflow_tasks(quiet, logs)).violations  # type: ignore[arg-type]

    assert violation.loan_id == "L-1"
    assert "worker-0.log tells of 2 failed in loan-demo-L-1" in violation.text
    assert (await workflow_tasks(quiet, logs[1:])).violations == ()  # type: ignore[arg-type]


class _Histories:
    """A Temporal client with one loan and a history made for it."""

    def __init__(self, *events: HistoryEvent) -> None:
        self._events = events
        self.id, self.run_id = "loan-demo-L-1", "run"

    async def list_workflows(self) -> AsyncIterator["_Histories"]:
        yield self

    def get_workflow_handle(self, _id: str, *, run_id: str) -> "_Histories":
        assert run_id == self.run_id
        return self

    async def fetch_history_events(self) -> AsyncIterator[HistoryEvent]:
        for event in self._events:
            yield event


def _event(kind: str, seconds: int = 0) -> HistoryEvent:
    event = HistoryEvent(event_id=7, event_type=f"EVENT_TYPE_{kind}")  # type: ignore[arg-type]
    event.event_time.FromSeconds(1_796_000_000 + seconds)
    return event


def _started(seconds: int) -> HistoryEvent:
    return _event("WORKFLOW_EXECUTION_STARTED", seconds)


def _scheduled(seconds: int) -> HistoryEvent:
    return _event("WORKFLOW_TASK_SCHEDULED", seconds)


def _task_failed(cause: str) -> HistoryEvent:
    event = _event("WORKFLOW_TASK_FAILED")
    event.workflow_task_failed_event_attributes.cause = WorkflowTaskFailedCause.Value(
        f"WORKFLOW_TASK_FAILED_CAUSE_{cause}"
    )
    return event


def test_each_part_payment_we_were_told_of_has_one_receipt_free_of_limits() -> None:
    night = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
    world = World()
    world.pays(night, 4_000)
    world.email(night + timedelta(minutes=1), "We received your payment", step="part-receipt,1")
    assert world.judged().violations == ()

    world.email(night + timedelta(minutes=2), "We received your payment", step="part-receipt,2")

    assert {violation.check for violation in world.judged().violations} >= {"hours"}

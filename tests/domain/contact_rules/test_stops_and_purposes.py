from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from domain.contact import Verdict
from domain.contact_rules import Caps
from tests.domain.contact_rules.wishes import ask, event, local, rule_ids, wish

MADRID = "Europe/Madrid"
FRIDAY_NOON = local("2026-11-20 12:00", MADRID)
FRIDAY_NIGHT = local("2026-11-20 23:00", MADRID)
EVERY_STOP = [
    "deceased", "minor", "bankruptcy", "moratorium", "attorney", "cease", "dispute", "hardship", "vulnerable",
]  # fmt: skip


@pytest.mark.parametrize("flag", EVERY_STOP)
@pytest.mark.parametrize("channel", ["sms", "call", "post"])
def test_a_stop_state_ends_collection(flag: str, channel: str) -> None:
    decision = ask(wish("ES", MADRID, channel=channel, region="MD", flags=[flag]), FRIDAY_NOON)

    assert decision.verdict is Verdict.NEVER
    assert rule_ids(decision) == [f"stop.{flag}"]


@pytest.mark.parametrize("flag", EVERY_STOP)
def test_a_receipt_still_goes_out_except_to_the_dead_and_those_who_asked_for_silence(flag: str) -> None:
    decision = ask(wish("ES", MADRID, region="MD", purpose="transactional", flags=[flag]), FRIDAY_NIGHT)

    silent = flag in ("deceased", "cease")
    assert decision.verdict is (Verdict.NEVER if silent else Verdict.ALLOWED)


@pytest.mark.parametrize("flag", EVERY_STOP)
def test_the_persons_own_question_is_answered_while_collection_is_held(flag: str) -> None:
    asked = event(FRIDAY_NOON - timedelta(minutes=5), "sms", "inbound", loan=None)

    decision = ask(wish("ES", MADRID, region="MD", purpose="reply", flags=[flag]), FRIDAY_NOON, asked)

    answered = flag in ("moratorium", "dispute", "hardship", "vulnerable")
    assert decision.verdict is (Verdict.ALLOWED if answered else Verdict.NEVER)


def test_under_a_stop_a_reply_to_nothing_is_refused() -> None:
    decision = ask(wish("ES", MADRID, region="MD", purpose="reply", flags=["dispute"]), FRIDAY_NOON)

    assert decision.verdict is Verdict.NEVER


def test_the_strongest_stop_is_named_first() -> None:
    request = wish("ES", "Mars/Olympus", region="MD", flags=["dispute", "cease", "deceased"], opted_out=["sms"])

    decision = ask(request, FRIDAY_NOON)

    assert rule_ids(decision) == [
        "stop.deceased", "stop.cease", "stop.dispute", "stop.channel_opt_out", "zone.unknown",
    ]  # fmt: skip


def test_a_stop_state_nobody_wrote_a_rule_for_is_refused() -> None:
    decision = ask(wish("ES", MADRID, region="MD", flags=["something new"]), FRIDAY_NOON)

    assert decision.verdict is Verdict.NEVER
    assert rule_ids(decision) == ["stop.unknown_flag"]
    assert "something new" not in decision.reasons[0].text


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "email"])
@pytest.mark.parametrize("purpose", ["collection", "reply", "transactional"])
def test_who_wants_no_marketing_by_whatsapp_is_still_written_to_and_answered(channel: str, purpose: str) -> None:
    """Given a person who told WhatsApp that they want no marketing, when they are reminded, answered or sent a receipt,
    then it goes out: what is marketing is for WhatsApp's own terms to hold back."""
    asked = event(FRIDAY_NOON - timedelta(minutes=5), channel, "inbound", loan=None)
    request = wish("ES", MADRID, region="MD", purpose=purpose, channel=channel, flags=["no_whatsapp_marketing"])

    assert ask(request, FRIDAY_NOON, asked).verdict is Verdict.ALLOWED


@pytest.mark.parametrize("purpose", ["collection", "reply", "transactional"])
def test_a_closed_channel_stays_closed_and_the_others_stay_open(purpose: str) -> None:
    asked = event(FRIDAY_NOON - timedelta(minutes=5), "sms", "inbound", loan=None)
    closed = wish("ES", MADRID, region="MD", purpose=purpose, opted_out=["sms"])
    other = wish("ES", MADRID, region="MD", purpose=purpose, opted_out=["sms"], channel="email")

    assert rule_ids(ask(closed, FRIDAY_NOON, asked)) == ["stop.channel_opt_out"]
    assert ask(other, FRIDAY_NOON, asked).verdict is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("country", "zones", "region"),
    [
        ("ES", (), "MD"),
        ("ES", ("Europe/Madird",), "MD"),
        ("ES", ("Etc/Unknown",), "MD"),
        ("ES", ("",), "MD"),
        ("ES", ("../../etc/passwd",), "MD"),
        ("ES", (MADRID, "nowhere"), "MD"),
        ("ES", (MADRID,), "XX"),
        ("BR", ("America/Sao_Paulo",), None),
        ("BR", ("America/Sao_Paulo",), "XX"),
        ("FR", ("Europe/Paris",), None),
        ("", (MADRID,), None),
    ],
)  # fmt: skip
def test_an_unknown_place_is_refused_not_guessed(country: str, zones: tuple[str, ...], region: str | None) -> None:
    decision = ask(wish(country, *zones, region=region), FRIDAY_NOON)

    assert decision.verdict is Verdict.NEVER
    assert set(rule_ids(decision)) == {"zone.unknown"}


def test_a_prompt_reply_may_go_out_at_night_until_a_day_has_passed() -> None:
    request = wish("ES", MADRID, region="MD", purpose="reply")
    asked = event(FRIDAY_NIGHT, "sms", "inbound", loan=None)

    at_once = ask(request, FRIDAY_NIGHT, asked)
    last_moment = ask(request, FRIDAY_NIGHT + timedelta(hours=24, minutes=-1), asked)
    too_late = ask(request, FRIDAY_NIGHT + timedelta(hours=24), asked)

    assert at_once.verdict is Verdict.ALLOWED
    assert at_once.window_ends == FRIDAY_NIGHT + timedelta(hours=24)
    assert last_moment.verdict is Verdict.ALLOWED
    assert too_late.not_before == local("2026-11-23 09:00", MADRID)


def test_one_message_of_the_person_is_answered_once_and_on_its_own_channel() -> None:
    request = wish("ES", MADRID, region="MD", purpose="reply")
    asked = event(FRIDAY_NIGHT, "sms", "inbound", loan=None)
    answer = event(FRIDAY_NIGHT + timedelta(minutes=1), "sms")

    again = ask(request, FRIDAY_NIGHT + timedelta(minutes=2), asked, answer)
    elsewhere = ask(wish("ES", MADRID, region="MD", purpose="reply", channel="email"), FRIDAY_NIGHT, asked)

    assert again.verdict is Verdict.NOT_BEFORE
    assert rule_ids(again)[0] == "purpose.reply_unproven"
    assert elsewhere.verdict is Verdict.NOT_BEFORE


def test_a_reply_is_free_of_limits() -> None:
    sent = event(FRIDAY_NOON - timedelta(hours=1), "sms")
    asked = event(FRIDAY_NOON - timedelta(minutes=5), "sms", "inbound", loan=None)

    reply = ask(wish("ES", MADRID, region="MD", purpose="reply"), FRIDAY_NOON, sent, asked)
    reminder = ask(wish("ES", MADRID, region="MD"), FRIDAY_NOON, sent, asked)

    assert reply.verdict is Verdict.ALLOWED
    assert reminder.not_before == local("2026-11-23 09:00", MADRID)


def test_a_call_keeps_to_the_hours_even_without_a_demand() -> None:
    decision = ask(wish("ES", MADRID, region="MD", purpose="transactional", channel="call"), FRIDAY_NIGHT)

    assert decision.not_before == local("2026-11-23 09:00", MADRID)


@pytest.mark.parametrize("channel", ["sms", "whatsapp"])
def test_a_document_that_nobody_asked_for_just_now_wakes_nobody(channel: str) -> None:
    """Given an agreement that a person of the lender's made by day, where it is night for the borrower."""
    request = wish("ES", MADRID, region="MD", purpose="transactional", channel=channel)
    document = request.model_copy(update={"is_document": True})
    wrote_long_ago = event(FRIDAY_NIGHT - timedelta(hours=25), channel, "inbound", loan=None)
    messages_that_day = [event(FRIDAY_NOON, channel)] * 3

    asked = ask(document, FRIDAY_NIGHT, wrote_long_ago, *messages_that_day)

    assert asked.not_before == local("2026-11-23 09:00", MADRID)
    assert ask(document, FRIDAY_NOON, *messages_that_day).verdict is Verdict.ALLOWED
    assert ask(request, FRIDAY_NIGHT, wrote_long_ago).verdict is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("channel", "last"),
    [("sms", ("sms", "inbound")), ("sms", ("call", "conversation")), ("email", None), ("post", None)],
)
def test_a_document_for_who_is_writing_with_us_and_one_that_wakes_nobody_goes_at_once(
    channel: str, last: tuple[str, str] | None
) -> None:
    document = wish("ES", MADRID, region="MD", purpose="transactional", channel=channel)
    events = [event(FRIDAY_NIGHT - timedelta(minutes=5), *last)] if last else []

    decision = ask(document.model_copy(update={"is_document": True}), FRIDAY_NIGHT, *events)

    assert decision.verdict is Verdict.ALLOWED


def test_a_lender_can_be_stricter_and_never_laxer() -> None:
    request = wish("ES", MADRID, region="MD")
    monday, tuesday = (event(local(f"2026-11-{day} 10:00", MADRID), "sms") for day in (16, 17))

    strict = ask(request, local("2026-11-18 10:00", MADRID), monday, tuesday, lender=Caps(per_week=2))
    lax = ask(request, local("2026-11-17 11:00", MADRID), tuesday, lender=Caps(per_day=9, per_week=9))

    # The week of Monday the 16th is full, and so are the seven dates up to Sunday the 22nd.
    assert strict.not_before == local("2026-11-23 09:00", MADRID)
    assert "lender.cap.week" in rule_ids(strict)
    assert lax.not_before == local("2026-11-18 09:00", MADRID)
    assert "ES.cap.day" in rule_ids(lax)


def test_a_contact_later_on_the_same_local_date_counts_already() -> None:
    later = event(FRIDAY_NOON + timedelta(hours=5), "email", loan="B")

    decision = ask(wish("ES", MADRID, region="MD"), FRIDAY_NOON, later)

    assert decision.not_before == local("2026-11-23 09:00", MADRID)
    assert "ES.cap.day" in rule_ids(decision)


def test_one_contact_with_its_delivery_and_reading_is_one_contact() -> None:
    at = local("2026-11-18 10:00", MADRID)
    trace = [event(at + timedelta(seconds=n), "sms", kind) for n, kind in enumerate(["attempt", "delivered", "read"])]
    second = event(at + timedelta(days=1), "sms")

    decision = ask(wish("ES", MADRID, region="MD"), FRIDAY_NOON, *trace, second)

    assert decision.verdict is Verdict.ALLOWED


def test_dates_are_those_of_the_person_not_of_utc() -> None:
    # 20:30 on Thursday in Los Angeles is Friday in UTC.
    los_angeles = "America/Los_Angeles"
    thursday = event(local("2026-11-19 20:30", los_angeles), "sms")

    decision = ask(wish("US", los_angeles), local("2026-11-20 09:00", los_angeles), thursday)

    assert decision.verdict is Verdict.ALLOWED


def test_the_window_of_an_allowed_contact_ends_with_the_hours_of_the_earliest_zone() -> None:
    decision = ask(wish("ES", "Atlantic/Canary", MADRID), FRIDAY_NOON)

    assert decision.window_ends == local("2026-11-20 21:00", MADRID)
    assert rule_ids(decision) == ["ES.hours.weekday"]


def test_reasons_name_everything_until_the_next_lawful_moment() -> None:
    decision = ask(wish("CO", "America/Bogota"), local("2026-12-05 16:00", "America/Bogota"))

    assert decision.not_before == local("2026-12-07 07:00", "America/Bogota")
    assert rule_ids(decision) == ["CO.hours.saturday", "CO.hours.sunday", "CO.hours.weekday"]
    assert "Ley 2300" in decision.reasons[0].source


def test_contacts_already_made_later_in_the_week_keep_the_date_closed() -> None:
    # One loan of the person was decided days ahead of the other: Monday to Wednesday are taken.
    taken = [event(local(f"2026-11-{day} 10:00", MADRID), "sms", loan="B") for day in (23, 24, 25)]

    decision = ask(wish("ES", MADRID, region="MD"), FRIDAY_NOON, *taken)

    assert decision.not_before == local("2026-11-30 09:00", MADRID)
    assert "ES.cap.week" in rule_ids(decision)


def test_seven_dates_reach_ahead_as_well_as_back() -> None:
    santiago = "America/Santiago"
    visit = event(local("2026-11-26 10:00", santiago), "visit", loan="B")
    call = wish("CL", santiago, channel="call", region="RM")

    six_before = ask(call, local("2026-11-20 10:00", santiago), visit)
    seven_before = ask(call, local("2026-11-19 10:00", santiago), visit)

    assert six_before.not_before == local("2026-12-03 08:00", santiago)
    assert seven_before.verdict is Verdict.ALLOWED


def test_a_conversation_that_names_no_debt_may_have_been_about_this_one() -> None:
    new_york = "America/New_York"
    spoken = event(local("2026-11-02 10:00", new_york), "call", "conversation", loan=None)

    decision = ask(wish("US", new_york, channel="call"), local("2026-11-03 10:00", new_york), spoken)

    assert decision.not_before == local("2026-11-09 08:00", new_york)


def test_sixty_days_are_the_horizon_and_not_a_minute_more() -> None:
    guayaquil = "America/Guayaquil"
    seven = local("2026-11-20 07:00", guayaquil)
    taken = [event(seven + timedelta(days=n), "sms") for n in range(60)]

    in_time = ask(wish("EC", guayaquil), seven, *taken)
    too_far = ask(wish("EC", guayaquil), seven - timedelta(minutes=1), *taken)

    assert in_time.not_before == seven + timedelta(days=60)
    assert too_far.verdict is Verdict.NEVER
    assert rule_ids(too_far)[0] == "horizon"


def test_a_moment_without_an_offset_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="offset"):
        ask(wish("ES", MADRID, region="MD"), datetime(2026, 11, 20, 12))

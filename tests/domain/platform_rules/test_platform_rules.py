"""The cases of the reference's section 4, and the limits around them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.jurisdictions import load_rulebook
from config.platform_rules import PLATFORMS_FOLDER, PlatformRulesError, load_sms, load_whatsapp
from domain.contact import Actor, Channel, ContactEvent, ContactEventKind, ContactRequest, Purpose, Verdict
from domain.contact_rules import Caps, decide
from domain.platform_rules import (
    Category,
    Form,
    Quality,
    Sent,
    WhatsAppSend,
    allowed_form,
    category_warnings,
    one_way_warning,
    pair_not_before,
    refusals,
    sender_refusal,
    tier_reached,
    tier_room_at,
)
from domain.sms_segments import SmsEncoding, sms_size

WHATSAPP, SMS = load_whatsapp(), load_sms()
INBOUND = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DAY = timedelta(hours=24)


def send(at: datetime = INBOUND, form: Form = Form.FREE_TEXT, **changes: object) -> WhatsAppSend:
    return WhatsAppSend.model_validate(
        {"at": at, "form": form, "country": "ES", "acknowledged": True, "last_inbound": INBOUND, **changes}
    )


def rules_against(message: WhatsAppSend) -> list[str]:
    return [reason.rule for reason in refusals(message, WHATSAPP)]


def test_wa1_free_text_for_24_hours_after_the_last_inbound_and_then_a_template_only() -> None:
    last_second = datetime(2026, 11, 21, 9, 59, 59, tzinfo=UTC)
    over = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

    assert allowed_form(last_second, INBOUND, WHATSAPP) is Form.FREE_TEXT
    assert allowed_form(over, INBOUND, WHATSAPP) is Form.TEMPLATE
    assert rules_against(send(last_second)) == []
    assert rules_against(send(over)) == ["whatsapp.window", "whatsapp.opt_in"]
    assert rules_against(send(over, Form.TEMPLATE, opted_in=True)) == []
    assert allowed_form(over, None, WHATSAPP) is Form.TEMPLATE


def test_wa3_a_portfolio_of_250_leaves_ten_of_260_people_waiting_whatever_number_writes() -> None:
    sent: list[Sent] = []
    waiting = 0
    for number in range(260):
        at = INBOUND + timedelta(minutes=number)  # 200 from one number of the portfolio, 60 from another
        if tier_reached(sent, f"p{number}", at, 250, WHATSAPP) is None:
            sent.append(Sent(at=at, person=f"p{number}"))
        else:
            waiting += 1

    assert waiting == 10
    now = INBOUND + timedelta(minutes=259)
    assert tier_reached(sent, "p7", now, 250, WHATSAPP) is None  # written to already: takes no further place
    assert tier_room_at(sent, now, 250, WHATSAPP) == INBOUND + DAY
    assert tier_reached(sent, "new", INBOUND + DAY, 250, WHATSAPP) is None
    assert tier_reached(sent, "new", INBOUND + DAY - timedelta(seconds=1), 250, WHATSAPP) is not None
    assert tier_reached(sent, "new", now, 2000, WHATSAPP) is None
    assert tier_reached(sent, "new", now, None, WHATSAPP) is None


def test_the_tier_of_the_old_scheme_is_no_tier() -> None:
    with pytest.raises(ValueError, match="1000 is no tier"):
        tier_reached([], "p", INBOUND, 1000, WHATSAPP)


def test_wa7_on_a_sunday_in_colombia_a_question_is_answered_and_a_reminder_is_not_sent() -> None:
    sunday = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
    question = ContactEvent(at=sunday - timedelta(minutes=20), channel=Channel.WHATSAPP, kind=ContactEventKind.INBOUND)

    def verdict(purpose: Purpose) -> Verdict:
        request = ContactRequest(
            loan_id="L1", channel=Channel.WHATSAPP, purpose=purpose, country="CO", timezones=("America/Bogota",)
        )
        return decide(request, sunday, [question], load_rulebook(), Caps()).verdict

    assert rules_against(send(sunday, last_inbound=question.at, country="CO")) == []
    assert verdict(Purpose.REPLY) is Verdict.ALLOWED
    assert verdict(Purpose.COLLECTION) is Verdict.NOT_BEFORE


def test_whatsapp_is_refused_to_an_agency_and_until_its_policy_was_acknowledged() -> None:
    assert rules_against(send(actor=Actor.AGENCY)) == ["whatsapp.policy.agency"]
    assert rules_against(send(acknowledged=False)) == ["whatsapp.policy"]


@pytest.mark.parametrize("opted_in", [None, False])
def test_without_an_opt_in_on_record_nobody_is_written_to_first(opted_in: bool | None) -> None:
    first = send(form=Form.TEMPLATE, opted_in=opted_in, last_inbound=None)

    assert rules_against(first) == ["whatsapp.opt_in"]
    assert rules_against(first.model_copy(update={"opted_in": True})) == []


@pytest.mark.parametrize(("quality", "sent"), [(q, q not in (Quality.PAUSED, Quality.DISABLED)) for q in Quality])
def test_a_template_that_is_paused_for_its_quality_is_not_sent(quality: Quality, sent: bool) -> None:
    assert (rules_against(send(form=Form.TEMPLATE, opted_in=True, quality=quality)) == []) is sent


def test_marketing_templates_do_not_go_to_the_united_states() -> None:
    marketing = send(form=Form.TEMPLATE, opted_in=True, category=Category.MARKETING, country="US")

    assert rules_against(marketing) == ["whatsapp.marketing"]
    assert rules_against(marketing.model_copy(update={"country": "MX"})) == []
    assert rules_against(marketing.model_copy(update={"category": Category.UTILITY})) == []


def test_the_pair_rate_lets_45_through_and_then_one_in_six_seconds() -> None:
    burst = [INBOUND] * 45

    assert pair_not_before(burst[:44], INBOUND, WHATSAPP) == INBOUND
    assert pair_not_before(burst, INBOUND, WHATSAPP) == INBOUND + timedelta(seconds=6)
    assert pair_not_before([], INBOUND, WHATSAPP) == INBOUND
    assert pair_not_before(burst, INBOUND + timedelta(hours=2), WHATSAPP) == INBOUND + timedelta(hours=2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=120))
def test_sending_as_soon_as_the_pair_rate_allows_never_breaks_it(waits: list[int]) -> None:
    sent: list[datetime] = []
    at = INBOUND
    for wait in waits:
        at = pair_not_before(sent, at + timedelta(seconds=wait), WHATSAPP)
        sent.append(at)

    for first, moment in enumerate(sent):
        for last in range(first, len(sent)):
            seconds = (sent[last] - moment).total_seconds()
            assert last - first + 1 <= 45 + seconds / 6 + 1e-9


def test_sm1_160_letters_are_one_segment_and_161_are_two() -> None:
    assert sms_size("ñ" * 160).segments == 1
    assert sms_size("a" * 161).segments == 2


def test_sm3_a_euro_sign_costs_two() -> None:
    assert (sms_size("€" * 80).segments, sms_size("€" * 80).units) == (1, 160)
    assert sms_size("€" * 81).segments == 2


def test_sm5_one_accent_turns_124_characters_into_two_segments() -> None:
    size = sms_size("é" + "a" * 122 + "ó")

    assert (size.encoding, size.segments) == (SmsEncoding.UCS2, 2)


SEPTEMBER_15 = date(2026, 9, 15)


@pytest.mark.parametrize(
    ("sender", "registered", "country", "day", "refused"),
    [
        ("Credialba", [], "ES", SEPTEMBER_15, True),
        ("Credialba", [], "ES", date(2026, 9, 14), False),
        ("Credialba", ["Credialba"], "ES", SEPTEMBER_15, False),
        ("CREDIALBA", ["Credialba"], "ES", SEPTEMBER_15, True),  # letter by letter
        ("credialba", ["Credialba"], "ES", SEPTEMBER_15, True),
        ("+34600111222", [], "ES", SEPTEMBER_15, False),
        ("600 111 222", [], "ES", SEPTEMBER_15, False),
        ("24-7 Cobros", [], "ES", SEPTEMBER_15, True),
        (None, [], "ES", SEPTEMBER_15, True),  # a messaging service: the name it picks is not known
        (None, ["Credialba"], "ES", SEPTEMBER_15, False),
        ("Credialba", [], "MX", SEPTEMBER_15, False),
    ],
)
def test_in_spain_a_name_as_sender_must_be_registered_letter_by_letter(
    sender: str | None, registered: list[str], country: str, day: date, refused: bool
) -> None:
    reason = sender_refusal(sender, registered, country, day, SMS)

    assert (reason is not None) is refused
    assert reason is None or reason.rule == "sms.sender.es"


def test_nobody_can_answer_stop_to_a_name() -> None:
    assert one_way_warning("Credialba", SMS) is not None
    assert one_way_warning("+34600111222", SMS) is None
    assert one_way_warning(None, SMS) is None


@pytest.mark.parametrize(
    ("countries", "actor", "expected"),
    [
        (("US",), Actor.AGENCY, ["twilio.forbidden.third_party", "twilio.forbidden.payday"]),
        (("US",), Actor.CREDITOR, ["twilio.forbidden.payday"]),
        (("MX", "ES"), Actor.CREDITOR, ["twilio.forbidden.loans_mexico"]),
        (("ES", "CL"), Actor.AGENCY, []),
    ],
)
def test_what_twilio_does_not_take_is_told(countries: tuple[str, ...], actor: Actor, expected: list[str]) -> None:
    found = category_warnings(countries, actor, [Channel.SMS], "twilio", SMS)

    assert [rule.id for rule in found] == expected
    assert all(rule.source for rule in found)
    assert category_warnings(countries, actor, [Channel.EMAIL], "twilio", SMS) == ()


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("whatsapp.yaml", "hours: 24", "hours: none", "window.hours: Input should be a valid integer"),
        ("whatsapp.yaml", "[250, 2000,", "[2000, 250,", "tier: expected tiers that ascend"),
        ("whatsapp.yaml", "refused_actors: [agency]", "refused_actors: [bank]", "refused_actors.0: Input should be"),
    ],
)
def test_broken_terms_are_told_with_file_line_and_field(
    tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    text = (PLATFORMS_FOLDER / file).read_text(encoding="utf-8")
    assert old in text
    broken = text.replace(old, new, 1)
    (tmp_path / file).write_text(broken, encoding="utf-8")

    with pytest.raises(PlatformRulesError) as refused:
        load_whatsapp(tmp_path)

    [problem] = map(str, refused.value.problems)
    assert problem.startswith(f"{tmp_path / file}:")
    assert told in problem

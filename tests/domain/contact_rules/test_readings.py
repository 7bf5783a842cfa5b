"""Cases whose answer depends on the reading, on who asks, or on a fact about the person: both answers, by name."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from domain.contact import ContactRequest, Moratorium, MoratoriumKind, Verdict
from tests.domain.contact_rules.wishes import ask, event, local, rule_ids, wish

SCL, BOG, GYE, CDMX = "America/Santiago", "America/Bogota", "America/Guayaquil", "America/Mexico_City"
MVD, ASU, BUE, NYC = "America/Montevideo", "America/Asuncion", "America/Argentina/Buenos_Aires", "America/New_York"
LIM, SAO, LON, MAD = "America/Lima", "America/Sao_Paulo", "Europe/London", "Europe/Madrid"
ALLOW, NEVER = None, "never"
Events = tuple[tuple[str, str, str], ...]


class Case(NamedTuple):
    """`literal` and `strict`: a wall clock in the person's zone, ALLOW or NEVER."""

    name: str
    country: str
    zone: str
    at: str
    literal: str | None
    strict: str | None
    region: str | None = None
    city: str | None = None
    channel: str = "sms"
    events: Events = ()
    loan: str = "A"
    purpose: str = "collection"
    flags: tuple[str, ...] = ()
    actor: str = "creditor"
    authorised: tuple[str, ...] | None = None


MON_TO_WED: Events = tuple((f"2026-11-{day} 10:00", "call", "attempt") for day in (23, 24, 25))
TUESDAYS_ANSWER: Events = (("2026-11-17 09:10", "whatsapp", "inbound"), ("2026-11-17 09:10", "whatsapp", "two_way"))
ANSWERED_THAT_DAY: Events = (("2026-11-17 09:00", "whatsapp", "attempt"), *TUESDAYS_ANSWER)
ANSWERED_THE_DAY_AFTER: Events = (("2026-11-16 10:00", "whatsapp", "attempt"), *TUESDAYS_ANSWER)
SMS_AT_TEN: Events = (("2026-11-17 10:00", "sms", "attempt"),)
CASES = [
    Case("CL messages: the text names calls and visits", "CL", SCL, "2026-11-21 20:30", ALLOW, "2026-11-23 08:00"),
    Case(
        "CL calls: literal and strict alike", "CL", SCL, "2026-11-21 20:30", "2026-11-23 08:00", "2026-11-23 08:00",
        channel="call",
    ),
    Case(
        "CL9 ISO week or seven dates", "CL", SCL, "2026-11-23 10:00", ALLOW, "2026-11-27 08:00",
        channel="call", events=(("2026-11-20 10:00", "call", "conversation"),),
    ),
    Case(
        "CL unanswered call", "CL", SCL, "2026-11-25 10:00", ALLOW, "2026-12-01 08:00",
        channel="call", events=(("2026-11-24 10:00", "call", "attempt"),),
    ),
    Case(
        "CL11 the next day", "CL", SCL, "2026-11-24 10:00", "2026-11-25 00:00", "2026-11-25 08:00",
        channel="whatsapp", events=(("2026-11-23 10:00", "email", "attempt"),),
    ),
    Case("CL7 Chillan keeps the day", "CL", SCL, "2026-08-20 10:00", "2026-08-21 08:00", "2026-08-21 08:00",
         region="NB", city="chillan", channel="call"),
    Case("CL7 another commune of the region works", "CL", SCL, "2026-08-20 10:00", ALLOW, ALLOW,
         region="NB", city="San Carlos", channel="call"),
    Case("CL7 commune unknown", "CL", SCL, "2026-08-20 10:00", ALLOW, "2026-08-21 08:00", region="NB", channel="call"),
    Case(
        "CO11 unread message, e-mail, then a call", "CO", BOG, "2026-11-25 10:00", ALLOW, ALLOW,
        channel="call", authorised=("call",),
        events=(("2026-11-23 10:00", "sms", "delivered"), ("2026-11-24 10:00", "email", "attempt")),
    ),
    Case(
        "CO11 a channel that was not authorised", "CO", BOG, "2026-11-25 10:00", NEVER, NEVER,
        channel="call", authorised=("sms", "email"),
    ),
    Case("CO13 a waiver in the contract", "CO", BOG, "2026-11-22 10:00", "2026-11-23 07:00", "2026-11-23 07:00",
         channel="call", flags=("contract_waiver",)),
    Case("CO13 the person asked for other hours, later and of their own accord: a Sunday", "CO", BOG,
         "2026-11-22 10:00", ALLOW, "2026-11-23 07:00", channel="call", flags=("requested_by_debtor",)),
    Case("CO the person asked for other hours: a holiday", "CO", BOG,
         "2026-12-25 07:00", ALLOW, "2026-12-26 08:00", channel="call", flags=("requested_by_debtor",)),
    Case("CO the person asked for other hours: an evening", "CO", BOG,
         "2026-12-12 21:55", ALLOW, ALLOW, channel="call", flags=("requested_by_debtor",)),
    Case("CO the person asked for other hours: before eight on a Saturday", "CO", BOG,
         "2026-12-12 07:30", ALLOW, "2026-12-12 08:00", channel="call", flags=("requested_by_debtor",)),
    Case("CO15 a co-debtor", "CO", BOG, "2026-11-21 15:30", "2026-11-23 07:00", "2026-11-23 07:00",
         channel="call", flags=("codebtor",)),
    Case(
        "CO17 spoken with on Saturday, a message on Monday", "CO", BOG, "2026-11-23 10:00", ALLOW, "2026-11-28 08:00",
        events=(("2026-11-21 10:00", "call", "conversation"),),
    ),
    Case(
        "CO17 our message answered, then another channel", "CO", BOG, "2026-11-17 15:00", "2026-11-23 07:00",
        "2026-11-24 07:00", events=ANSWERED_THAT_DAY,
    ),
    Case("CO our message answered, then the same channel the next day", "CO", BOG, "2026-11-17 15:00",
         "2026-11-18 07:00", "2026-11-18 07:00", channel="whatsapp", events=ANSWERED_THAT_DAY),
    Case("CO no visits", "CO", BOG, "2026-11-24 10:00", NEVER, NEVER, channel="visit"),
    Case("CO no references", "CO", BOG, "2026-11-24 10:00", NEVER, NEVER, flags=("third_party",)),
    Case("PE messages: the text names calls and visits", "PE", LIM, "2026-11-21 10:00", ALLOW, "2026-11-23 07:00"),
    Case("PE1 a call on Saturday", "PE", LIM, "2026-11-21 10:00", "2026-11-23 07:00", "2026-11-23 07:00",
         channel="call"),
    Case(
        "EC7 once a day, by each means or in all", "EC", GYE, "2026-11-19 15:00", ALLOW, "2026-11-20 07:00",
        channel="email", actor="agency", events=(("2026-11-19 10:00", "sms", "attempt"),),
    ),
    Case(
        "EC7 twice by one means", "EC", GYE, "2026-11-19 15:00", "2026-11-20 07:00", "2026-11-20 07:00",
        channel="sms", actor="agency", events=(("2026-11-19 10:00", "sms", "attempt"),),
    ),
    Case("EC the text binds agencies", "EC", GYE, "2026-11-21 10:00", ALLOW, "2026-11-23 07:00"),
    Case("EC1 an agency on Saturday", "EC", GYE, "2026-11-21 10:00", "2026-11-23 07:00", "2026-11-23 07:00",
         actor="agency"),
    Case("EC Quito's own day", "EC", GYE, "2027-12-06 10:00", ALLOW, "2027-12-07 07:00",
         region="P", city="Quito", actor="agency"),
    Case("MX5 Saturday", "MX", CDMX, "2026-11-21 21:30", ALLOW, "2026-11-23 07:00"),
    Case("MX5 past ten", "MX", CDMX, "2026-11-21 22:00", "2026-11-22 07:00", "2026-11-23 07:00"),
    Case("MX7 Good Friday", "MX", CDMX, "2026-04-03 10:00", ALLOW, ALLOW),
    Case("MX7 Good Friday by the banks' calendar", "MX", CDMX, "2026-04-03 10:00", "2026-04-04 07:00",
         "2026-04-06 07:00", flags=("bank_calendar",)),
    Case("AR no hours in the law", "AR", BUE, "2026-11-21 23:00", ALLOW, "2026-11-24 09:00"),
    Case("AR5 asked not to be called", "AR", BUE, "2026-11-24 10:00", NEVER, NEVER,
         region="C", channel="call", flags=("no_calls",)),
    Case("AR5 asked not to be called: in writing", "AR", BUE, "2026-11-24 10:00", ALLOW, ALLOW,
         region="C", channel="email", flags=("no_calls",)),
    Case("AR7 the employer's number", "AR", BUE, "2026-11-24 10:00", NEVER, NEVER,
         channel="call", flags=("workplace",)),
    Case("UY1 Saturday", "UY", MVD, "2026-11-21 10:00", ALLOW, "2026-11-23 09:00"),
    Case("UY3 Carnival", "UY", MVD, "2027-02-08 10:00", ALLOW, "2027-02-10 09:00"),
    Case("PY3 ISO week or seven dates", "PY", ASU, "2026-11-26 10:00", "2026-11-30 08:00", "2026-11-30 08:00",
         channel="call", events=MON_TO_WED),
    Case(
        "PY3 late in the week: ISO week or seven dates", "PY", ASU, "2026-11-30 10:00", ALLOW, "2026-12-03 08:00",
        channel="call",
        events=tuple((f"2026-11-{day} 10:00", "call", "attempt") for day in (26, 27, 28)),
    ),
    Case("PY answered: one further contact that day", "PY", ASU, "2026-11-17 10:00", ALLOW, ALLOW,
         events=ANSWERED_THAT_DAY),
    Case("PY answered: no second further contact that day", "PY", ASU, "2026-11-17 15:00", "2026-11-18 08:00",
         "2026-11-18 08:00", channel="email", events=ANSWERED_THAT_DAY + SMS_AT_TEN),
    Case("PY answered the day after: one further contact that day", "PY", ASU, "2026-11-17 10:00", ALLOW, ALLOW,
         events=ANSWERED_THE_DAY_AFTER),
    Case("PY answered the day after: no second one that day", "PY", ASU, "2026-11-17 15:00", "2026-11-18 08:00",
         "2026-11-18 08:00", channel="email", events=ANSWERED_THE_DAY_AFTER + SMS_AT_TEN),
    Case("PY answered the day after: our reply is the one further contact", "PY", ASU, "2026-11-17 15:00",
         "2026-11-18 08:00", "2026-11-18 08:00", channel="email",
         events=(*ANSWERED_THE_DAY_AFTER, ("2026-11-17 09:11", "whatsapp", "attempt"))),
    Case("PY what was delivered that day and answered is not the further contact", "PY", ASU, "2026-11-17 10:00",
         ALLOW, ALLOW, events=(*ANSWERED_THE_DAY_AFTER, ("2026-11-17 08:05", "whatsapp", "delivered"))),
    Case("PY a talk on the telephone, then one further contact", "PY", ASU, "2026-11-17 10:00", ALLOW, ALLOW,
         events=(("2026-11-17 09:00", "call", "attempt"), ("2026-11-17 09:00", "call", "conversation"))),
    Case("PY a talk on the telephone, then no second one", "PY", ASU, "2026-11-17 15:00", "2026-11-18 08:00",
         "2026-11-18 08:00", channel="email",
         events=(("2026-11-17 09:00", "call", "attempt"), ("2026-11-17 09:00", "call", "conversation"), *SMS_AT_TEN)),
    Case("PY a message of the person out of the blue", "PY", ASU, "2026-11-17 15:00", ALLOW, "2026-11-18 08:00",
         channel="email", events=(("2026-11-17 09:10", "whatsapp", "inbound"), *SMS_AT_TEN)),
    Case("PY the person's second message of the day is answered all the same", "PY", ASU, "2026-11-17 21:30",
         ALLOW, ALLOW, channel="whatsapp", purpose="reply",
         events=(*ANSWERED_THAT_DAY, *SMS_AT_TEN, ("2026-11-17 21:00", "whatsapp", "inbound"),
                 ("2026-11-17 21:00", "whatsapp", "two_way"))),
    Case("ES1 no hours in the law", "ES", MAD, "2026-11-20 21:00", ALLOW, "2026-11-23 09:00", region="MD"),
    Case("ES11 a disputed debt", "ES", MAD, "2026-11-20 12:00", NEVER, NEVER, region="MD", flags=("dispute",)),
    Case("ES Barcelona's own day", "ES", MAD, "2026-09-24 12:00", ALLOW, "2026-09-25 09:00", region="CT",
         city="barcelona"),
    Case("ES Girona works that day", "ES", MAD, "2026-09-24 12:00", ALLOW, ALLOW, region="CT", city="Girona"),
    Case("BR1 messages: the text speaks of calls", "BR", SAO, "2026-11-21 14:00", ALLOW, "2026-11-23 08:00",
         region="SP"),
    Case("BR1 a call", "BR", SAO, "2026-11-21 14:00", "2026-11-23 08:00", "2026-11-23 08:00", region="SP",
         channel="call"),
    Case("BR7 Alagoas names messages", "BR", "America/Maceio", "2026-11-22 10:00", "2026-11-23 08:00",
         "2026-11-23 08:00", region="AL"),
    Case("BR a state without a known law", "BR", SAO, "2026-11-21 10:00", ALLOW, "2026-11-23 09:00", region="MG",
         channel="call"),
    Case("US federal hours bind agencies", "US", NYC, "2026-11-20 07:30", ALLOW, "2026-11-20 08:00", region="TX"),
    Case("US federal hours, an agency", "US", NYC, "2026-11-20 07:30", "2026-11-20 08:00", "2026-11-20 08:00",
         region="TX", actor="agency"),
    Case("US Florida binds creditors", "US", NYC, "2026-11-20 07:30", "2026-11-20 08:00", "2026-11-20 08:00",
         region="FL"),
    Case("US Florida leaves e-mail free", "US", NYC, "2026-11-20 07:30", ALLOW, "2026-11-20 08:00", region="FL",
         channel="email"),
    Case(
        "US15 Massachusetts: a call and a text", "US", NYC, "2026-11-20 10:00", "2026-11-23 08:00", "2026-11-23 08:00",
        region="MA", events=(("2026-11-16 10:00", "call", "attempt"), ("2026-11-18 10:00", "sms", "attempt")),
    ),
    Case(
        "US15 elsewhere", "US", NYC, "2026-11-20 10:00", ALLOW, ALLOW,
        region="TX", events=(("2026-11-16 10:00", "call", "attempt"), ("2026-11-18 10:00", "sms", "attempt")),
    ),
    Case(
        "US New York City: a fourth contact in seven days", "US", NYC, "2026-11-20 10:00", "2026-11-23 08:00",
        "2026-11-23 08:00", region="NY", city="Brooklyn", channel="call", actor="agency",
        events=(("2026-11-16 10:00", "call", "attempt"), ("2026-11-17 10:00", "call", "attempt"),
                ("2026-11-18 10:00", "call", "attempt")),
    ),
    Case(
        "US New York City: creditors only since September", "US", NYC, "2026-08-20 10:00", ALLOW, ALLOW,
        region="NY", city="Brooklyn", channel="call",
        events=(("2026-08-17 10:00", "call", "attempt"), ("2026-08-18 10:00", "call", "attempt"),
                ("2026-08-19 10:00", "call", "attempt")),
    ),
    Case("US New York City: messages by consent", "US", NYC, "2026-11-20 10:00", NEVER, NEVER,
         region="NY", city="Queens", channel="sms", authorised=("call",)),
    Case("US Buffalo is not New York City", "US", NYC, "2026-11-20 10:00", ALLOW, ALLOW,
         region="NY", city="Buffalo", channel="sms", authorised=("call",)),
    Case("UK no hours in the rules", "GB", LON, "2026-11-22 10:00", ALLOW, "2026-11-23 08:00", region="ENG"),
    Case("UK1 during the moratorium", "GB", LON, "2026-11-24 10:00", NEVER, NEVER, region="ENG", flags=("moratorium",)),
    Case("UK3 a notice that statute requires", "GB", LON, "2026-11-24 10:00", ALLOW, ALLOW,
         region="ENG", channel="post", flags=("moratorium", "statutory_notice")),
    Case("UK other hours asked for once do not open the moratorium", "GB", LON, "2026-11-24 10:00", NEVER, NEVER,
         region="WLS", flags=("moratorium", "requested_by_debtor")),
    Case("UK in the moratorium what the person asks is answered", "GB", LON, "2026-11-24 10:00", ALLOW, ALLOW,
         region="WLS", purpose="reply", flags=("moratorium",), events=(("2026-11-24 09:00", "sms", "inbound"),)),
    Case("UK7 Scotland has its own scheme: a person looks", "GB", LON, "2026-11-24 10:00", NEVER, NEVER,
         region="SCT", flags=("moratorium", "requested_by_debtor")),
]  # fmt: skip


@pytest.mark.parametrize("profile", ["literal", "strict"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_both_readings_have_their_answer(case: Case, profile: str) -> None:
    request = wish(
        case.country, case.zone, channel=case.channel, region=case.region, city=case.city, loan=case.loan,
        purpose=case.purpose, flags=case.flags, actor=case.actor, authorised=case.authorised,
    )  # fmt: skip
    events = [event(local(at, case.zone), channel, kind) for at, channel, kind in case.events]
    then = case.strict if profile == "strict" else case.literal

    decision = ask(request, local(case.at, case.zone), *events, profile=profile)

    if then is ALLOW:
        assert decision.verdict is Verdict.ALLOWED
    elif then == NEVER:
        assert decision.verdict is Verdict.NEVER
    else:
        assert decision.verdict is Verdict.NOT_BEFORE
        assert decision.not_before == local(then, case.zone)
    assert decision.reasons


def _in_moratorium(moratorium: Moratorium, *flags: str, channel: str = "sms") -> ContactRequest:
    request = wish("GB", LON, region="ENG", channel=channel, flags=flags)
    return request.model_copy(update={"moratorium": moratorium})


def test_uk1_sixty_days_begin_with_the_first_and_the_next_is_free() -> None:
    starts = Moratorium(starts=local("2026-11-21 00:00", LON).date())

    last_day = ask(_in_moratorium(starts), local("2027-01-19 10:00", LON))
    day_after = ask(_in_moratorium(starts), local("2027-01-20 10:00", LON))

    assert last_day.not_before == local("2027-01-20 08:00", LON)
    assert rule_ids(last_day)[0] == "stop.moratorium"
    assert day_after.verdict is Verdict.ALLOWED


def test_uk5_a_crisis_has_no_end_until_the_treatment_has_and_thirty_days_passed() -> None:
    starts = local("2026-11-21 00:00", LON).date()
    running = Moratorium(kind=MoratoriumKind.CRISIS, starts=starts)
    ended = running.model_copy(update={"treatment_ended": local("2026-12-04 00:00", LON).date()})

    assert ask(_in_moratorium(running), local("2027-06-01 10:00", LON)).verdict is Verdict.NEVER
    assert ask(_in_moratorium(ended), local("2026-12-10 10:00", LON)).not_before == local("2027-01-04 08:00", LON)


def test_uk3_a_statutory_notice_goes_out_while_the_moratorium_runs() -> None:
    running = Moratorium(kind=MoratoriumKind.CRISIS, starts=local("2026-11-21 00:00", LON).date())

    decision = ask(_in_moratorium(running, "statutory_notice", channel="post"), local("2026-11-24 10:00", LON))

    assert decision.verdict is Verdict.ALLOWED


def test_who_was_not_asked_for_authorisation_is_vouched_for_and_the_answer_says_so() -> None:
    decision = ask(wish("CO", BOG), local("2026-11-24 10:00", BOG))

    assert decision.verdict is Verdict.ALLOWED
    assert rule_ids(decision) == ["CO.hours.weekday", "CO.channels.authorised"]


def test_every_rule_of_a_pack_says_its_version() -> None:
    (reason,) = ask(wish("CL", SCL), local("2026-11-21 10:00", SCL)).reasons

    assert reason.version.startswith("2026-")


def test_a_law_that_comes_tomorrow_is_kept_in_mind_when_the_next_moment_is_looked_for() -> None:
    eve = local("2026-08-31 22:00", NYC)
    request = wish("US", NYC, region="NY", city="Bronx", channel="sms", authorised=["call"])

    decision = ask(request, eve)

    assert decision.verdict is Verdict.NEVER
    assert "US.nyc.channels.consent" in rule_ids(decision)
    assert ask(request, local("2026-08-31 20:00", NYC)).verdict is Verdict.ALLOWED

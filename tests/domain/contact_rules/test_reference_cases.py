"""Cases of the twelve countries, one row each: a moment, and the lawful answer to it."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from domain.contact import Verdict
from tests.domain.contact_rules.wishes import ask, event, local, wish

SCL, BOG, LIM, GYE, GAL = (
    "America/Santiago",
    "America/Bogota",
    "America/Lima",
    "America/Guayaquil",
    "Pacific/Galapagos",
)
CDMX, CUN, TIJ, HMO = "America/Mexico_City", "America/Cancun", "America/Tijuana", "America/Hermosillo"
BUE, MVD, ASU, MAD, CAN = (
    "America/Argentina/Buenos_Aires",
    "America/Montevideo",
    "America/Asuncion",
    "Europe/Madrid",
    "Atlantic/Canary",
)
SAO, MAO, MCZ = "America/Sao_Paulo", "America/Manaus", "America/Maceio"
NYC, LAX, CHI, LON = "America/New_York", "America/Los_Angeles", "America/Chicago", "Europe/London"

ALLOW = None


class Case(NamedTuple):
    """`at` and `then` are wall clocks in `asked_in` (the lender's zone) and in the person's first zone."""

    name: str
    country: str
    zones: tuple[str, ...]
    at: str
    then: str | None
    region: str | None = None
    asked_in: str | None = None
    channel: str = "sms"
    events: tuple[tuple[str, str, str], ...] = ()
    loan: str = "A"
    purpose: str = "collection"


CASES = [
    Case("CL1 Saturday evening waits for Monday", "CL", (SCL,), "2026-11-21 20:30", "2026-11-23 08:00"),
    Case("CL2 Saturday before eight is open", "CL", (SCL,), "2026-11-21 19:59", ALLOW),
    Case("CL3 two holidays and a Sunday", "CL", (SCL,), "2026-09-17 20:00", "2026-09-21 08:00"),
    Case(
        "CL5 Punta Arenas is an hour ahead in winter",
        "CL", ("America/Punta_Arenas",), "2026-07-01 19:30", "2026-07-02 08:00", asked_in=SCL,
    ),
    Case("CL7 holiday of some communes", "CL", (SCL,), "2026-08-20 10:00", "2026-08-21 08:00", region="NB"),
    Case("CL7 the capital works that day", "CL", (SCL,), "2026-08-20 10:00", ALLOW, region="RM"),
    Case("CL7 region unknown", "CL", (SCL,), "2026-08-20 10:00", "2026-08-21 08:00"),
    Case(
        "CL9 one call a week: ISO week and seven dates",
        "CL", (SCL,), "2026-11-23 10:00", "2026-11-27 08:00",
        channel="call", events=(("2026-11-20 10:00", "call", "conversation"),),
    ),
    Case(
        "CL9 a visit counts with the calls",
        "CL", (SCL,), "2026-11-23 10:00", "2026-11-27 08:00",
        channel="visit", events=(("2026-11-20 10:00", "call", "attempt"),),
    ),
    Case(
        "CL11 the next day is too near",
        "CL", (SCL,), "2026-11-24 10:00", "2026-11-25 08:00",
        channel="whatsapp", events=(("2026-11-23 10:00", "email", "attempt"),),
    ),
    Case(
        "CL11 two days apart is enough",
        "CL", (SCL,), "2026-11-25 10:00", ALLOW,
        channel="whatsapp", events=(("2026-11-23 10:00", "email", "attempt"),),
    ),
    Case(
        "CL13 another loan of the person counts",
        "CL", (SCL,), "2026-11-23 15:00", "2026-11-25 08:00",
        loan="B", events=(("2026-11-23 10:00", "sms", "attempt"),),
    ),
    Case(
        "CL15 Aysen keeps its clock in winter",
        "CL", ("America/Coyhaique",), "2026-07-01 19:30", "2026-07-02 08:00", asked_in=SCL,
    ),
    Case("CO1 last minute of Saturday", "CO", (BOG,), "2026-11-21 14:59", ALLOW),
    Case("CO1 Saturday is over at three", "CO", (BOG,), "2026-11-21 15:00", "2026-11-23 07:00"),
    Case("CO3 the holiday moved to Monday", "CO", (BOG,), "2026-07-09 10:00", ALLOW),
    Case("CO3 the Monday it moved to", "CO", (BOG,), "2026-07-13 10:00", "2026-07-14 07:00"),
    Case("CO5 Maundy Thursday and Good Friday", "CO", (BOG,), "2026-04-01 19:00", "2026-04-04 08:00"),
    Case("CO7 half past one in Madrid, summer", "CO", (BOG,), "2026-10-23 13:30", "2026-10-23 07:00", asked_in=MAD),
    Case("CO7 half past one in Madrid, winter", "CO", (BOG,), "2026-11-20 13:30", ALLOW, asked_in=MAD),
    Case(
        "CO9 once spoken with, tomorrow",
        "CO", (BOG,), "2026-11-23 16:00", "2026-11-24 07:00",
        channel="call", events=(("2026-11-23 10:00", "call", "conversation"),),
    ),
    Case(
        "CO11 unread messages open no week of one channel",
        "CO", (BOG,), "2026-11-25 10:00", ALLOW,
        channel="call", events=(("2026-11-23 10:00", "sms", "delivered"), ("2026-11-24 10:00", "email", "attempt")),
    ),
    Case(
        "CO17 spoken with on Saturday, another channel on Monday",
        "CO", (BOG,), "2026-11-23 10:00", "2026-11-28 08:00",
        events=(("2026-11-21 10:00", "call", "conversation"),),
    ),
    Case(
        "CO17 the same channel on Monday",
        "CO", (BOG,), "2026-11-23 10:00", ALLOW,
        channel="call", events=(("2026-11-21 10:00", "call", "conversation"),),
    ),
    Case("PE1 no Saturdays", "PE", (LIM,), "2026-11-21 10:00", "2026-11-23 07:00"),
    Case("PE3 two holidays in December", "PE", (LIM,), "2026-12-07 20:30", "2026-12-10 07:00"),
    Case("PE5 seven sharp", "PE", (LIM,), "2026-11-20 07:00", ALLOW),
    Case("PE7 a day between is no holiday", "PE", (LIM,), "2026-12-07 10:00", ALLOW),
    Case("EC1 no Saturdays", "EC", (GYE,), "2026-11-21 10:00", "2026-11-23 07:00"),
    Case("EC3 Pichincha is kept on Monday", "EC", (GYE,), "2026-05-25 10:00", "2026-05-26 07:00"),
    Case("EC5 Galapagos is an hour behind", "EC", (GAL,), "2026-11-20 07:30", "2026-11-20 07:00", asked_in=GYE),
    Case(
        "EC7 one a day over all channels",
        "EC", (GYE,), "2026-11-19 15:00", "2026-11-20 07:00",
        channel="email", events=(("2026-11-19 10:00", "sms", "attempt"),),
    ),
    Case("EC9 mainland or Galapagos", "EC", (GYE, GAL), "2026-11-20 07:30", "2026-11-20 08:00"),
    Case("MX1 Cancun is past ten on Friday", "MX", (CUN,), "2026-11-20 21:30", "2026-11-23 07:00", asked_in=CDMX),
    Case("MX3 Tijuana is still asleep", "MX", (TIJ,), "2026-07-01 07:30", "2026-07-01 07:00", asked_in=CDMX),
    Case("MX3 Hermosillo at seven", "MX", (HMO,), "2026-07-01 08:00", ALLOW, asked_in=CDMX),
    Case("MX5 no Saturdays in the strict reading", "MX", (CDMX,), "2026-11-21 21:30", "2026-11-23 07:00"),
    Case("MX7 Good Friday is no statutory holiday", "MX", (CDMX,), "2026-04-03 10:00", ALLOW),
    Case("AR1 papal visit", "AR", (BUE,), "2026-11-09 10:00", "2026-11-10 09:00"),
    Case("AR3 tourist bridge before a holiday", "AR", (BUE,), "2026-12-04 20:30", "2026-12-09 09:00"),
    Case("UY1 no Saturdays by policy", "UY", (MVD,), "2026-11-21 10:00", "2026-11-23 09:00"),
    Case("UY3 Carnival is a bank holiday", "UY", (MVD,), "2027-02-08 10:00", "2027-02-10 09:00"),
    Case("PY1 Saturday ends at noon", "PY", (ASU,), "2026-11-21 12:00", "2026-11-23 08:00"),
    Case(
        "PY3 three attempts a week",
        "PY", (ASU,), "2026-11-26 10:00", "2026-11-30 08:00",
        channel="call", events=tuple((f"2026-11-{day} 10:00", "call", "attempt") for day in (23, 24, 25)),
    ),
    Case(
        "PY5 messages count with the calls",
        "PY", (ASU,), "2026-11-26 10:00", "2026-11-30 08:00",
        channel="call", events=tuple((f"2026-11-{day} 10:00", "sms", "attempt") for day in (23, 24, 25)),
    ),
    Case(
        "PY answered: one more that day",
        "PY", (ASU,), "2026-11-23 11:00", ALLOW,
        channel="call", events=(("2026-11-23 10:00", "call", "attempt"), ("2026-11-23 10:00", "call", "conversation")),
    ),
    Case(
        "PY answered: not two more that day",
        "PY", (ASU,), "2026-11-23 12:00", "2026-11-24 08:00",
        channel="call",
        events=(
            ("2026-11-23 10:00", "call", "attempt"),
            ("2026-11-23 10:00", "call", "conversation"),
            ("2026-11-23 11:00", "sms", "attempt"),
        ),
    ),
    Case("ES1 nine in the evening", "ES", (MAD,), "2026-11-20 21:00", "2026-11-23 09:00", region="MD"),
    Case("ES3 moved All Saints in Madrid", "ES", (MAD,), "2026-11-02 10:00", "2026-11-03 09:00", region="MD"),
    Case("ES3 moved All Saints in Andalusia", "ES", (MAD,), "2026-11-02 10:00", "2026-11-03 09:00", region="AN"),
    Case("ES3 moved All Saints in the Canaries", "ES", (CAN,), "2026-11-02 10:00", "2026-11-03 09:00", region="CN"),
    Case("ES3 not in Catalonia", "ES", (MAD,), "2026-11-02 10:00", ALLOW, region="CT"),
    Case("ES3 region unknown", "ES", (MAD,), "2026-11-02 10:00", "2026-11-03 09:00"),
    Case("ES5 two holidays in December", "ES", (MAD,), "2026-12-07 10:00", "2026-12-09 09:00", region="MD"),
    Case("ES7 mobile number: before ten", "ES", (MAD, CAN), "2026-11-20 09:59", "2026-11-20 10:00"),
    Case("ES7 mobile number: ten", "ES", (MAD, CAN), "2026-11-20 10:00", ALLOW),
    Case("ES7 mobile number: nine in the evening", "ES", (MAD, CAN), "2026-11-20 21:00", "2026-11-23 10:00"),
    Case("ES13 the night with an hour twice", "ES", (MAD,), "2026-10-25 02:30", "2026-10-26 09:00", region="MD"),
    Case("BR1 Sao Paulo, Saturday at two", "BR", (SAO,), "2026-11-21 14:00", "2026-11-23 08:00", region="SP"),
    Case("BR3 Black Awareness Day", "BR", (SAO,), "2026-11-20 10:00", "2026-11-21 08:00", region="SP"),
    Case("BR5 Manaus before seven", "BR", (MAO,), "2026-11-18 19:30", ALLOW, region="AM", asked_in=SAO),
    Case("BR5 Manaus after seven", "BR", (MAO,), "2026-11-18 20:15", "2026-11-19 09:00", region="AM", asked_in=SAO),
    Case("BR7 Alagoas, Sunday", "BR", (MCZ,), "2026-11-22 10:00", "2026-11-23 08:00", region="AL"),
    Case("BR Rio has no Saturdays", "BR", (SAO,), "2026-11-28 10:00", "2026-11-30 09:00", region="RJ"),
    Case("US1 Los Angeles in the afternoon", "US", (LAX,), "2026-11-18 20:30", ALLOW, asked_in=NYC),
    Case("US1 Chicago before eight", "US", (CHI,), "2026-11-18 08:30", "2026-11-18 08:00", asked_in=NYC),
    Case("US3 spring forward, one minute early", "US", (NYC,), "2026-03-08 07:59", "2026-03-08 08:00"),
    Case("US3 spring forward, eight", "US", (NYC,), "2026-03-08 08:00", ALLOW),
    Case(
        "US5 seven days from a conversation",
        "US", (NYC,), "2026-11-03 10:00", "2026-11-09 08:00",
        channel="call", events=(("2026-11-02 10:00", "call", "conversation"),),
    ),
    Case(
        "US7 the person called and talked",
        "US", (NYC,), "2026-11-05 10:00", "2026-11-11 08:00",
        channel="call", events=(("2026-11-04 10:00", "call", "inbound"), ("2026-11-04 10:00", "call", "conversation")),
    ),
    Case(
        "US 7-in-7, the eighth call",
        "US", (NYC,), "2026-11-05 10:00", "2026-11-09 08:00",
        channel="call",
        events=tuple((f"2026-11-{day} {hour}:00", "call", "attempt") for day, hour in
                     (("02", 10), ("02", 11), ("02", 12), ("03", 10), ("03", 11), ("04", 10), ("04", 11))),
    ),
    Case(
        "US 7-in-7 is counted for each debt",
        "US", (NYC,), "2026-11-05 10:00", ALLOW,
        channel="call", loan="B",
        events=tuple((f"2026-11-0{day} {hour}:00", "call", "attempt") for day in (2, 3, 4) for hour in (10, 11, 12)),
    ),
    Case("US9 two candidate zones", "US", (NYC, "America/Phoenix"), "2026-11-20 09:30", "2026-11-20 10:00"),
    Case("UK evening", "GB", (LON,), "2026-11-20 20:00", "2026-11-21 08:00", region="ENG"),
    Case("UK Saint Andrew's Day in Scotland", "GB", (LON,), "2026-11-30 10:00", "2026-12-01 08:00", region="SCT"),
    Case("UK Saint Andrew's Day in England", "GB", (LON,), "2026-11-30 10:00", ALLOW, region="ENG"),
    Case(
        "WA7 an answer on a Colombian Sunday",
        "CO", (BOG,), "2026-11-22 10:00", ALLOW,
        channel="whatsapp", purpose="reply", events=(("2026-11-22 09:55", "whatsapp", "inbound"),),
    ),
    Case(
        "WA7 a reminder on a Colombian Sunday",
        "CO", (BOG,), "2026-11-22 10:00", "2026-11-23 07:00",
        channel="whatsapp", events=(("2026-11-22 09:55", "whatsapp", "inbound"),),
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_next_lawful_moment_is_the_one_the_law_gives(case: Case) -> None:
    zone = case.zones[0]
    request = wish(
        case.country, *case.zones, channel=case.channel, region=case.region, loan=case.loan, purpose=case.purpose
    )
    events = [event(local(at, zone), channel, kind) for at, channel, kind in case.events]

    decision = ask(request, local(case.at, case.asked_in or zone), *events)

    if case.then is ALLOW:
        assert decision.verdict is Verdict.ALLOWED
    else:
        assert decision.verdict is Verdict.NOT_BEFORE
        assert decision.not_before == local(case.then, zone)
        assert ask(request, local(case.then, zone), *events).verdict is Verdict.ALLOWED
    assert all(reason.rule and reason.source and reason.text for reason in decision.reasons)
    assert decision.reasons

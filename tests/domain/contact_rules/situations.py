"""Random people, ledgers and moments over all countries, nights of clock changes among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from domain.contact import Channel, ContactEvent, ContactEventKind, ContactRequest, Purpose
from domain.contact_rules import Caps

PLACES: dict[str, tuple[list[str | None], list[str]]] = {
    "CL": ([None, "RM", "NB", "AP"], ["America/Santiago", "America/Punta_Arenas", "Pacific/Easter"]),
    "CO": ([None], ["America/Bogota"]),
    "PE": ([None], ["America/Lima"]),
    "EC": ([None], ["America/Guayaquil", "Pacific/Galapagos"]),
    "MX": ([None], ["America/Mexico_City", "America/Tijuana", "America/Cancun", "America/Ciudad_Juarez"]),
    "AR": ([None, "B", "C"], ["America/Argentina/Buenos_Aires"]),
    "UY": ([None], ["America/Montevideo"]),
    "PY": ([None], ["America/Asuncion"]),
    "ES": ([None, "MD", "CT", "AN", "CN"], ["Europe/Madrid", "Atlantic/Canary"]),
    "BR": (["SP", "RJ", "AM", "AL", "ES", "MG"], ["America/Sao_Paulo", "America/Manaus", "America/Noronha"]),
    "US": ([None, "NY", "MA"], ["America/New_York", "America/Los_Angeles", "America/Phoenix", "Pacific/Honolulu"]),
    "GB": ([None, "ENG", "SCT", "NIR"], ["Europe/London"]),
}
CLOCK_CHANGES = [
    datetime(2026, 3, 8, 10, tzinfo=UTC),
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 4, 5, 3, tzinfo=UTC),
    datetime(2026, 9, 6, 4, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2027, 3, 28, 1, tzinfo=UTC),
    datetime(2028, 11, 5, 9, tzinfo=UTC),
]


@dataclass(frozen=True)
class Situation:
    request: ContactRequest
    at: datetime
    events: tuple[ContactEvent, ...]
    lender: Caps


minutes_of_three_years = st.integers(0, 3 * 365 * 1440).map(
    lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=n)
)
near_clock_changes = st.builds(
    lambda change, minutes: change + timedelta(minutes=minutes),
    st.sampled_from(CLOCK_CHANGES),
    st.integers(-36 * 60, 36 * 60),
)
kinds = st.sampled_from([ContactEventKind.ATTEMPT, *ContactEventKind])


@st.composite
def ledgers(draw: st.DrawFn, at: datetime) -> tuple[ContactEvent, ...]:
    drawn = st.builds(
        ContactEvent,
        at=st.integers(-9 * 1440, 6 * 1440).map(lambda n: at + timedelta(minutes=n)),
        channel=st.sampled_from(Channel),
        kind=kinds,
        loan_id=st.sampled_from(["A", "B", None]),
    )
    return tuple(draw(st.lists(drawn, max_size=12)))


@st.composite
def situations(draw: st.DrawFn, countries: tuple[str, ...] = tuple(PLACES)) -> Situation:
    country = draw(st.sampled_from(countries))
    regions, zones = PLACES[country]
    channel = draw(st.sampled_from(Channel))
    spoken = channel in (Channel.CALL, Channel.VISIT)
    purposes = [Purpose.COLLECTION] * 4 + ([Purpose.TRANSACTIONAL] if spoken else [])
    at = draw(st.one_of(minutes_of_three_years, near_clock_changes))
    caps = st.one_of(st.none(), st.integers(1, 3))
    return Situation(
        request=ContactRequest(
            loan_id="A",
            channel=channel,
            purpose=draw(st.sampled_from(purposes)),
            country=country,
            region=draw(st.sampled_from(regions)),
            timezones=tuple(draw(st.lists(st.sampled_from(zones), min_size=1, max_size=2, unique=True))),
        ),
        at=at,
        events=draw(ledgers(at)),
        lender=Caps(per_day=draw(caps), per_week=draw(caps)),
    )

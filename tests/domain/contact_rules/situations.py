"""Random people, ledgers and moments over all countries, nights of clock changes among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from domain.contact import Actor, Channel, ContactEvent, ContactEventKind, ContactRequest, Purpose
from domain.contact_rules import Caps, Profile

# Country: regions, cities, zones. Cities that some rule names, one that none does, and None, which is not known.
Place = tuple[list[str | None], list[str | None], list[str]]
PLACES: dict[str, Place] = {
    "CL": (
        [None, "RM", "NB", "AP"],
        [None, "Chillán", "chillan viejo", "Bulnes"],
        ["America/Santiago", "America/Punta_Arenas", "America/Coyhaique", "Pacific/Easter"],
    ),
    "CO": ([None, "DC"], [None], ["America/Bogota"]),
    "PE": ([None], [None], ["America/Lima"]),
    "EC": ([None, "P", "G", "W"], [None, "Quito", "Guayaquil", "Ambato"], ["America/Guayaquil", "Pacific/Galapagos"]),
    "MX": (
        [None, "ROO"],
        [None],
        ["America/Mexico_City", "America/Tijuana", "America/Cancun", "America/Ciudad_Juarez"],
    ),
    "AR": ([None, "B", "C"], [None], ["America/Argentina/Buenos_Aires"]),
    "UY": ([None], [None], ["America/Montevideo"]),
    "PY": ([None], [None], ["America/Asuncion"]),
    "ES": (
        [None, "MD", "CT", "AN", "CN"],
        [None, "Barcelona", "Girona"],
        ["Europe/Madrid", "Atlantic/Canary"],
    ),
    "BR": (
        ["SP", "RJ", "AM", "AL", "ES", "MG"],
        [None, "São Paulo", "Campinas"],
        ["America/Sao_Paulo", "America/Manaus", "America/Noronha"],
    ),
    "US": (
        [None, "NY", "MA", "FL", "TX"],
        [None, "Brooklyn", "New York", "Buffalo"],
        ["America/New_York", "America/Los_Angeles", "America/Phoenix", "Pacific/Honolulu"],
    ),
    "GB": ([None, "ENG", "SCT", "NIR"], [None], ["Europe/London"]),
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
    profile: Profile
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


authorisations = st.one_of(st.none(), st.frozensets(st.sampled_from(Channel), min_size=3))
facts = st.sets(st.sampled_from(["requested_by_debtor", "bank_calendar", "codebtor"]), max_size=2)


@st.composite
def situations(
    draw: st.DrawFn,
    countries: tuple[str, ...] = tuple(PLACES),
    profiles: tuple[Profile, ...] = tuple(Profile),
    guards: tuple[int, ...] = (0, 0, 5, 30),
) -> Situation:
    country = draw(st.sampled_from(countries))
    regions, cities, zones = PLACES[country]
    channel = draw(st.sampled_from(Channel))
    spoken = channel in (Channel.CALL, Channel.VISIT)
    purposes = [Purpose.COLLECTION] * 4 + ([Purpose.TRANSACTIONAL] if spoken else [])
    at = draw(st.one_of(minutes_of_three_years, near_clock_changes))
    caps = st.one_of(st.none(), st.integers(1, 3))
    return Situation(
        profile=draw(st.sampled_from(profiles)),
        request=ContactRequest(
            loan_id=draw(st.sampled_from(["A", "A", "A", ""])),
            channel=channel,
            purpose=draw(st.sampled_from(purposes)),
            country=country,
            region=draw(st.sampled_from(regions)),
            city=draw(st.sampled_from(cities)),
            timezones=tuple(draw(st.lists(st.sampled_from(zones), min_size=1, max_size=2, unique=True))),
            actor=draw(st.sampled_from(Actor)),
            flags=frozenset(draw(facts)),
            authorised_channels=draw(authorisations),
        ),
        at=at,
        events=draw(ledgers(at)),
        lender=Caps(per_day=draw(caps), per_week=draw(caps), guard_minutes=draw(st.sampled_from(guards))),
    )

"""By which clocks a person is protected, where the lender's file may be wrong about their zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from config.jurisdictions import load_rulebook
from domain.contact import Channel, ContactRequest, Verdict
from domain.contact_rules import Caps, RuleBook, candidate_zones, decide


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return load_rulebook()


@pytest.mark.parametrize(
    ("country", "region", "zone", "candidates"),
    [
        ("ES", "MD", "Europe/Madrid", ("Europe/Madrid",)),
        ("ES", "ES-MD", "Europe/Madrid", ("Europe/Madrid",)),
        ("ES", None, "Atlantic/Canary", ("Atlantic/Canary",)),
        ("ES", "CN", "Europe/Madrid", ("Europe/Madrid", "Atlantic/Canary")),
        ("US", "TX", "America/Denver", ("America/Denver",)),
        ("US", "CA", "America/New_York", ("America/New_York", "America/Los_Angeles")),
        ("MX", "BCN", "America/Mexico_City", ("America/Mexico_City", "America/Tijuana")),
        ("EC", "W", "America/Guayaquil", ("America/Guayaquil", "Pacific/Galapagos")),
        ("CL", None, "Europe/Madrid",
         ("Europe/Madrid", "America/Santiago", "America/Punta_Arenas", "America/Coyhaique", "Pacific/Easter")),
        # Another name of the same clock contradicts nothing.
        ("US", "NY", "US/Eastern", ("US/Eastern",)),
        ("AR", "X", "America/Argentina/Cordoba", ("America/Argentina/Cordoba",)),
        # Codes that files hold as often as those of ISO 3166-2.
        ("MX", "BC", "America/Mexico_City", ("America/Mexico_City", "America/Tijuana")),
        ("MX", "QR", "America/Mexico_City", ("America/Mexico_City", "America/Cancun")),
        ("MX", "SR", "America/Hermosillo", ("America/Hermosillo",)),
        ("MX", "CH", "America/Mexico_City", ("America/Mexico_City",)),
        ("MX", "JAL", "America/Tijuana", ("America/Tijuana", "America/Mexico_City")),
        # A code that nobody knows may be of any region of the country, and of none abroad.
        ("MX", "XYZ", "America/Tijuana", ("America/Tijuana",)),
        ("MX", "XYZ", "Europe/Madrid",
         ("Europe/Madrid", "America/Mexico_City", "America/Tijuana", "America/Mazatlan", "America/Chihuahua",
          "America/Ciudad_Juarez", "America/Ojinaga", "America/Monterrey", "America/Matamoros",
          "America/Bahia_Banderas", "America/Cancun", "America/Hermosillo")),
        ("BR", "SP", "America/Manaus", ("America/Manaus", "America/Sao_Paulo")),
        ("US", "NV", "America/Denver", ("America/Denver",)),
        # Without a zone nobody is contacted: no day that is due would be theirs.
        ("ES", None, None, ()),
        ("ES", "CN", None, ()),
        ("US", "TX", None, ()),
        ("MX", "BC", None, ()),
        ("US", "ZZ", None, ()),
        ("FR", "IDF", None, ()),
        ("FR", "IDF", "Europe/Paris", ("Europe/Paris",)),
    ],
)  # fmt: skip
def test_the_zone_of_the_file_is_held_against_the_region(
    book: RuleBook, country: str, region: str | None, zone: str | None, candidates: tuple[str, ...]
) -> None:
    assert candidate_zones(book.pack(country), region, zone) == candidates


@pytest.mark.parametrize(
    ("country", "region", "zone", "at", "home"),
    [
        ("MX", "BCN", "America/Mexico_City", "2026-12-01T07:00", "America/Tijuana"),
        ("MX", "ROO", "America/Mexico_City", "2026-12-01T21:55", "America/Cancun"),
        ("ES", "CN", "Europe/Madrid", "2026-12-01T09:00", "Atlantic/Canary"),
        ("CL", "RM", "Europe/Madrid", "2026-12-01T09:00", "America/Santiago"),
        ("EC", "W", "America/Guayaquil", "2026-12-01T07:00", "Pacific/Galapagos"),
        ("BR", "AM", "America/Sao_Paulo", "2026-12-01T09:00", "America/Manaus"),
        ("US", "CA", "America/New_York", "2026-12-01T08:00", "America/Los_Angeles"),
        ("MX", "BC", "America/Mexico_City", "2026-12-01T07:05", "America/Tijuana"),
    ],
)
def test_nobody_is_written_to_outside_their_hours_because_the_file_names_another_zone(
    book: RuleBook, country: str, region: str, zone: str, at: str, home: str
) -> None:
    """Given a zone that contradicts the region, when the file's clock is within the hours and the one at home is not,
    then the contact waits until it is within them on both."""
    asked = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone))
    zones = candidate_zones(book.pack(country), region, zone)
    request = ContactRequest(
        loan_id="A", channel=Channel.SMS, country=country, region=region, timezones=zones, city="Elsewhere"
    )

    told = decide(request, asked, [], book, Caps())

    assert told.verdict is Verdict.NOT_BEFORE
    assert told.not_before is not None
    alone = request.model_copy(update={"timezones": (home,)})
    assert decide(alone, told.not_before, [], book, Caps()).verdict is Verdict.ALLOWED

"""A city that may be misspelt is one that is not known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from config.jurisdictions import load_rulebook
from domain.contact import Channel, ContactRequest, Verdict
from domain.contact_rules import Caps, RuleBook, decide
from domain.contact_rules.cities import alike_elsewhere, likest, named_cities
from domain.contact_rules.model import Profile, city_key

TUESDAY = datetime(2026, 11, 24, 17, tzinfo=UTC)


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return load_rulebook()


def verdict(book: RuleBook, city: str | None) -> Verdict:
    """Of a text message to somebody in New York State who authorised calls alone: the city asks for consent."""
    request = ContactRequest(
        loan_id="A", channel=Channel.SMS, country="US", region="NY", city=city, timezones=("America/New_York",),
        authorised_channels=frozenset({Channel.CALL}),
    )  # fmt: skip
    return decide(request, TUESDAY, [], book, Caps()).verdict


@pytest.mark.parametrize(
    "city", ["Brooklyn", "Brooklin", "BROOKLIN, NY", "Bklyn", "Newyork", "Staten Isl.", "NY", None]
)
def test_a_misspelt_city_keeps_the_rules_of_the_city(book: RuleBook, city: str | None) -> None:
    assert verdict(book, city) is Verdict.NEVER


@pytest.mark.parametrize(
    "city",
    [
        "Glendale", "Douglaston", "Briarwood", "Jamaica Estates", "Belle Harbor", "Broad Channel", "Rockaway Point",
        "Kings County", "Bronx County", "LIC", "Harlem", "Williamsburg", "Bed-Stuy", "Hells Kitchen", "Co-op City",
    ],
)  # fmt: skip
def test_the_city_is_known_by_its_postal_names_counties_and_neighborhoods(book: RuleBook, city: str) -> None:
    assert verdict(book, city) is Verdict.NEVER


@pytest.mark.parametrize(
    "city",
    [
        "Buffalo", "Albany", "Yonkers", "Rochester", "New Rochelle", "White Plains", "Auburn", "Brighton", "Middletown",
        "Port Chester", "Hamilton", "Kingston", "Pelham", "Yorktown Heights",
    ],
)  # fmt: skip
def test_another_city_is_another_city(book: RuleBook, city: str) -> None:
    assert verdict(book, city) is Verdict.ALLOWED


def test_the_literal_reading_takes_a_misspelt_city_for_one_that_is_not_known() -> None:
    assert verdict(load_rulebook(profile=Profile.LITERAL), "Brooklin") is Verdict.ALLOWED


@pytest.mark.parametrize(
    "city",
    [
        "N/A", "n.a.", "NA", "-", "--", ".", "", "S/N", "unknown", "None", "null", "XXX", "Desconocido",
        "Não informado", "sin datos", "11201", "10001-1234", "14201 Buffalo", "12 Main St",
    ],
)  # fmt: skip
def test_what_names_no_city_sets_no_rules_of_a_city_aside(book: RuleBook, city: str) -> None:
    """Given somebody in New York State of whose city the file says nothing, in whatever words, when they are to be
    written to, then the city's rules hold as where the cell is empty."""
    assert verdict(book, city) is Verdict.NEVER


@pytest.mark.parametrize(
    "city",
    [
        "Brooklyn NY 11201", "Brooklyn NY", "Bronx NY 10451", "New York NY 10001", "NEW YORK NY", "Brooklyn Heights",
        "Queens New York", "Astoria Queens",
    ],
)  # fmt: skip
def test_what_follows_the_name_of_a_city_makes_it_no_other_city(book: RuleBook, city: str) -> None:
    assert verdict(book, city) is Verdict.NEVER


@pytest.mark.parametrize("city", ["New York Mills", "Bellerose Terrace", "Yorkville", "Bronxville"])
def test_a_place_of_the_state_with_the_citys_name_in_its_own_is_another_city(book: RuleBook, city: str) -> None:
    assert verdict(book, city) is Verdict.ALLOWED


@pytest.mark.parametrize(("city", "open_"), [("S/N", False), ("Barcelona 08001", False), ("Girona", True)])
def test_barcelonas_day_is_kept_for_whom_nobody_says_that_they_live_elsewhere(
    book: RuleBook, city: str, open_: bool
) -> None:
    """24 September 2026, la Mercè, is a Thursday."""
    request = ContactRequest(
        loan_id="A", channel=Channel.SMS, country="ES", region="CT", city=city, timezones=("Europe/Madrid",)
    )

    found = decide(request, datetime(2026, 9, 24, 9, tzinfo=UTC), [], book, Caps()).verdict

    assert found is (Verdict.ALLOWED if open_ else Verdict.NOT_BEFORE)


@pytest.mark.parametrize(
    ("country", "region", "city", "near"),
    [
        ("US", "NY", "Brooklin", "Brooklyn"),
        ("US", "NY", "Brooklyn", None),
        ("US", "NJ", "Brooklin", None),
        ("ES", "CT", "Barcelna", "Barcelona"),
        ("ES", "CT", "Girona", None),
        ("ES", "MD", "Barcelna", None),
        ("CL", "NB", "Chilan", "Chillán"),
        ("EC", "P", "Quitto", "Quito"),
        ("BR", "SP", "Sao Paolo", "São Paulo"),
    ],
)
def test_only_cities_of_the_region_are_looked_at(
    book: RuleBook, country: str, region: str, city: str, near: str | None
) -> None:
    pack = book.pack(country)
    assert pack is not None
    assert likest(city_key(city), tuple(named_cities(pack, region).items()), alike_elsewhere(pack)) == near


@pytest.mark.parametrize(
    ("here", "elsewhere"),
    [
        ("Rockaway Point", ["Rocky Point"]),
        ("Riverdale", ["Riverside"]),
        ("Belle Harbor", ["Hewlett Harbor"]),
        ("Kings County", ["Kings Point", "Tompkins County", "Wyoming County"]),
        ("Queens County", ["Greene County"]),
        ("Bronx County", ["Broome County"]),
    ],
)
def test_a_place_of_the_state_that_is_called_nearly_like_one_of_the_city_is_not_in_the_city(
    book: RuleBook, here: str, elsewhere: list[str]
) -> None:
    """Given places of New York State whose names are nearly those of places in New York City, when they are looked up,
    then they keep the state's rules, and the place in the city keeps the city's."""
    pack = book.pack("US")
    assert pack is not None
    named = named_cities(pack, "NY")

    assert city_key(here) in named
    for other in elsewhere:
        assert likest(city_key(other), tuple(named.items()), alike_elsewhere(pack)) is None
        assert verdict(book, other) is Verdict.ALLOWED
    assert verdict(book, here) is not Verdict.ALLOWED


@pytest.mark.parametrize(
    "city", ["Bronx Couny", "Kings Cnty", "King's County", "Queens Conty", "Riverdle", "Rockway Point", "Bell Harbor"]
)
def test_a_misspelt_place_of_the_city_keeps_the_rules_of_the_city(book: RuleBook, city: str) -> None:
    """Given a place of New York City, misspelt, whose name is nearly that of another place of the state, when it is
    looked up, then the error falls on the side of the person."""
    assert verdict(book, city) is Verdict.NEVER


def test_a_place_that_is_elsewhere_is_none_that_rules_name(book: RuleBook) -> None:
    for pack in book.packs:
        assert not alike_elsewhere(pack) & set(named_cities(pack, None))

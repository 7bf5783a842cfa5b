import phonenumbers
import pytest
from ruamel.yaml import YAML

from sandbox.odds import DEFAULT_FILE, BadOdds, load_odds
from sandbox.people import bank_numbers, email_for, full_name, phone_for
from sandbox.places import COUNTRIES, REGIONS, US_AREAS, zone_of


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_everyone_has_a_valid_number_a_name_and_a_safe_address(country: str) -> None:
    for n in range(30):
        number = phone_for(5, f"k{n}", country, zone_of(country, None), lambda _: False)
        name = full_name(5, f"k{n}", country)

        assert phonenumbers.is_valid_number(phonenumbers.parse(number)), number
        assert phonenumbers.region_code_for_number(phonenumbers.parse(number)) == country
        assert len(name.split()) >= 2
        assert email_for(5, f"k{n}", name).endswith("@example.com")


def test_american_numbers_are_fictional_and_of_their_zone() -> None:
    for state in ("NY", "CA", "TX", "AK"):
        zone = zone_of("US", state)
        number = phone_for(5, state, "US", zone, lambda _: False)

        assert number[5:10] == "55501"
        assert number[2:5] in US_AREAS[zone].split()


def test_a_taken_number_is_not_given_twice() -> None:
    first = phone_for(5, "k", "US", "America/Anchorage", lambda _: False)
    second = phone_for(5, "k", "US", "America/Anchorage", {first}.__contains__)

    assert first != second


@pytest.mark.parametrize("country", ["ES", "PT", "FR", "DE", "GB"])
def test_account_numbers_check(country: str) -> None:
    iban, _ = bank_numbers(5, "k", country)

    assert iban is not None
    digits = "".join(str(int(c, 36)) for c in iban[4:] + iban[:4])
    assert int(digits) % 97 == 1


@pytest.mark.parametrize(
    ("country", "region", "zone"),
    [
        ("US", "CA", "America/Los_Angeles"),
        ("US", "US-NY", "America/New_York"),
        ("US", "AZ", "America/Phoenix"),
        ("ES", "Canarias", "Atlantic/Canary"),
        ("ES", None, "Europe/Madrid"),
        ("MX", "BCN", "America/Tijuana"),
    ],
)
def test_a_region_tells_the_zone(country: str, region: str | None, zone: str) -> None:
    assert zone_of(country, region) == zone


def test_every_state_of_the_union_has_a_zone() -> None:
    assert len([r for c, r in REGIONS if c == "US"]) == 52  # with DC and PR


def test_an_odd_without_its_evidence_is_refused(tmp_path: object) -> None:
    text = DEFAULT_FILE.read_text(encoding="utf-8").replace(", mark: G}", "}", 1)
    file = DEFAULT_FILE.parent / "no-such.yaml"
    with pytest.raises(BadOdds, match="no-such"):
        load_odds(file)
    with pytest.raises(BadOdds, match="no preset"):
        load_odds(preset="none")
    assert isinstance(tmp_path, type(DEFAULT_FILE))
    broken = tmp_path / "odds.yaml"
    broken.write_text(text, encoding="utf-8")
    with pytest.raises(BadOdds, match="expected value, range, evidence and mark"):
        load_odds(broken)


def test_every_odd_in_the_file_is_used() -> None:
    tree = YAML(typ="safe").load(DEFAULT_FILE)
    code = "".join(p.read_text(encoding="utf-8") for p in DEFAULT_FILE.parent.glob("*.py"))
    names = [f"{group}.{name}" for group, odds in tree.items() if group != "presets" for name in odds]

    unused = [n for n in names if n not in code and not n.startswith("late.cure_month_")]
    assert unused == []
    assert len(names) > 50

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.jurisdictions import SHIPPED, JurisdictionError, load_pack, load_rulebook
from domain.contact_rules.model import Profile

COUNTRIES = ["AR", "BR", "CL", "CO", "EC", "ES", "GB", "MX", "PE", "PY", "US", "UY"]


def _broken(tmp_path: Path, change: Callable[[str], str], name: str = "CO") -> JurisdictionError:
    file = tmp_path / f"{name}.yaml"
    good = (SHIPPED / "CO.yaml").read_text(encoding="utf-8")
    bad = change(good)
    assert bad != good
    file.write_text(bad, encoding="utf-8")
    with pytest.raises(JurisdictionError) as caught:
        load_pack(file)
    assert str(file) in str(caught.value)
    return caught.value


def _line_of(text: str) -> int:
    lines = (SHIPPED / "CO.yaml").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_the_twelve_countries_are_shipped_in_the_strict_profile() -> None:
    rules = load_rulebook()

    assert sorted(pack.country for pack in rules.packs) == COUNTRIES
    assert {pack.profile for pack in rules.packs} == {Profile.STRICT}
    assert set(rules.versions) == set(COUNTRIES)


def test_what_is_not_law_says_so() -> None:
    for pack in load_rulebook().packs:
        for rule in pack.rules():
            assert (rule.evidence == "policy") == (rule.basis == "policy"), rule.id
            assert ("policy" in rule.source) >= (rule.basis == "policy"), rule.id


def test_hours_that_are_no_hours(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace('"07:00-19:00"', '"7 to 19"'))

    assert error.line == _line_of('"07:00-19:00"')
    assert error.field == "hours.0.open"
    assert '"08:00-20:00"' in str(error)


def test_hours_that_end_before_they_start(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace('"07:00-19:00"', '"19:00-07:00"'))

    assert error.line == _line_of('"07:00-19:00"')
    assert "end after they start" in str(error)


def test_a_field_nobody_knows(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace("    max: 3\n", "    max: 3\n    maximum: 3\n"))

    assert error.field == "caps.1.maximum"
    assert error.line == _line_of("max: 3") + 1


def test_a_field_that_is_missing_is_shown_at_its_rule(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace("    max: 3\n", ""))

    assert error.field == "caps.1.max"
    assert error.line == _line_of("CO.cap.week")


@pytest.mark.parametrize("value", ["0", "many", "1.5"])
def test_a_limit_that_is_no_number_above_zero(tmp_path: Path, value: str) -> None:
    error = _broken(tmp_path, lambda text: text.replace("max: 3", f"max: {value}"))

    assert (error.field, error.line) == ("caps.1.max", _line_of("max: 3"))


def test_a_day_without_hours_would_be_open_unseen(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace("days: [sat]", "days: [sun]"))

    assert (error.field, error.line) == ("hours", _line_of("hours:"))
    assert "sat" in str(error) or "sun" in str(error)


def test_two_rules_with_one_id(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace("CO.cap.week", "CO.cap.day"))

    assert (error.field, error.line) == ("caps.1.id", _line_of("CO.cap.week"))


def test_a_rule_of_another_country(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace("CO.hours.holiday", "PE.hours.holiday"))

    assert (error.field, error.line) == ("holidays.0.id", _line_of("CO.hours.holiday"))


def test_the_file_is_named_after_its_country(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text + "\n", name="PE")

    assert (error.field, error.line) == ("country", _line_of("country: CO"))


def test_holidays_nobody_knows(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace("caps:", "    categories: [lunar]\ncaps:"))

    assert error.field == "holidays.0.categories"
    assert error.line == _line_of("caps:")


def test_a_cap_that_would_count_what_the_person_did(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace("    max: 3", "    max: 3\n    counts: [inbound]"))

    assert error.field == "caps.1.counts"


def test_text_that_is_no_yaml(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace("hours:\n", "hours: [\n"))

    assert error.line > 1
    assert "not YAML" in str(error)


def test_a_key_given_twice(tmp_path: Path) -> None:
    error = _broken(tmp_path, lambda text: text.replace("    max: 3\n", "    max: 3\n    max: 4\n"))

    assert error.line == _line_of("max: 3") + 1


@pytest.mark.parametrize("content", ["", "- CO\n", "just text\n"])
def test_a_file_that_is_no_pack(tmp_path: Path, content: str) -> None:
    error = _broken(tmp_path, lambda _: content)

    assert "mapping" in str(error)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "CO.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(JurisdictionError, match="cannot be read"):
        load_pack(tmp_path / "CO.yaml")


def test_a_folder_without_packs(tmp_path: Path) -> None:
    with pytest.raises(JurisdictionError, match="strict pack"):
        load_rulebook(tmp_path)

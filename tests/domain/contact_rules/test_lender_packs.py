from __future__ import annotations

from pathlib import Path

import pytest

from config.jurisdictions import SHIPPED, JurisdictionError, load_rulebook, load_rulebooks
from domain.contact import Verdict
from domain.contact_rules import Caps, Profile, decide
from tests.domain.contact_rules.wishes import event, local, rule_ids, wish

BOG, SCL = "America/Bogota", "America/Santiago"
COMMON = "source: house rules\n    basis: policy\n    evidence: policy\n    text: The house's own rule."


def _lender(tmp_path: Path, rules: str, country: str = "CO") -> Path:
    folder = tmp_path / "lender"
    folder.mkdir(exist_ok=True)
    text = f'country: {country}\nversion: "7"\n{rules.replace("COMMON", COMMON)}'
    (folder / f"{country}.yaml").write_text(text, encoding="utf-8")
    return folder


def _refused(tmp_path: Path, rules: str, country: str = "CO") -> JurisdictionError:
    with pytest.raises(JurisdictionError) as caught:
        load_rulebook(lender=_lender(tmp_path, rules, country))
    assert caught.value.file == tmp_path / "lender" / f"{country}.yaml"
    return caught.value


def test_a_lender_may_close_later_mornings_and_saturdays(tmp_path: Path) -> None:
    book = load_rulebook(
        lender=_lender(
            tmp_path,
            "hours:\n"
            '  - id: CO.lender.mornings\n    COMMON\n    days: [mon, tue, wed, thu, fri]\n    open: "09:00-18:00"\n'
            "  - id: CO.lender.saturday\n    COMMON\n    days: [sat]\n    open: null\n",
        )
    )

    decision = decide(wish("CO", BOG), local("2026-11-21 10:00", BOG), [], book, Caps())

    assert decision.not_before == local("2026-11-23 09:00", BOG)
    assert rule_ids(decision)[0] == "CO.lender.saturday"
    assert book.versions["CO"].endswith("+7")
    assert book.versions["CL"] == load_rulebook().versions["CL"]


def test_longer_hours_than_the_laws_are_refused_with_the_laws_rule(tmp_path: Path) -> None:
    error = _refused(
        tmp_path,
        'hours:\n  - id: CO.lender.evening\n    COMMON\n    days: [fri]\n    open: "09:00-20:00"\n',
    )

    assert "CO.lender.evening would be laxer" in str(error).replace(": would", " would")
    assert "CO.hours.weekday" in str(error)
    assert error.line == 4


def test_a_day_the_law_closes_cannot_be_opened(tmp_path: Path) -> None:
    error = _refused(
        tmp_path, 'hours:\n  - id: CO.lender.sunday\n    COMMON\n    days: [sun]\n    open: "10:00-11:00"\n'
    )

    assert "CO.hours.sunday" in str(error)


def test_a_higher_number_than_the_laws_is_refused(tmp_path: Path) -> None:
    error = _refused(
        tmp_path,
        "caps:\n  - id: CL.lender.calls\n    COMMON\n    channels: [call]\n    per: week\n    max: 2\n",
        "CL",
    )

    assert "CL.cap.calls" in str(error)


def test_a_shorter_gap_than_the_laws_is_refused(tmp_path: Path) -> None:
    error = _refused(tmp_path, "gaps:\n  - id: CL.lender.gap\n    COMMON\n    channels: [sms]\n    dates: 1\n", "CL")

    assert "CL.gap.messages" in str(error)


def test_a_smaller_number_binds_beside_the_laws(tmp_path: Path) -> None:
    book = load_rulebook(
        lender=_lender(
            tmp_path,
            "caps:\n  - id: CL.lender.sms\n    COMMON\n    channels: [sms]\n    per: week\n    max: 1\n",
            "CL",
        )
    )
    sent = [event(local("2026-11-16 10:00", SCL), "sms")]

    decision = decide(wish("CL", SCL, region="RM"), local("2026-11-20 10:00", SCL), sent, book, Caps())

    assert decision.verdict is Verdict.NOT_BEFORE
    assert "CL.lender.sms" in rule_ids(decision)


def test_a_day_of_its_own_can_be_added_to_the_calendar_and_none_taken_away(tmp_path: Path) -> None:
    day = (
        "calendar:\n  - id: PE.lender.day_off\n    effect: EFFECT\n    dates: [\"2026-12-07\"]\n"
        "    name: Day off by decree\n    source: decree\n    evidence: policy\n"
    )  # fmt: skip
    book = load_rulebook(lender=_lender(tmp_path, day.replace("EFFECT", "add"), "PE"))
    decision = decide(wish("PE", "America/Lima"), local("2026-12-07 10:00", "America/Lima"), [], book, Caps())

    error = _refused(tmp_path, day.replace("EFFECT", "remove"), "PE")

    assert decision.not_before == local("2026-12-10 07:00", "America/Lima")
    assert "PE.lender.day_off" in str(error)


@pytest.mark.parametrize(
    ("rules", "country", "expected"),
    [
        ("caps:\n  - id: CO.cap.day\n    COMMON\n    per: day\n    max: 1\n", "CO", "CO.lender."),
        ("stops: []\n", "CO", "stops"),
        ("missing_region: national\n", "CO", "missing_region"),
        ("caps:\n  - id: CO.lender.a\n    COMMON\n    per: day\n    max: none\n", "CO", "CO.lender.a"),
        ("caps: []\n", "FR", "a country with a pack"),
    ],
)
def test_what_a_lenders_pack_may_not_hold(tmp_path: Path, rules: str, country: str, expected: str) -> None:
    assert expected in str(_refused(tmp_path, rules, country))


def test_an_empty_folder_is_no_pack_of_a_lender(tmp_path: Path) -> None:
    with pytest.raises(JurisdictionError, match="of the lender"):
        load_rulebook(lender=tmp_path)


def test_both_profiles_of_every_country_are_shipped() -> None:
    books = load_rulebooks()

    assert {profile: len(book.packs) for profile, book in books.items()} == {Profile.STRICT: 12, Profile.LITERAL: 12}


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        (("    profiles: [strict]", "    profiles: [lax]"), "profiles", "literal, strict"),
        (("{literal: [two_way, conversation], strict:", "{literal: [two_way, conversation], lax:"), "trigger", ""),
        (("from: 2023-10-10", "from: tomorrow"), "from", "date"),
        (('text: "Colombia: no visits', 'binds: []\n    text: "Colombia: no visits'), "binds", "CO.channels.visit"),
        (('elsewhere: ["America/Bogota"]', 'elsewhere: ["Bogota"]'), "zones.elsewhere", "IANA"),
    ],
)
def test_a_bad_rule_is_refused_with_its_place_and_its_id(
    tmp_path: Path, change: tuple[str, str], field: str, says: str
) -> None:
    text = (SHIPPED / "CO.yaml").read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "CO.yaml").write_text(text.replace(*change, 1), encoding="utf-8")

    with pytest.raises(JurisdictionError) as caught:
        load_rulebook(tmp_path)

    assert field in caught.value.field
    assert says in str(caught.value)
    assert caught.value.line > 1


def test_a_fault_in_the_literal_reading_is_refused_too(tmp_path: Path) -> None:
    text = (SHIPPED / "CL.yaml").read_text(encoding="utf-8")
    bad = text.replace("literal: [two_way, conversation]", "literal: [inbound]")
    assert bad != text
    (tmp_path / "CL.yaml").write_text(bad, encoding="utf-8")

    with pytest.raises(JurisdictionError, match=r"CL\.cap\.calls"):
        load_rulebook(tmp_path)


def test_a_change_of_the_calendar_for_another_country_is_refused(tmp_path: Path) -> None:
    (tmp_path / "CO.yaml").write_text("country: PE\ncalendar: []\n", encoding="utf-8")

    with pytest.raises(JurisdictionError) as caught:
        load_rulebook(holidays=tmp_path)

    assert (caught.value.field, caught.value.line) == ("country", 1)

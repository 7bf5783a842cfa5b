"""Which number writes to a person, and which approved template says a message."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from domain.platform_rules import (
    Category,
    OurTemplate,
    PlatformTemplate,
    PoolNumber,
    Quality,
    TemplateStatus,
    Unusable,
    candidates,
    choose_sender,
    rest_ends,
    usable,
)

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
NOBODY: frozenset[str] = frozenset()


def number(sender: str, **changes: object) -> PoolNumber:
    return PoolNumber.model_validate({"sender": sender, **changes})


def chosen(
    pool: list[PoolNumber], person: str = "p1", known: str | None = None, counted: frozenset[str] = NOBODY
) -> str:
    choice = choose_sender(pool, person, known, counted, NOW, 0.9)
    return choice.sender or ("full" if choice.full else "none")


def test_a_person_keeps_the_number_they_know_and_waits_for_it_where_it_is_full() -> None:
    pool = [number("a"), number("b"), number("c", tier=100, used=90)]

    assert chosen(pool, known="b") == "b"
    assert chosen(pool, known="c") == "full"
    assert chosen(pool, known="c", counted=frozenset({"c"})) == "c"
    assert chosen(pool, known="gone") in ("a", "b")


@pytest.mark.parametrize(
    "trouble", [{"quality": Quality.RED}, {"rested_until": NOW + timedelta(seconds=1)}], ids=["red", "rested"]
)
def test_a_number_in_trouble_loses_its_people_to_the_others_and_no_one_else_moves(trouble: dict[str, object]) -> None:
    people = [f"p{n}" for n in range(600)]
    before = {p: chosen([number("a"), number("b"), number("c")], p) for p in people}
    after = {p: chosen([number("a", **trouble), number("b"), number("c")], p) for p in people}

    assert all(after[p] == before[p] for p in people if before[p] != "a")
    moved = Counter(after[p] for p in people if before[p] == "a")
    assert set(moved) == {"b", "c"}
    assert min(moved.values()) > 60
    assert chosen([number("a", **trouble)], known="a") == "none"


def test_new_people_are_spread_by_tier_and_never_fill_a_number_to_the_brim() -> None:
    spread = Counter(chosen([number("small", tier=250), number("large", tier=2000)], f"p{n}") for n in range(2000))

    assert 0.08 < spread["small"] / 2000 < 0.14
    assert chosen([number("a", tier=250, used=224)]) == "a"
    assert chosen([number("a", tier=250, used=225)]) == "full"
    assert chosen([number("a", tier=250, used=225), number("b")]) == "b"


def test_when_the_first_number_is_awake_again() -> None:
    later = NOW + timedelta(hours=3)

    assert (
        rest_ends([number("a", rested_until=later), number("b", rested_until=later + timedelta(hours=1))], NOW) == later
    )
    assert rest_ends([number("a", quality=Quality.RED, rested_until=later)], NOW) is None


PLAIN = OurTemplate(
    template="reminder", written_in="es", name="r", language="es", category=Category.UTILITY, named=True,
    body="Hola {{lender_name}}.", variables=("lender_name",),
)  # fmt: skip
LINK = PLAIN.model_copy(update={"name": "r_link", "variables": ("lender_name", "link_url")})
MEXICO = PLAIN.model_copy(update={"name": "r_mx", "language": "es_MX", "countries": frozenset({"MX"})})
ALL = (PLAIN, LINK, MEXICO)


@pytest.mark.parametrize(
    ("country", "present", "names"),
    [
        ("ES", {"lender_name"}, ["r"]),
        ("ES", {"lender_name", "link_url"}, ["r_link"]),
        ("MX", {"lender_name"}, ["r_mx", "r"]),
        ("ES", {"lender_name", "legal_notice"}, []),  # what law asks for must not be lost
        ("ES", {"link_url"}, []),
    ],
)
def test_a_template_fits_when_it_has_a_place_for_what_must_be_said_and_no_empty_one(
    country: str, present: set[str], names: list[str]
) -> None:
    assert [one.name for one in candidates(ALL, "reminder", "es", country, frozenset(present))] == names
    assert candidates(ALL, "reminder", "en", country, frozenset(present)) == ()


def held(status: TemplateStatus, **changes: object) -> dict[tuple[str, str], PlatformTemplate]:
    told = {"name": "r", "language": "es", "status": status, "body": "Hola  {{ lender_name }}.", **changes}
    return {("r", "es"): PlatformTemplate.model_validate(told)}


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [
        (TemplateStatus.APPROVED, {}, PLAIN),
        (TemplateStatus.APPROVED, {"quality": Quality.RED}, PLAIN),
        (TemplateStatus.APPROVED, {"body": None}, PLAIN),
        (TemplateStatus.APPROVED, {"body": "Adiós {{lender_name}}."}, Unusable.OTHER_WORDS),
        (TemplateStatus.PENDING, {}, Unusable.NOT_APPROVED),
        (TemplateStatus.REJECTED, {}, Unusable.NOT_APPROVED),
        (TemplateStatus.PAUSED, {}, Unusable.STOPPED),
        (TemplateStatus.DISABLED, {}, Unusable.STOPPED),
        (TemplateStatus.DELETED, {}, Unusable.STOPPED),
        (TemplateStatus.UNKNOWN, {}, Unusable.NOT_APPROVED),
    ],
)
def test_only_what_stands_approved_with_our_words_is_used(
    status: TemplateStatus, changes: dict[str, object], expected: OurTemplate | Unusable
) -> None:
    assert usable([PLAIN], held(status, **changes)) == expected
    assert usable([PLAIN], {}) is Unusable.NOT_APPROVED
    assert usable([], held(status)) is Unusable.NOT_MAPPED

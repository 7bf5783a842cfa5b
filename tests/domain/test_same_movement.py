"""Which movements of a bank's file are known already, where the bank's reference alone does not say it."""

from __future__ import annotations

from typing import Any

import pytest

from domain.bank_news import FileKind
from domain.same_movement import Likeness, Particulars, Told, identify, likeness

BEFORE, NEW, UNCLEAR = Told.BEFORE, Told.NEW, Told.UNCLEAR


def said(end_to_end_id: str | None = None, **more: Any) -> Particulars:
    return Particulars(**{"kind": FileKind.CAMT_053, "end_to_end_id": end_to_end_id, **more})


def intraday(end_to_end_id: str | None = None, **more: Any) -> Particulars:
    return said(end_to_end_id, kind=FileKind.CAMT_052, **more)


def answers(told: list[Particulars], known: list[Particulars], *, referenced: bool = True) -> list[Told]:
    return [one.told for one in identify(told, known, referenced=referenced)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (said("A", text="x"), said("A", text="x"), Likeness.SAME),
        (said("A", text="x"), said("A", text="y"), Likeness.OTHER),
        (said("A"), said("B"), Likeness.OTHER),
        (said("A"), said(None), Likeness.PERHAPS),  # who was erased, or a bank that says less
        (said("A", text="x"), intraday("A", text="y"), Likeness.SAME),  # each kind has its own words
        (said("A"), intraday("B"), Likeness.OTHER),
        (said(None), intraday(None), Likeness.PERHAPS),
        (said("A"), said("B", kind=FileKind.MT940), Likeness.PERHAPS),  # MT940 cuts references
        (said(other_account="1"), said(other_account="2", kind=FileKind.CSV), Likeness.OTHER),
    ],
)
def test_movements_are_the_same_by_what_their_files_have_in_common(
    one: Particulars, other: Particulars, expected: Likeness
) -> None:
    assert likeness(one, other) is likeness(other, one) is expected


@pytest.mark.parametrize(
    ("told", "known", "expected"),
    [
        ([said("A"), said("B")], [], [NEW, NEW]),
        ([said("A"), said("A")], [], [NEW, NEW]),  # each line of a statement is a movement
        ([said("A"), said("B")], [said("A"), said("B")], [BEFORE, BEFORE]),
        ([said("B"), said("A")], [said("A")], [NEW, BEFORE]),  # whatever their order
        ([said("A"), said("B")], [intraday("A")], [BEFORE, NEW]),
        ([said("B")], [said("A")], [UNCLEAR]),
        ([said("B"), said("C")], [said("A"), said("B")], [BEFORE, UNCLEAR]),
        ([said("A"), said("B")], [said(None)], [BEFORE, UNCLEAR]),  # it is one of the two
        ([said("A")], [said(None)], [BEFORE]),
    ],
)
def test_no_more_are_told_before_than_are_known_and_none_is_new_that_may_be_known(
    told: list[Particulars], known: list[Particulars], expected: list[Told]
) -> None:
    assert answers(told, known) == expected


@pytest.mark.parametrize(
    ("first", "second", "referenced", "expected"),
    [
        (said(), said(part=1), False, NEW),  # pages of a statement
        (said("A"), said("A", part=1), True, UNCLEAR),
        (said("A"), said("B", part=1), True, NEW),
        (intraday("A"), intraday("A", part=1), True, BEFORE),  # a later report tells the day again
        (intraday("A"), intraday("B", part=1), True, NEW),
        (intraday(), intraday(part=1), False, UNCLEAR),
    ],
)
def test_pages_of_one_file_tell_other_movements_and_reports_may_tell_the_same(
    first: Particulars, second: Particulars, referenced: bool, expected: Told
) -> None:
    assert answers([first, second], [], referenced=referenced) == [NEW, expected]
    assert answers([first, second], [first, second], referenced=referenced) == [BEFORE, BEFORE]

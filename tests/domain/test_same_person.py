"""Two records are of one human being by name or digits, or where neither says anything."""

from __future__ import annotations

import pytest

from domain.same_person import KnownAs, same_person

ANA = KnownAs("Ana García Soto", None)
NOBODY = KnownAs(None, None)


@pytest.mark.parametrize("name", ["ANA GARCIA SOTO", "García Soto, Ana", "Ana García", "Ana María García Soto"])
def test_a_name_is_the_same_in_other_letters_another_order_or_with_more_words(name: str) -> None:
    assert same_person(ANA, KnownAs(name, None))


@pytest.mark.parametrize("name", ["Luis Pérez", "Luis García Soto", "Ana", "Ana Pérez"])
def test_who_shares_some_of_a_name_is_another(name: str) -> None:
    assert not same_person(ANA, KnownAs(name, None))


def test_equal_digits_of_the_identity_document_tell_one_person_whatever_the_name() -> None:
    assert same_person(KnownAs("Ana García", "6789"), KnownAs("A. García", "6789"))
    assert not same_person(KnownAs("Ana García", "6789"), KnownAs("Luis Pérez", "1111"))


def test_records_that_say_nothing_are_of_one_person_unless_one_said_more_once() -> None:
    assert same_person(NOBODY, NOBODY)
    assert not same_person(NOBODY, KnownAs(None, None, erased=True))
    assert not same_person(NOBODY, ANA)

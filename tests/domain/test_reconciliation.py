"""Whose money is it: what is matched without a person, what is not, and which loans suggest themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reconciliation import (
    Candidate,
    Incoming,
    Matched,
    Waits,
    decide,
    loan_key,
    mentioned,
    name_likeness,
    stands_by_chance,
    suggest,
)


def loan(loan_id: str, balance: int = 10_000, **more: Any) -> Candidate:
    return Candidate(**{"lender": "demo", "loan_id": loan_id, "balance_minor": balance, "currency": "EUR", **more})


def money(amount: int = 10_000, **more: Any) -> Incoming:
    return Incoming(**{"amount_minor": amount, "currency": "EUR", **more})


KNOWN = {loan_key(loan_id): loan_id for loan_id in ("P-20417", "P-20418", "20417", "1042", "L-1042", "ABCD")}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Pago prestamo P-20417 gracias", {"P-20417"}),
        ("pago p20417", {"P-20417"}),
        ("PRESTAMO P-204 17", {"P-20417"}),  # a bank cut the line
        ("P 20417", {"P-20417"}),
        ("20417", {"20417"}),
        ("P-20417 y P-20418", {"P-20417", "P-20418"}),
        ("P-204170", set()),
        ("préstamo ABCD", set()),  # letters alone may be a word
        ("ref 1042", {"1042"}),
        ("L-1042", {"L-1042"}),
        ("", set()),
    ],
)
def test_a_loan_is_found_in_what_the_payer_wrote(text: str, found: set[str]) -> None:
    assert set(mentioned(text, KNOWN).values()) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("P 204 17 2026", {"P-20417"}),  # not 204172026, which is found in pieces and may be a sum
        ("204 17 2026", {"204172026"}),
        ("204172026", {"204172026"}),
    ],
)
def test_an_id_that_can_mean_nothing_else_is_found_before_one_of_digits_in_pieces(text: str, found: set[str]) -> None:
    known = {loan_key(loan_id): loan_id for loan_id in ("P-20417", "204172026")}

    assert set(mentioned(text, known).values()) == found


@pytest.mark.parametrize(
    ("text", "loan_id", "expected"),
    [
        ("Pago cuota 1.234,56 EUR", "123456", True),
        ("15/03/2026", "15032026", True),
        ("28001 Madrid", "28001", True),
        ("cuota 12345678", "12345678", True),  # short, even where it stands as it is written
        ("1.234.567,89", "123456789", True),
        ("2024 000 123", "2024-000123", True),
        ("PAGO 2024-000123.", "2024-000123", False),
        ("pago 2024000123", "2024-000123", False),
        ("pago 92024000123", "2024-000123", True),
        ("cuota 123456789", "123456789", False),
        ("PRESTAMO P-204 17", "P-20417", False),
    ],
)
def test_digits_in_a_text_may_be_a_sum_a_date_or_a_postcode(text: str, loan_id: str, expected: bool) -> None:
    assert stands_by_chance(text, loan_id) is expected


@given(st.text(max_size=200))
def test_whatever_is_written_is_read_without_an_error(text: str) -> None:
    mentioned(text, KNOWN)
    stands_by_chance(text, "2024-000123")
    name_likeness(text, "Lucía Gómez")


@pytest.mark.parametrize(
    ("amount", "balance", "how"), [(10_000, 10_000, "exact"), (4_000, 10_000, "partial"), (12_000, 10_000, "overpaid")]
)
def test_a_named_loan_gets_its_money_whatever_the_amount(amount: int, balance: int, how: str) -> None:
    answer = decide(money(amount), [loan("P-20417", balance, named=True)])

    assert isinstance(answer, Matched)
    assert (answer.how, [share.amount_minor for share in answer.shares]) == (how, [amount])


def test_one_transfer_pays_several_loans_when_it_is_just_what_they_owe() -> None:
    loans = [loan("P-1", 10_001, named=True), loan("P-2", 4_002, named=True)]

    answer = decide(money(14_003), loans)

    assert isinstance(answer, Matched)
    assert {share.loan_id: share.amount_minor for share in answer.shares} == {"P-1": 10_001, "P-2": 4_002}
    assert isinstance(decide(money(14_002), loans), Waits)


def test_one_transfer_over_the_whole_pesos_of_several_loans_pays_them_all() -> None:
    def pesos(loan_id: str, balance: int) -> Candidate:
        return loan(loan_id, balance, named=True).model_copy(update={"currency": "COP"})

    came = money(30_000_000).model_copy(update={"currency": "COP"})
    loans = [pesos("P-1", 10_000_037), pesos("P-2", 20_000_050)]

    answer = decide(came, loans)

    assert isinstance(answer, Matched)
    assert {share.loan_id: share.amount_minor for share in answer.shares} == {"P-1": 10_000_000, "P-2": 20_000_000}
    assert isinstance(decide(came, [*loans, pesos("P-3", 37)]), Waits), "one that is paid but for centavos owes nothing"
    over = decide(money(30_000_087).model_copy(update={"currency": "COP"}), loans)
    assert isinstance(over, Matched)
    assert [share.amount_minor for share in over.shares] == [10_000_037, 20_000_050]


@pytest.mark.parametrize(
    ("candidates", "amount", "matched"),
    [
        ([loan("P-1", paid_from_here=True)], 10_000, {"P-1": 10_000}),
        ([loan("P-1", paid_from_here=True)], 9_999, None),
        ([loan("P-1", 6_000, paid_from_here=True), loan("P-2", 4_000, paid_from_here=True)], 10_000, {"P-1", "P-2"}),
        ([loan("P-1", paid_from_here=True), loan("P-2", paid_from_here=True)], 10_000, None),
        ([loan("P-1")], 10_000, None),  # the amount alone proves nothing
        ([], 10_000, None),
        ([loan("1042", 99_000, named=True)], 10_000, None),  # a short number may be anything
        ([loan("1042", 10_000, named=True)], 10_000, {"1042": 10_000}),
        ([loan("12345678", 99_000, named=True)], 10_000, None),
        ([loan("123456789", 99_000, named=True)], 10_000, {"123456789": 10_000}),
        ([loan("123456789", 99_000, named=True, by_chance=True)], 10_000, None),
        ([loan("123456789", 10_000, named=True, by_chance=True)], 10_000, {"123456789": 10_000}),
        ([loan("123456789", 99_000, named=True, by_chance=True, paid_from_here=True)], 10_000, {"123456789": 10_000}),
        ([loan("P-20417", named=True, currency="USD")], 10_000, None),
        ([loan("P-20417", named=True), loan("P-20417", named=True, lender="other")], 20_000, None),
    ],
)
def test_without_a_sure_reference_two_facts_are_needed(
    candidates: list[Candidate], amount: int, matched: dict[str, int] | set[str] | None
) -> None:
    answer = decide(money(amount), candidates)

    if matched is None:
        assert isinstance(answer, Waits)
        assert answer.why
    else:
        assert isinstance(answer, Matched)
        assert {share.loan_id for share in answer.shares} == set(matched)
        assert sum(share.amount_minor for share in answer.shares) == amount


def test_suggestions_are_ranked_and_say_why() -> None:
    payer = money(10_000, payer="GOMEZ NUNEZ LUCIA")
    candidates = [
        loan("P-1", 10_000),
        loan("P-2", 30_000, name="Lucía Gómez Núñez"),
        loan("P-3", 10_000, name="Lucía Gómez", paid_from_here=True),
        loan("P-4", 77_000, name="Pedro Pérez"),
        loan("P-5", 10_000, currency="USD"),
        loan("123456", 77_000, named=True, by_chance=True),
    ]

    found = suggest(payer, candidates)

    assert [one.loan_id for one in found] == ["P-3", "P-1", "P-2", "123456"]
    assert found[-1].reasons[0] == "the digits of the loan's id stand in the text, and may mean something else"
    assert found[0].reasons[0] == "the debtor has paid, or may be debited, from this account"
    assert "the amount is exactly what is due" in found[0].reasons
    assert all(0 < one.score <= 100 for one in found)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("LUCIA GOMEZ NUNEZ", "Lucía Gómez Núñez", True),
        ("GOMEZ NUNEZ, LUCIA", "Lucía Gómez Núñez", True),
        ("Lucia Gomez", "Lucía Gómez Núñez", True),
        ("LUCIA GOMES", "Lucía Gómez", True),
        ("Pedro Pérez", "Lucía Gómez", False),
        (None, "Lucía Gómez", False),
        ("ACME SL", "Lucía Gómez", False),
    ],
)
def test_names_are_alike_whatever_their_order_accents_and_case(one: str | None, other: str, alike: bool) -> None:
    assert (name_likeness(one, other) >= 0.75) is alike


@pytest.mark.parametrize(("amount", "how"), [(15_000_000, "exact"), (15_000_037, "exact"), (14_999_900, None)])
def test_whole_pesos_of_what_is_due_in_colombia_are_what_is_due(amount: int, how: str | None) -> None:
    """Given 150,000.37 pesos, of which no message asks for the centavos, when the rest is transferred, then it fits."""
    due = loan("L-1", 15_000_037, currency="COP", paid_from_here=True)

    answer = decide(money(amount, currency="COP"), [due])

    assert (answer.how if isinstance(answer, Matched) else None) == how

"""Our references in what banks make of a text: found however it is cut or cased, and never where there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.direct_debit import reference_of as debit_reference_of
from domain.payment_references import find_reference, reference_of

REFERENCE = reference_of("acme:P-20417:1:balance:10000:1")
_CUTS = st.lists(st.integers(1, len(REFERENCE) - 1), max_size=3, unique=True).map(sorted)
_JOINTS = st.sampled_from((" ", "  ", "\n", "\r\n", "-", ". ", " / "))
_WORDS = st.text(alphabet="PAGO prestamo LUCÍA 0123456789-./+", max_size=60)


@st.composite
def as_a_bank_writes_it(draw: st.DrawFn) -> str:
    """The reference cut into at most four pieces, each in capitals or not."""
    cuts = draw(_CUTS)
    pieces = [REFERENCE[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(REFERENCE)], strict=True)]
    written = [draw(st.sampled_from((str.upper, str.lower)))(piece) for piece in pieces]
    return "".join(part for piece in written for part in (draw(_JOINTS), piece))


@given(_WORDS, as_a_bank_writes_it(), _WORDS)
def test_a_reference_is_found_in_either_case_and_in_up_to_four_pieces(before: str, written: str, after: str) -> None:
    assert find_reference(f"{before}{written} {after}") == REFERENCE


@given(st.text(max_size=300) | st.text(alphabet="rcbRCB0a9F -\n", max_size=300))
def test_what_is_found_has_all_its_letters_in_the_text_and_in_their_order(text: str) -> None:
    found = find_reference(text)

    letters = "".join(one for one in text if one.isalnum()).lower()
    assert found is None or (len(found) == 35 and found in letters)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rcb123",
        REFERENCE[:-1],
        f"{REFERENCE[:20]} P-20417",
        f"{REFERENCE[:20]} {REFERENCE}"[: 20 + 1 + 34],  # cut off, and told again without its end
        " ".join(REFERENCE[at : at + 7] for at in range(0, 35, 7)),  # in five pieces
        f"{REFERENCE[:20]}é{REFERENCE[20:]}",
        f"{REFERENCE[:20]}x{REFERENCE[20:]}",
        debit_reference_of("acme", "P-20417", 1, "debit", 1),
        "TRANSFERENCIA DE R. C. B. 12 34 56 78 90 12 34 56 78 90 12 34 56 78 90 12",
    ],
)
def test_a_part_of_a_reference_and_what_only_looks_like_one_are_none(text: str) -> None:
    assert find_reference(text) is None


def test_a_reference_that_is_cut_off_does_not_hide_the_whole_one_after_it() -> None:
    assert find_reference(f"P-20417 {REFERENCE[:25]} {REFERENCE.upper()}") == REFERENCE

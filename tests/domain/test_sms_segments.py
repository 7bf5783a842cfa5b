"""How many segments a text takes: the cases carriers publish, and the rules as properties."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.sms_segments import SmsEncoding, outside_gsm7, sms_size

GSM = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCXYZÄÖÑÜ§¿abcxyzäöñüà"
ESCAPED = "\f^{}\\[~]|€"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "gsm7", 0, 1),
        ("ñ" * 160, "gsm7", 160, 1),
        ("a" * 161, "gsm7", 161, 2),
        ("a" * 306, "gsm7", 306, 2),
        ("a" * 307, "gsm7", 307, 3),
        ("€" * 80, "gsm7", 160, 1),
        ("€" * 81, "gsm7", 162, 2),
        # 152 septets are taken, so the euro sign and its escape open the next segment whole.
        ("a" * 152 + "€" + "a" * 152, "gsm7", 306, 3),
        ("a" * 151 + "€" + "a" * 153, "gsm7", 306, 2),
        ("é" + "a" * 122 + "ó", "ucs2", 124, 2),
        ("ó" * 70, "ucs2", 70, 1),
        ("ó" * 71, "ucs2", 71, 2),
        ("ó" * 134, "ucs2", 134, 2),
        ("ó" * 135, "ucs2", 135, 3),
        ("😀" * 35, "ucs2", 70, 1),
        ("😀" * 36, "ucs2", 72, 2),
        # 66 units are taken, so the pair moves to the next segment whole.
        ("ó" * 66 + "😀" + "ó" * 66, "ucs2", 134, 3),
        ("cuota vence mañana", "gsm7", 18, 1),
        ("crédito venció", "ucs2", 14, 1),
    ],
)
def test_a_text_is_counted_as_carriers_count_it(text: str, encoding: str, units: int, segments: int) -> None:
    size = sms_size(text)

    assert (size.encoding, size.units, size.segments) == (encoding, units, segments)


@pytest.mark.parametrize("char", "áíóúÁÍÓÚºª–—’“”…ç\u00a0\u202f")
def test_letters_that_look_harmless_but_cost_half_the_room_are_named(char: str) -> None:
    assert outside_gsm7(f"pago {char} hoy {char}") == (char,)


def _split(widths: list[int], room: int) -> int:
    """An independent count: cut as late as possible without ever cutting a character."""
    segments, at = 0, 0
    while at < len(widths):
        taken = 0
        while at < len(widths) and taken + widths[at] <= room:
            taken += widths[at]
            at += 1
        segments += 1
    return segments


@settings(deadline=None)
@given(st.text(st.sampled_from(GSM + ESCAPED), max_size=700))
def test_gsm_text_is_never_split_inside_an_escape_pair(text: str) -> None:
    widths = [2 if char in ESCAPED else 1 for char in text]

    size = sms_size(text)

    assert size.encoding is SmsEncoding.GSM7
    assert size.units == sum(widths)
    assert size.segments == (1 if sum(widths) <= 160 else _split(widths, 153))


@settings(deadline=None)
@given(st.text(max_size=300), st.sampled_from("áíó😀"))
def test_one_foreign_character_makes_everything_utf16_and_no_surrogate_pair_is_split(text: str, char: str) -> None:
    whole = text + char
    units = len(whole.encode("utf-16-be", "surrogatepass")) // 2

    size = sms_size(whole)

    assert size.encoding is SmsEncoding.UCS2
    assert size.units == units
    widths = [len(each.encode("utf-16-be", "surrogatepass")) // 2 for each in whole]
    assert size.segments == (1 if units <= 70 else _split(widths, 67))


@settings(deadline=None)
@given(st.text(max_size=400), st.text(max_size=50))
def test_more_text_never_takes_fewer_segments(text: str, more: str) -> None:
    assert sms_size(text + more).segments >= sms_size(text).segments

from __future__ import annotations

import struct

import pytest

from config.qr import LONGEST, qr_png, qr_svg

LINK = "https://pay.credialba.example/l/7Hq2mX4c"


def test_a_link_becomes_a_code_for_paper_and_for_mail() -> None:
    svg, png = qr_svg(LINK), qr_png(LINK)

    assert svg.startswith("<svg")
    assert "script" not in svg
    assert png.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", png[16:24])
    assert width == height
    assert qr_png(LINK) == png != qr_png(LINK + "x")


@pytest.mark.parametrize("text", ["", "x" * (LONGEST + 1)])
def test_what_no_telephone_could_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="QR code"):
        qr_svg(text)

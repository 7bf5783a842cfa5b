"""QR codes of payment addresses (ISO/IEC 18004), for letters and e-mails."""

from __future__ import annotations

import io

import segno

LONGEST = 1_200
"""Characters: beyond that a code is too dense for a telephone to read from paper."""


def qr_svg(text: str, *, scale: int = 4) -> str:
    """The code as an SVG document without XML declaration, for typst and for `data:` addresses.

    Raises ValueError when the text is empty or longer than LONGEST.
    """
    return str(_code(text).svg_inline(scale=scale, border=4, dark="#000", light="#fff"))


def qr_png(text: str, *, scale: int = 4) -> bytes:
    """The code as a PNG file: what mail programs show when it is attached inline (Content-ID)."""
    out = io.BytesIO()
    _code(text).save(out, kind="png", scale=scale, border=4)
    return out.getvalue()


def _code(text: str) -> segno.QRCode:
    if not 0 < len(text) <= LONGEST:
        raise ValueError(f"a QR code holds 1 to {LONGEST} characters here")
    # Level M: readable with a fold or a stamp over an eighth of it.
    return segno.make_qr(text, error="m", boost_error=False)

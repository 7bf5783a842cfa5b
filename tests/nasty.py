"""Inputs that break readers: bombs, nesting, huge numbers, and characters nobody should send."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_LONGER = int(os.environ.get("RECOBRO_FUZZ", "1"))
"""How many times as many examples: RECOBRO_FUZZ=100 .venv/bin/pytest -k any"""


def fuzzing(examples: int) -> settings:
    """So many examples, each in at most fifteen seconds: a hang is a fault too."""
    return settings(
        max_examples=examples * _LONGER,
        deadline=15_000,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


_BILLION = "\n".join(
    [f"a0: &a0 [{', '.join(['x'] * 9)}]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
)
YAML_FILES: tuple[bytes, ...] = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"- a\n- b\n",
    b"just text",
    b"a: b: c",
    b"? [a, b]\n: c\n",
    b"a: &a [*a]\n",
    b"&a a: *a\n",
    b"a: *nowhere\n",
    b"<<: [1, 2]\n",
    b"a: &a {b: 1}\nc: {<<: [*a, *a]}\n",
    b"!!python/object/apply:os.system ['true']\n",
    b"!!binary aGk=\n",
    b"a: !!float x\n",
    b"a: !!timestamp nonsense\n",
    b"a: 2026-13-45\n",
    b"a: 9999-99-99T99:99:99Z\n",
    b"a: 1\na: 2\n",
    b"--- a\n--- b\n",
    b"%YAML 9.9\n---\na: 1\n",
    b"a: " + b"9" * 5_000,
    b"a: 1e999999999",
    b"a: 0x" + b"f" * 5_000,
    b"a: " + b":".join([b"59"] * 2_000),
    b"[" * 2_000,
    b"{a: " * 500 + b"}" * 500,
    b"- " * 2_000,
    b'a: "\\ud800"\n',
    "a: \u202egnirts\u202c\n".encode(),
    b"a: \xed\xa0\x80\n",
    b"a: |\n" + b" x\n" * 1_000,
    _BILLION.encode(),
    ("country: CL\nrules:\n" + _BILLION).encode(),
)
TEXT = st.text(max_size=40) | st.sampled_from(
    ["", "\x00", "\u202e", "9" * 400, "1e400", "NaN", "-1", "null", "&a", "*a"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn, content: bytes, most: int = 4) -> bytes:
    """A good file with some bytes or lines exchanged, doubled, taken out, or put in from the bad ones."""
    lines = content.split(b"\n")
    for _ in range(draw(st.integers(1, most))):
        if not lines:
            break
        place = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 5)):
            case 0:
                del lines[place]
            case 1:
                lines.insert(place, lines[draw(st.integers(0, len(lines) - 1))])
            case 2:
                lines[place] = b" " * draw(st.integers(0, 9)) + lines[place].lstrip()
            case 3:
                lines.insert(place, draw(st.sampled_from(YAML_FILES))[:300])
            case 4:
                head, colon, _ = lines[place].partition(b":")
                lines[place] = head + colon + b" " + draw(TEXT).encode(errors="replace")
            case _:
                line = bytearray(lines[place] or b" ")
                line[draw(st.integers(0, len(line) - 1))] = draw(st.integers(0, 255))
                lines[place] = bytes(line)
    return b"\n".join(lines)

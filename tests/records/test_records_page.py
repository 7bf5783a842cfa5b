"""docs/records.md says what is kept."""

from __future__ import annotations

import re

from commands.processes import ROOT
from records.person_keys import _KEYS
from records.tables import Record


def test_every_table_is_on_the_page() -> None:
    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]

    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}

    assert set(Record.metadata.tables) <= named
    assert f"`{_KEYS.name}`" in page

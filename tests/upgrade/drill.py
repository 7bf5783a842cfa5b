"""The upgrade drill: loans started by the last release's code are carried to their end by today's.

`make upgrade-drill`, or `python -m tests.upgrade.drill [--loans N]`. The last release is the newest tag `v*`, or
without one the commit that the newest `tests/histories/<version>/release.json` names. Real server, real records, real
worker and web app, the sandbox world on skipped time. It is judged from the world's own log, and against the same
campaign that the last release carried alone.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from commands.rehearsal import next_first_day

ROOT = Path(__file__).resolve().parents[2]
HISTORIES = ROOT / "tests" / "histories"
OWN = Path("tests/upgrade/release_run.py")


class NoRelease(Exception):
    """There is no last release to take loans from; the text says why."""


def last_release() -> str:
    """What git knows the last release by. Raises NoRelease."""
    tags = _git("tag", "--list", "v*", "--sort=-version:refname", "--merged", "HEAD").split()
    if tags:
        return tags[0]
    known = [json.loads(file.read_text()) for file in HISTORIES.glob("*/release.json")]
    if not known:
        raise NoRelease("no tag v* and no tests/histories/<version>/release.json")
    newest = max(known, key=lambda release: [int(part) for part in release["version"].split(".")])
    return str(newest["commit"])


def check_out(release: str, folder: Path) -> None:
    """The release's files in `folder`; without its own `release_run.py` it gets today's. Raises NoRelease."""
    got = subprocess.run(["git", "archive", release], cwd=ROOT, capture_output=True)
    if got.returncode != 0:
        raise NoRelease(f"git does not have {release}: fetch the whole history (git fetch --unshallow)")
    with tarfile.open(fileobj=io.BytesIO(got.stdout)) as files:
        files.extractall(folder, filter="data")
    if not (folder / OWN).exists():
        (folder / OWN).parent.mkdir(parents=True, exist_ok=True)
        (folder / OWN.parent / "__init__.py").touch()
        shutil.copy(ROOT / OWN, folder / OWN)


def carried(checkout: Path, folder: Path, loans: int, begin: date, then: Path | None) -> dict[str, Any]:
    """Run a campaign in the release's checkout and read what it came to. Raises RuntimeError."""
    folder.mkdir(parents=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("RECOBRO_", "TEMPORAL_"))}
    command = [sys.executable, "-m", "tests.upgrade.release_run", "--folder", str(folder), "--loans", str(loans)]
    command += ["--begin", begin.isoformat()]
    if then is not None:
        command += ["--then", str(then)]
    done = subprocess.run(command, cwd=checkout, env=environment | {"PYTHONPATH": str(checkout)}, capture_output=True)
    file = folder / "told.json"
    if not file.exists():
        raise RuntimeError(done.stderr.decode(errors="replace").strip()[-2000:])
    told: dict[str, Any] = json.loads(file.read_text())
    return told


def faults(alone: dict[str, Any], upgraded: dict[str, Any]) -> list[str]:
    """What the upgrade changed or broke, in lines."""
    found = [f"the world's log: {violation}" for violation in upgraded["violations"]]
    for key in ("ends", "contacts", "payments"):
        if alone[key] != upgraded[key]:
            found.append(f"{key} differ: {_difference(alone[key], upgraded[key])}")
    found += [f"loan {loan} did not end" for loan, end in upgraded["ends"].items() if end is None]
    if upgraded["ended_before"] == len(upgraded["ends"]):
        found.append("every loan had ended before the upgrade: nothing was tried")
    return found


def _difference(before: Any, after: Any) -> str:
    if isinstance(before, dict):
        before, after = list(before.items()), list(after.items())
    return f"only without the upgrade {[x for x in before if x not in after]}, only with it " + str(
        [x for x in after if x not in before]
    )


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True).stdout


def main() -> int:
    asked = argparse.ArgumentParser(description="Loans of the last release, carried on by today's code.")
    asked.add_argument("--loans", type=int, default=12)
    loans = asked.parse_args().loans
    begin = next_first_day()
    with tempfile.TemporaryDirectory(prefix="recobro-upgrade-") as temporary:
        folder = Path(temporary)
        checkout = folder / "release"
        try:
            release = last_release()
            check_out(release, checkout)
            print(f"{loans} loans, 40 days from {begin}, by {release[:12]} alone", flush=True)
            alone = carried(checkout, folder / "alone", loans, begin, None)
            print("the same, upgraded to this checkout in the middle", flush=True)
            upgraded = carried(checkout, folder / "upgraded", loans, begin, ROOT)
        except (NoRelease, RuntimeError) as error:
            print(f"upgrade drill: {error}", file=sys.stderr)
            return 2
    found = faults(alone, upgraded)
    contacts = sum(contact[-1] for contact in upgraded["contacts"])
    print(
        f"database: {upgraded['migrated']}\n"
        f"{len(upgraded['ends'])} loans ended, {upgraded['ended_before']} of them before the upgrade; "
        f"{contacts} contacts, {len(upgraded['payments'])} payments; {upgraded['looked_at']} things looked at in the "
        f"world's log and the histories"
    )
    for line in found:
        print(f"FAULT {line}")
    print("the upgrade changed nothing" if not found else f"{len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

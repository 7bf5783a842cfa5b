"""`python -m chaos`: campaigns under seeded faults; prints a table and keeps var/chaos.json.

Exit code: 0 no violation, 1 violations, a campaign that broke off or one that shows nothing, 2 wrong options,
130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from chaos.calm import outcomes_in_calm
from chaos.campaign import Verdict, under_chaos
from chaos.checker.evidence import Outcome
from chaos.portfolio import FIRST_DAY
from chaos.schedule import KINDS, draw
from chaos.verdicts import CannotCarryOn, code, holds, keep, kept_before, table

OUT = Path("var/chaos.json")
FOLDER = Path("var/chaos")
DATABASES = ("sqlite", "postgresql")


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python -m chaos", description="Campaigns under faults, judged by the world's own log.")
    p.add_argument(
        "--seeds", type=int, default=20, metavar="N", help="how many campaigns, by seeds from 1 (default 20)"
    )
    p.add_argument("--seed", type=int, action="append", metavar="SEED", help="this seed only; may be given repeatedly")
    p.add_argument(
        "--loans", type=int, default=200, metavar="N", help="loans of each campaign, 1 to 1000 (default 200)"
    )
    p.add_argument("--database", choices=DATABASES, help="default: PostgreSQL for every third seed, else SQLite")
    p.add_argument("--faults", metavar="KIND,...", help="only faults of these kinds (see --list)")
    p.add_argument("--count", type=int, default=14, metavar="N", help="faults of each campaign (default 14)")
    p.add_argument("--within", type=float, metavar="SECONDS", help="begin no further campaign after so long")
    p.add_argument("--no-calm", action="store_true", help="do not run each campaign without faults for comparison")
    p.add_argument("--keep", action="store_true", help="keep what campaigns that hold leave behind, too")
    p.add_argument("--carry-on", action="store_true", help="leave out the seeds that --out tells of already")
    p.add_argument("--folder", type=Path, default=FOLDER, help=f"where campaigns run (default {FOLDER})")
    p.add_argument("--out", type=Path, default=OUT, help=f"where to keep the result (default {OUT})")
    p.add_argument("--list", action="store_true", help="list the kinds of faults and end")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    if given.list:
        for kind in KINDS.values():
            print(f"{kind.name}: {kind.about} ({', '.join(kind.targets)})")
        return 0
    wrong = _wrong(given)
    if wrong is not None:
        print(f"chaos: {wrong}", file=sys.stderr)
        return 2
    try:
        return asyncio.run(_all(given))
    except CannotCarryOn as error:
        print(f"chaos: --carry-on: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted", file=sys.stderr)
        return 130


def _wrong(given: argparse.Namespace) -> str | None:
    if not 1 <= given.loans <= 1000:
        return f"--loans: {given.loans} is not within 1 to 1000"
    if given.seeds < 1:
        return f"--seeds: {given.seeds} is not at least 1"
    if not 0 <= given.count <= 200:
        return f"--count: {given.count} is not within 0 to 200"
    for kind in (given.faults or "").split(",") if given.faults else ():
        if kind not in KINDS:
            return f"--faults: no kind {kind!r}; there are: {', '.join(KINDS)}"
    try:
        for seed in given.seed or [1, 3]:
            draw(seed, database_of(seed, given.database), count=1, kinds=_kinds(given))
    except ValueError as error:
        return f"--faults: {error}"
    return None


def _kinds(given: argparse.Namespace) -> tuple[str, ...] | None:
    return tuple(given.faults.split(",")) if given.faults else None


def _asked(given: argparse.Namespace) -> str:
    """What is done to each campaign, for being compared with an earlier run's."""
    compared = "not compared" if given.no_calm else "compared"
    faults = given.faults or "any kind"
    return f"{given.count} faults of {faults} from {FIRST_DAY}, {compared} with a run without"


def database_of(seed: int, chosen: str | None) -> str:
    return chosen or ("postgresql" if seed % 3 == 0 else "sqlite")


async def _all(given: argparse.Namespace) -> int:
    main_task = asyncio.current_task()
    assert main_task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main_task.cancel)
    seeds = given.seed or list(range(1, given.seeds + 1))
    broken: dict[int, str] = {}
    of_code, asked = await asyncio.to_thread(code), _asked(given)
    verdicts, before = kept_before(given.out, of_code, asked) if given.carry_on else ([], 0.0)
    judged = {(verdict.seed, verdict.loans, verdict.database) for verdict in verdicts}
    began = time.monotonic()
    for seed in seeds:
        if (seed, given.loans, database_of(seed, given.database)) in judged:
            print(f"seed {seed}: judged before", flush=True)
            continue
        if given.within is not None and time.monotonic() - began > given.within:
            print(f"{given.within:.0f} s have passed: seeds from {seed} on were left out", flush=True)
            break
        try:
            verdicts.append(await _one(seed, given))
        except Exception as error:
            traceback.print_exc()
            broken[seed] = f"{type(error).__name__}: {str(error).splitlines()[0][:300] if str(error) else ''}"
            print(f"seed {seed}: broke off: {broken[seed]}", flush=True)
        keep(given.out, of_code, asked, verdicts, broken, before + time.monotonic() - began)
    verdicts.sort(key=lambda verdict: verdict.seed)
    print(table(verdicts, broken))
    print(f"{before + time.monotonic() - began:.0f} s; kept in {given.out}")
    return 0 if holds(verdicts, broken) else 1


async def _one(seed: int, given: argparse.Namespace) -> Verdict:
    database = database_of(seed, given.database)
    faults = draw(seed, database, count=given.count, kinds=_kinds(given)) if given.count else ()
    folder: Path = given.folder / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()

    def tell(text: str) -> None:
        print(f"seed {seed} {time.monotonic() - began:5.0f} s  {text}", flush=True)

    tell(f"{given.loans} loans on {database}, {len(faults)} faults")
    calm: asyncio.Task[dict[str, Outcome]] | None = None
    if not given.no_calm:
        calm = asyncio.create_task(outcomes_in_calm(seed, given.loans, folder / "calm"))
    try:
        verdict = await under_chaos(seed, given.loans, folder / "chaos", database, faults, calm, tell)
    finally:
        if calm is not None and not calm.done():
            calm.cancel()
            await asyncio.wait([calm])
    for violation in verdict.violations:
        print(f"  VIOLATION {violation}", flush=True)
    fine = not verdict.violations and not verdict.not_shown
    if fine and not given.keep:
        shutil.rmtree(folder, ignore_errors=True)
    shown = f", it shows nothing: {'; '.join(verdict.not_shown)}" if verdict.not_shown else ""
    tell(f"{len(verdict.violations) or 'no'} violations{shown}{'' if fine else f'; {folder} is kept'}")
    return verdict

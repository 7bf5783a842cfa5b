"""`python -m chaos.calm SEED LOANS FOLDER`: the campaign without faults, in a process of its own.

Writes FOLDER/outcomes.json: loan id -> its end, the money that moved, in minor units, and whether a person decided
before the last of it moved. Beside the campaign under chaos in one process the two conductors would slow each other,
and the proxies with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from chaos.campaign import in_calm
from chaos.checker.evidence import Outcome

OUTCOMES = "outcomes.json"


class CalmFailed(Exception):
    """The campaign without faults broke off; its own words went to standard error."""


async def outcomes_in_calm(seed: int, number: int, folder: Path) -> dict[str, Outcome]:
    """Run it and read what it came to; ends with whoever waits for it. Raises CalmFailed."""
    # Out of reach of a Ctrl-C at the terminal: who waits for it ends it, and says so in one line.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chaos.calm", str(seed), str(number), str(folder), start_new_session=True
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    if code != 0:
        raise CalmFailed(f"the campaign without faults ended with exit code {code}")
    told = json.loads((folder / OUTCOMES).read_text(encoding="utf-8"))
    return {
        loan_id: Outcome(one["end"], tuple(one["money"]), one["decided_first"], one["wrote"])
        for loan_id, one in told.items()
    }


async def _run(seed: int, number: int, folder: Path, tell: Callable[[str], None]) -> None:
    task = asyncio.current_task()
    assert task is not None
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, task.cancel)
    outcomes = await in_calm(seed, number, folder, tell)
    told = {loan_id: asdict(one) for loan_id, one in outcomes.items()}
    (folder / OUTCOMES).write_text(json.dumps(told), encoding="utf-8")


def main() -> int:
    seed, number, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    began = time.monotonic()
    try:
        asyncio.run(
            _run(
                seed, number, folder, lambda t: print(f"seed {seed} {time.monotonic() - began:5.0f} s  {t}", flush=True)
            )
        )
    except asyncio.CancelledError:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

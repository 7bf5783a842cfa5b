"""The children of a stack, looked at while others come and go."""

from __future__ import annotations

import subprocess
from pathlib import Path

from commands.processes import Processes

SLEEP = ["sleep", "60"]


def test_a_child_that_is_started_while_the_others_are_looked_at_disturbs_nobody(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        child = processes.start("worker-1", SLEEP, {})
        real = child.process

        class StartsAnotherMeanwhile(subprocess.Popen[bytes]):
            def __init__(self) -> None:
                self.returncode = None

            def poll(self) -> int | None:
                processes.start("worker-2", SLEEP, {})
                return real.poll()

        child.process = StartsAnotherMeanwhile()
        ended = processes.ended()
        child.process = real

        assert ended is None
        processes.stop("worker-2")

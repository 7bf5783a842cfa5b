"""What stays for the whole run is not looked through again by every garbage collection."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """A full collection over thousands of collected tests takes seconds, within a workflow's task its two at most."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)

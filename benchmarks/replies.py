"""Messages understood a second on one core: intents, reason, day and amount, over the messages kept apart."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from benchmarks import Figure, sized
from replies.classify import shipped
from replies.data import KEPT, read_folder

BAR = 500.0
MESSAGES = 3_000
_AT = datetime(2026, 11, 27, 15, tzinfo=UTC)


def measure(scale: float = 1.0) -> list[Figure]:
    kept = [example.text for example in read_folder(KEPT)]
    # No two texts are the same, so that nothing is answered from memory.
    texts = [f"{kept[number % len(kept)]} {number}" for number in range(sized(MESSAGES, scale))]
    classifier = shipped()
    classifier.understand("hola", _AT, "MX")
    started = time.process_time()
    for text in texts:
        classifier.understand(text, _AT, "MX")
    rate = len(texts) / (time.process_time() - started)
    return [Figure("replies.understood", rate, "messages/s", BAR, note=f"{len(texts)} messages, CPU time")]

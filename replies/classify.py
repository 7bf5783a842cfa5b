"""From a message to what it says: the model's reading, the order of intents, days and amounts by rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from domain.opt_out_lookalikes import revokes_a_debit
from domain.opt_out_scope import stops_in_part
from domain.replies.amounts import promised_amount
from domain.replies.dates import promised_day
from domain.replies.labels import MOST_INTENTS, ORDER, SAFETY, Intent, Understanding, person_must_look
from domain.replies.local_day import local_day
from domain.replies.text import language_of
from replies.cues import ALONE, is_represented, said_in
from replies.features import words_of
from replies.model import REASONS, SHIPPED, Model, OtherForm, Reading, load

LONGEST = 4_000
"""Characters that are read of a message; nobody says more that matters."""
PERSON_BELOW = 0.25
"""Confidence under which a person looks."""
_SURE = 0.6
_TOLD = 0.9
"""How likely an intent is that a phrase leaves no doubt about."""
_PLAIN, _BESIDE_PLAIN = 0.8, 0.2
"""Beside an intent as sure as the one, an act about safety is named only where it is fairly likely."""
_POSSIBLE = 0.05
"""What hardly can be what a message is about does not come first, however surely a word of it seems to be there."""
_ASIDE = frozenset({Intent.ACKNOWLEDGEMENT, Intent.OTHER})
"""Never beside another intent: courtesy is no act."""


class Classifier:
    """One model in use. Holds no state; may be shared by threads."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def understand(
        self, text: str, sent_at: datetime, country: str, channel: str = "sms", timezone: str | None = None
    ) -> Understanding:
        """What `text` says. `country` is ISO 3166-1 alpha-2, `timezone` the borrower's IANA zone where it is known.

        Nothing is ever raised because of what the text says: it is data, and only its labels come out.
        """
        text = text[:LONGEST].strip()
        language = language_of(text, country)
        if not text:
            return Understanding((Intent.OTHER,), 1.0, None, None, None, False, language)
        words = words_of(text)
        alone = ALONE.get(" ".join(words))
        reading = self.model.read(text)
        told = (alone,) if alone else said_in(words)
        intents = (alone,) if alone else self._intents(_with_told(reading, told))
        confidence = float(reading.first[ORDER.index(intents[0])])
        if intents[0] in told:
            confidence = max(confidence, _TOLD)
        reason = REASONS[int(reading.reasons.argmax())]
        today = local_day(sent_at, country, timezone)
        promise = Intent.PROMISE_TO_PAY in intents and intents[0] is not Intent.WRONG_PERSON
        return Understanding(
            intents=intents,
            confidence=round(confidence, 4),
            reason=reason,
            promise_date=promised_day(text, today, country) if promise else None,
            promise_amount=promised_amount(text, country, today) if promise else None,
            needs_human=person_must_look(intents)
            or (not alone and reading.person >= 0.5)
            or confidence < PERSON_BELOW
            or is_represented(words, by_another=Intent.WRONG_PERSON in intents)
            or revokes_a_debit(text)
            or stops_in_part(text),
            language=language,
        )

    def _intents(self, reading: Reading) -> tuple[Intent, ...]:
        """The first of the acts surely said, or else the likeliest; then further acts, safety before others."""
        sure = np.flatnonzero((reading.said >= _SURE) & (reading.first >= _POSSIBLE))
        first = ORDER[int(sure[0]) if len(sure) else int(reading.first.argmax())]
        plain = reading.first[ORDER.index(first)] >= _PLAIN
        further = [
            intent
            for index, intent in enumerate(ORDER)
            if intent is not first
            and intent not in _ASIDE
            and reading.said[index] >= max(self.model.threshold(intent), _BESIDE_PLAIN if plain else 0.0)
            and (intent in SAFETY or (first not in _ASIDE and index > ORDER.index(first)))
        ]
        further.sort(key=lambda intent: (intent not in SAFETY, -float(reading.said[ORDER.index(intent)])))
        kept = further[: MOST_INTENTS - 1]
        return (first, *sorted(kept, key=ORDER.index))


def _with_told(reading: Reading, told: tuple[Intent, ...]) -> Reading:
    """The reading with the intents that phrases tell counted as said, and as what the message may be about."""
    if not told:
        return reading
    said, first = reading.said.copy(), reading.first.copy()
    for intent in told:
        at = ORDER.index(intent)
        said[at], first[at] = max(said[at], _TOLD), max(first[at], _POSSIBLE)
    if Intent.PROMISE_TO_PAY in told and Intent.REFUSAL not in told:
        first[ORDER.index(Intent.REFUSAL)] = said[ORDER.index(Intent.REFUSAL)] = 0.0
    return replace(reading, said=said, first=first)


def in_use(file: Path) -> Classifier:
    """With the model in `file` where there is one, else with the shipped one; loaded once until the file changes.

    A model that another version made is left alone until `replies retrain` makes one of this form.
    """
    try:
        return _of_file(file, file.stat().st_mtime_ns)
    except (FileNotFoundError, OtherForm):
        return shipped()


@lru_cache(maxsize=4)
def _of_file(file: Path, _changed: int) -> Classifier:
    return Classifier(load(file))


@lru_cache(maxsize=1)
def shipped() -> Classifier:
    """With the model that comes with this version, loaded once. Raises replies.model.BadModel."""
    return Classifier(load(SHIPPED))


def classify(
    text: str, sent_at: datetime, country: str, channel: str = "sms", timezone: str | None = None
) -> Understanding:
    """`Classifier.understand` with the shipped model."""
    return shipped().understand(text, sent_at, country, channel, timezone)

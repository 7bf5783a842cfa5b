"""How good a model is on messages that it was not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.replies.labels import ORDER, SAFETY, Intent, person_must_look
from replies.classify import Classifier
from replies.data import Example, PromiseRead

_AT = datetime(2026, 11, 27, 15, tzinfo=UTC)
_BINS = 10


@dataclass(frozen=True)
class OfIntent:
    """How one intent was found: as the first, and anywhere in the list."""

    intent: Intent
    messages: int
    precision: float
    recall: float
    f1: float
    anywhere: int
    recall_anywhere: float


@dataclass(frozen=True)
class Evaluation:
    """`macro_f1` is the mean over the intents that occur first; `calibration_error` the mean gap of confidence."""

    messages: int
    macro_f1: float
    first_right: float
    safety_recall: float
    reason_right: float
    person_right: float
    calibration_error: float
    days_right: float | None
    amounts_right: float | None
    """Of the promises that name one: how often the message is understood as promising just that. None without any."""
    intents: tuple[OfIntent, ...]
    wrong: tuple[tuple[Example, tuple[Intent, ...], float], ...]
    """Messages whose first intent was not found: what was said instead, and how surely."""

    def figures(self) -> dict[str, float]:
        """Those that were measured, rounded to four decimals."""
        promises = {"days_right": self.days_right, "amounts_right": self.amounts_right}
        return {name: round(share, 4) for name, share in promises.items() if share is not None} | {
            "messages": self.messages,
            "macro_f1": round(self.macro_f1, 4),
            "first_right": round(self.first_right, 4),
            "safety_recall": round(self.safety_recall, 4),
            "reason_right": round(self.reason_right, 4),
            "person_right": round(self.person_right, 4),
            "calibration_error": round(self.calibration_error, 4),
        }


def evaluate(classifier: Classifier, examples: Sequence[Example], promises: Sequence[PromiseRead] = ()) -> Evaluation:
    """Measure on `examples`, which must not be empty, and days and amounts on `promises`."""
    said = [classifier.understand(example.text, _AT, "MX") for example in examples]
    rows = [
        _of_intent(intent, examples, [each.intents for each in said])
        for intent in ORDER
        if any(intent in example.intents for example in examples)
    ]
    first = [row for row in rows if row.messages]
    safe = [
        (intent, intent in each.intents)
        for example, each in zip(examples, said, strict=True)
        for intent in example.intents
        if intent in SAFETY
    ]
    hits = [example.intents[0] is each.intents[0] for example, each in zip(examples, said, strict=True)]
    return Evaluation(
        messages=len(examples),
        macro_f1=sum(row.f1 for row in first) / len(first),
        first_right=sum(hits) / len(hits),
        safety_recall=sum(hit for _, hit in safe) / len(safe) if safe else 1.0,
        reason_right=sum(e.reason is s.reason for e, s in zip(examples, said, strict=True)) / len(said),
        person_right=sum(
            (e.person or person_must_look(e.intents)) == s.needs_human for e, s in zip(examples, said, strict=True)
        )
        / len(said),
        calibration_error=_calibration_error([each.confidence for each in said], hits),
        **_promised(classifier, promises),
        intents=tuple(rows),
        wrong=tuple(
            (example, each.intents, each.confidence)
            for example, each, hit in zip(examples, said, hits, strict=True)
            if not hit
        ),
    )


def _promised(classifier: Classifier, promises: Sequence[PromiseRead]) -> dict[str, float | None]:
    said = [classifier.understand(each.text, each.sent_at, each.country) for each in promises]
    days = [s.promise_date == p.day for p, s in zip(promises, said, strict=True) if p.day is not None]
    amounts = [s.promise_amount == p.amount for p, s in zip(promises, said, strict=True) if p.amount is not None]
    return {
        "days_right": sum(days) / len(days) if days else None,
        "amounts_right": sum(amounts) / len(amounts) if amounts else None,
    }


def _of_intent(intent: Intent, examples: Sequence[Example], said: Sequence[tuple[Intent, ...]]) -> OfIntent:
    wanted = [example.intents[0] is intent for example in examples]
    named = [each[0] is intent for each in said]
    both = sum(w and n for w, n in zip(wanted, named, strict=True))
    precision = both / sum(named) if any(named) else 0.0
    recall = both / sum(wanted) if any(wanted) else 0.0
    listed = [intent in each for example, each in zip(examples, said, strict=True) if intent in example.intents]
    return OfIntent(
        intent=intent,
        messages=sum(wanted),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if both else 0.0,
        anywhere=len(listed),
        recall_anywhere=sum(listed) / len(listed) if listed else 0.0,
    )


def _calibration_error(confidences: Sequence[float], hits: Sequence[bool]) -> float:
    """Mean distance of confidence and share of hits, over ten bins (ECE)."""
    gap = 0.0
    for number in range(_BINS):
        inside = [
            (confidence, hit)
            for confidence, hit in zip(confidences, hits, strict=True)
            if number <= confidence * _BINS < number + 1 or (number == _BINS - 1 and confidence >= 1.0)
        ]
        if inside:
            gap += abs(sum(confidence for confidence, _ in inside) - sum(hit for _, hit in inside)) / len(confidences)
    return gap

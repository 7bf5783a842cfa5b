"""The trained model: linear scores of a message and of its parts, and what follows from them, calibrated."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.replies.labels import ORDER, Intent, Reason
from replies.features import KINDS, Said, features_of, message_of

Array = NDArray[np.float32]
SHIPPED = Path(__file__).parent / "model" / "replies.model"
FORM = 3
"""Raised whenever features or arrays change their meaning: a model of another form is refused."""
REASONS: tuple[Reason | None, ...] = (None, *Reason)
OUTPUTS = len(ORDER) + len(Reason) + 1
_CLIP, _SCALE = 12.0, 4.0


class BadModel(ValueError):
    """A file that holds no model of this form; the text says why."""


class OtherForm(BadModel):
    """A model that another version of this software made."""


@dataclass(frozen=True)
class Reading:
    """Probabilities: of each intent to come first, of each to be said at all, of each reason, of need for a person."""

    first: Array
    said: Array
    reasons: Array
    person: float


@dataclass(frozen=True)
class Vocabulary:
    """Numbers of the features, by kind, and how rare each is."""

    kinds: tuple[dict[str, int], ...]
    rarity: Array

    @property
    def size(self) -> int:
        return len(self.rarity)

    def row(self, said: Said) -> tuple[NDArray[np.int64], Array]:
        """Numbers and values of the features of what is said; those of each kind together of length 1."""
        numbers: list[int] = []
        values: list[Array] = []
        for names, known in zip(features_of(said), self.kinds, strict=True):
            ids = [known[name] for name in names if name in known]
            if ids:
                weights = self.rarity[ids]
                numbers += ids
                values.append(weights / np.sqrt(np.dot(weights, weights)))
        joined = np.concatenate(values) if values else np.zeros(0, dtype=np.float32)
        return np.asarray(numbers, dtype=np.int64), joined.astype(np.float32)


@dataclass(frozen=True)
class Model:
    """Never changed once it is loaded; may be used by several threads."""

    vocabulary: Vocabulary
    weights: Array
    bias: Array
    first: Array
    said: Array
    reason: Array
    person: Array
    about: dict[str, Any]
    """Thresholds, the figures it was measured with and the form; plain JSON values."""

    def scores(self, said: Said) -> Array:
        """Log odds of every intent, every reason and of need for a person, of what is said taken as one statement."""
        numbers, values = self.vocabulary.row(said)
        return self.bias + values @ self.weights[numbers] if len(numbers) else self.bias

    def view(self, text: str) -> Array:
        """The scores of the whole message and the highest of its parts."""
        message = message_of(text)
        whole = self.scores(message.whole)
        parts = [self.scores(part) for part in message.parts]
        return combined(whole, np.max(parts, axis=0) if parts else whole, len(parts))

    def read(self, text: str) -> Reading:
        view = self.view(text)
        return Reading(
            first=_softmax(view @ self.first),
            said=1.0 / (1.0 + np.exp(-(view @ self.said))),
            reasons=_softmax(view @ self.reason),
            person=float(1.0 / (1.0 + np.exp(-(view @ self.person)[0]))),
        )

    def threshold(self, intent: Intent) -> float:
        """How likely a further act must be to be listed."""
        return float(self.about["thresholds"][intent.value])


def combined(whole: Array, best: Array, parts: int) -> Array:
    """What the second layer looks at: both scores, how long the message is, and 1."""
    size = np.asarray([min(parts, 8) / 8.0, 1.0], dtype=np.float32)
    both = np.concatenate([whole, best])
    return np.concatenate([np.clip(both, -_CLIP, _CLIP) / _SCALE, size]).astype(np.float32)


def _softmax(scores: Array) -> Array:
    raised = np.exp(scores - scores.max())
    return np.asarray(raised / raised.sum(), dtype=np.float32)


_ARRAYS = ("rarity", "weights", "bias", "first", "said", "reason", "person")


def save(model: Model, file: Path) -> None:
    """Write arrays and words into one zip file: nothing in it is run when it is read."""
    vocabulary = model.vocabulary
    names = {kind: sorted(known, key=known.__getitem__) for kind, known in zip(KINDS, vocabulary.kinds, strict=True)}
    file.parent.mkdir(parents=True, exist_ok=True)
    largest = np.maximum(np.abs(model.weights).max(axis=0), 1e-9)
    packed = {
        "rarity": vocabulary.rarity.astype(np.float16),
        # Roots in a byte each: most weights are small beside the largest, and must not all become nought.
        "weights": np.round(np.sign(model.weights) * np.sqrt(np.abs(model.weights) / largest) * 127.0).astype(np.int8),
        "largest": largest.astype(np.float32),
        "bias": model.bias,
        "first": model.first,
        "said": model.said,
        "reason": model.reason,
        "person": model.person,
    }
    draft = file.with_suffix(".draft")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as box:
        _put(box, "about.json", json.dumps(model.about | {"form": FORM}, indent=1, sort_keys=True).encode())
        _put(box, "names.json", json.dumps(names, ensure_ascii=False).encode())
        for name, array in packed.items():
            buffer = io.BytesIO()
            np.save(buffer, array, allow_pickle=False)
            _put(box, f"{name}.npy", buffer.getvalue())
    draft.replace(file)


def _put(box: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Without the time of writing: the same training gives the same bytes."""
    box.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED, 9)


def load(file: Path = SHIPPED) -> Model:
    """Raises BadModel."""
    try:
        with zipfile.ZipFile(file) as box:
            about: dict[str, Any] = json.loads(box.read("about.json"))
            if about.get("form") != FORM:
                raise OtherForm(f"{file}: a model of form {about.get('form')}, this version reads form {FORM}")
            names: dict[str, list[str]] = json.loads(box.read("names.json"))
            stored = {info.filename: box.read(info) for info in box.infolist() if info.filename.endswith(".npy")}
    except FileNotFoundError:
        raise BadModel(f"{file}: there is no such model") from None
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, BadModel):
            raise
        raise BadModel(f"{file}: no model of replies") from None
    try:
        arrays = {name: np.load(io.BytesIO(raw), allow_pickle=False) for name, raw in stored.items()}
        roots = arrays["weights.npy"].astype(np.float32) / 127.0
        weights = roots * np.abs(roots) * arrays["largest.npy"]
        whole = {name: arrays[f"{name}.npy"].astype(np.float32) for name in _ARRAYS if name != "weights"}
    except (KeyError, ValueError, OSError):
        raise BadModel(f"{file}: parts of the model are missing or broken") from None
    start, kinds = 0, []
    for kind in KINDS:
        kinds.append({name: start + index for index, name in enumerate(names[kind])})
        start += len(names[kind])
    if weights.shape != (start, OUTPUTS) or len(whole["rarity"]) != start:
        raise BadModel(f"{file}: its parts do not fit together")
    return Model(
        vocabulary=Vocabulary(tuple(kinds), whole["rarity"]),
        weights=weights,
        bias=whole["bias"],
        first=whole["first"],
        said=whole["said"],
        reason=whole["reason"],
        person=whole["person"],
        about=about,
    )

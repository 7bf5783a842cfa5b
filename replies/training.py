"""Trains the model: logistic regression over words and pieces of words, then a calibrated layer above its scores.

The second layer learns from scores that the first gave to messages it had not seen (folds by line of the data), so
that its probabilities hold for messages nobody trained on. Everything is drawn from one seed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression

from domain.replies.labels import ORDER, SAFETY, Intent, Reason
from replies.data import Example
from replies.features import KINDS, Message, Said, features_of, message_of
from replies.mixing import mixed
from replies.model import OUTPUTS, REASONS, Array, Model, Vocabulary, combined
from replies.noise import spoiled

SEED = 7
FOLDS = 3
STRENGTH, SECOND_STRENGTH = 6.0, 0.5
_SEEN_IN_LINES = 2
_NEVER = -20.0
_RARE = -6.0
"""Log odds of what no example says."""
_MIXED_EVERY, _MIXED_WEIGHT = 5, 0.6
_CLOSE, _FREE_BIAS = 0.05, 5.0
_LIFT = 1.0
"""Power of their rarity by which rare features may weigh more: they tell what one country's word means."""
_SAFETY_RECALL = 0.985
_SIGNS, _SIGN_RARITY = KINDS.index("signs"), (5.0, 8.0)
"""Signs are few and most are common: what is common among them tells as much as what is rare."""


@dataclass(frozen=True)
class _Sample:
    example: Example
    weight: float
    message: Message
    mixed: bool = False


def train(examples: Sequence[Example], seed: int = SEED) -> Model:
    """A model from labelled messages. The same examples and seed give the same model."""
    fold_of = _fold_of(examples, seed)
    samples = _samples(examples, fold_of, seed)
    vocabulary = _vocabulary([sample for sample in samples if not sample.mixed])
    rows = _matrix(vocabulary, [sample.message.whole for sample in samples])
    lift = vocabulary.rarity**_LIFT
    targets = np.stack([_targets(sample.example) for sample in samples])
    weight = np.asarray([sample.weight for sample in samples]) * _balance(samples)
    folds = np.asarray([fold_of[sample.example.line] for sample in samples])
    parts = [sample.message.parts for sample in samples]
    part_rows = _matrix(vocabulary, [part for each in parts for part in each])
    owner = np.repeat(np.arange(len(samples)), [len(each) for each in parts])
    views = np.zeros((len(samples), 2 * OUTPUTS + 2), dtype=np.float32)
    for fold in range(FOLDS):
        inside = folds != fold
        weights, bias = _fit_first(rows[inside], lift, targets[inside], weight[inside])
        views[~inside] = _views(rows, part_rows, owner, np.flatnonzero(~inside), weights, bias)
    weights, bias = _fit_first(rows, lift, targets, weight)
    second = _fit_second(views, samples, targets, weight)
    return Model(
        vocabulary=vocabulary,
        weights=weights,
        bias=bias,
        first=second["first"],
        said=second["said"],
        reason=second["reason"],
        person=second["person"],
        about={
            "thresholds": _thresholds(views, second["said"], targets, weight),
            "lines": len({sample.example.line for sample in samples}),
            "messages": len(examples),
            "seed": seed,
        },
    )


def _samples(examples: Sequence[Example], fold_of: Mapping[str, int], seed: int) -> list[_Sample]:
    """Each message as written and, where it can be, a spoiled copy of it; then messages made of two of one fold.

    Wordings of one line share its weight.
    """
    per_line = Counter(example.line for example in examples)
    chance = random.Random(seed)  # nosec B311 # seeded draws
    samples: list[_Sample] = []
    for example in examples:
        share = 1.0 / per_line[example.line] ** 0.5
        samples.append(_Sample(example, share, message_of(example.text)))
        copy = spoiled(example.text, chance)
        if copy != example.text:
            samples.append(_Sample(example, 0.5 * share, message_of(copy)))
    for fold in range(FOLDS):
        for both in mixed([each for each in examples if fold_of[each.line] == fold], chance, _MIXED_EVERY):
            text = spoiled(both.text, chance) if chance.random() < 0.5 else both.text
            samples.append(_Sample(both, _MIXED_WEIGHT, message_of(text), mixed=True))
    return samples


def _vocabulary(samples: Sequence[_Sample]) -> Vocabulary:
    """Features that occur in more than one line of the data."""
    lines: tuple[dict[str, set[str]], ...] = tuple({} for _ in KINDS)
    for sample in samples:
        for kind, names in zip(lines, features_of(sample.message.whole), strict=True):
            for name in names:
                kind.setdefault(name, set()).add(sample.example.line)
    everything = len({sample.example.line for sample in samples})
    kinds: list[dict[str, int]] = []
    rarity: list[float] = []
    for kind in lines:
        kept = sorted(name for name, where in kind.items() if len(where) >= _SEEN_IN_LINES)
        kinds.append({name: len(rarity) + index for index, name in enumerate(kept)})
        for name in kept:
            rare = float(np.log((1 + everything) / (1 + len(kind[name]))) + 1.0)
            rarity.append(float(np.clip(rare, *_SIGN_RARITY)) if kind is lines[_SIGNS] else rare)
    return Vocabulary(tuple(kinds), np.asarray(rarity, dtype=np.float32))


def _matrix(vocabulary: Vocabulary, said: Sequence[Said]) -> csr_matrix:
    ends, numbers, values = [0], [], []
    for each in said:
        ids, row = vocabulary.row(each)
        numbers.append(ids)
        values.append(row)
        ends.append(ends[-1] + len(ids))
    if not numbers:
        return csr_matrix((0, vocabulary.size), dtype=np.float32)
    return csr_matrix(
        (np.concatenate(values), np.concatenate(numbers), np.asarray(ends)), shape=(len(said), vocabulary.size)
    )


def _targets(example: Example) -> NDArray[np.bool_]:
    said = [intent in example.intents for intent in ORDER]
    reason = [example.reason is each for each in Reason]
    return np.asarray([*said, *reason, example.person])


def _balance(samples: Sequence[_Sample]) -> NDArray[np.float64]:
    """Rare first intents count more, part of the way to balance: each intent is judged alike."""
    mass: dict[Intent, float] = {}
    for sample in samples:
        first = sample.example.intents[0]
        mass[first] = mass.get(first, 0.0) + sample.weight
    mean = sum(mass.values()) / len(mass)
    return np.asarray([(mean / mass[sample.example.intents[0]]) ** 0.5 for sample in samples])


def _fold_of(examples: Sequence[Example], seed: int) -> dict[str, int]:
    """The fold of each line of the data."""
    chance = random.Random(seed)  # nosec B311 # seeded draws
    lines = sorted({example.line for example in examples})
    chance.shuffle(lines)
    return {line: index % FOLDS for index, line in enumerate(lines)}


def _fit_first(
    rows: csr_matrix, lift: Array, targets: NDArray[np.bool_], weight: NDArray[np.float64]
) -> tuple[Array, Array]:
    """One logistic regression for each output, on all cores; liblinear's Newton steps, which draw nothing."""
    held = np.zeros((rows.shape[1], OUTPUTS), dtype=np.float32)
    lifted = (rows @ diags(lift.astype(np.float64))).tocsr()
    lifted.sum_duplicates()  # or each thread would do it, in place
    bias = np.full(OUTPUTS, _RARE, dtype=np.float32)

    def fit(output: int) -> None:
        wanted = targets[:, output]
        if not wanted.any() or wanted.all():
            return
        learner = LogisticRegression(
            solver="liblinear", C=STRENGTH, tol=_CLOSE, intercept_scaling=_FREE_BIAS, random_state=SEED
        )
        learner.fit(lifted, wanted, sample_weight=weight)
        held[:, output], bias[output] = learner.coef_[0] * lift, learner.intercept_[0]

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(fit, range(OUTPUTS)))
    return held, bias


def _views(
    rows: csr_matrix,
    part_rows: csr_matrix,
    owner: NDArray[np.int64],
    chosen: NDArray[np.int64],
    weights: Array,
    bias: Array,
) -> Array:
    whole = np.asarray(rows[chosen] @ weights + bias)
    mine = np.flatnonzero(np.isin(owner, chosen))
    of_parts = np.asarray(part_rows[mine] @ weights + bias)
    by_owner: dict[int, list[int]] = {}
    for index, number in enumerate(owner[mine]):
        by_owner.setdefault(int(number), []).append(index)
    views = []
    for index, number in enumerate(chosen):
        part_numbers = by_owner.get(int(number), [])
        best = of_parts[part_numbers].max(axis=0) if part_numbers else whole[index]
        views.append(combined(whole[index], best, len(part_numbers)))
    return np.stack(views)


def _fit_second(
    views: Array, samples: Sequence[_Sample], targets: NDArray[np.bool_], weight: NDArray[np.float64]
) -> dict[str, Array]:
    first = np.asarray([ORDER.index(sample.example.intents[0]) for sample in samples])
    reason = np.asarray([REASONS.index(sample.example.reason) for sample in samples])
    intents = targets[:, : len(ORDER)]
    return {
        "first": _softmax_layer(views, first, len(ORDER), weight),
        "said": np.stack([_odds_layer(views, intents[:, index], weight) for index in range(len(ORDER))], axis=1),
        "reason": _softmax_layer(views, reason, len(REASONS), weight),
        "person": _odds_layer(views, targets[:, -1], weight)[:, None],
    }


def _softmax_layer(views: Array, wanted: NDArray[np.int64], classes: int, weight: NDArray[np.float64]) -> Array:
    layer = np.zeros((views.shape[1], classes), dtype=np.float32)
    layer[-1] = _NEVER
    found = np.unique(wanted)
    if len(found) == 1:
        layer[-1, found[0]] = 0.0
        return layer
    learner = LogisticRegression(C=SECOND_STRENGTH, max_iter=500, tol=1e-3)
    learner.fit(views[:, :-1], wanted, sample_weight=weight)
    # Of two classes sklearn gives the odds of the second alone.
    slopes = learner.coef_ if len(found) > 2 else np.vstack([np.zeros_like(learner.coef_), learner.coef_])
    starts = learner.intercept_ if len(found) > 2 else np.append(0.0, learner.intercept_)
    for index, each in enumerate(learner.classes_):
        layer[:-1, each], layer[-1, each] = slopes[index], starts[index]
    return layer


def _odds_layer(views: Array, wanted: NDArray[np.bool_], weight: NDArray[np.float64]) -> Array:
    layer = np.zeros(views.shape[1], dtype=np.float32)
    layer[-1] = _NEVER
    if wanted.any():
        learner = LogisticRegression(C=SECOND_STRENGTH, max_iter=500, tol=1e-3)
        learner.fit(views[:, :-1], wanted, sample_weight=weight)
        layer[:-1], layer[-1] = learner.coef_[0], learner.intercept_[0]
    return layer


def _thresholds(views: Array, said: Array, targets: NDArray[np.bool_], weight: NDArray[np.float64]) -> dict[str, float]:
    """From scores on unseen messages: the best F1, or for safety the highest that misses almost nobody."""
    chances = 1.0 / (1.0 + np.exp(-(views @ said)))
    found: dict[str, float] = {}
    for index, intent in enumerate(ORDER):
        wanted, chance = targets[:, index], chances[:, index]
        if not wanted.any():
            found[intent.value] = 0.9
            continue
        if intent in SAFETY:
            found[intent.value] = _missing_few(chance[wanted], weight[wanted])
        else:
            found[intent.value] = max(_best(chance, wanted, weight), 0.3)
    return found


def _missing_few(chance: Array, weight: NDArray[np.float64]) -> float:
    order = np.argsort(chance)
    share = np.cumsum(weight[order]) / weight.sum()
    at = int(np.searchsorted(share, 1.0 - _SAFETY_RECALL))
    return float(np.clip(chance[order[min(at, len(order) - 1)]], 0.03, 0.4))


def _best(chance: Array, wanted: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    best, at = 0.0, 0.5
    for threshold in np.arange(0.2, 0.8, 0.02):
        named = chance >= threshold
        hit = weight[named & wanted].sum()
        f1 = 2 * hit / (weight[named].sum() + weight[wanted].sum())
        if f1 > best:
            best, at = float(f1), float(threshold)
    return round(at, 2)


def measured(model: Model, figures: dict[str, Any]) -> Model:
    """The same model with the figures it was measured with."""
    return replace(model, about=model.about | {"measured": figures})

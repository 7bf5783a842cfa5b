"""From a strategy file's text values to `domain.strategy`, part by part, so that every part is judged.

What a person writes differs from the model in a few friendly ways: amounts in major units
(`amount_at_least: "150.00"`), `threshold: whole`, stages as a mapping, and the file's `languages`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError, create_model
from pydantic_core import ErrorDetails

from config.agreement_parts import KEYS as AGREEMENT_KEYS
from config.agreement_parts import AgreementSections
from config.strategy_checks import sequence_problems, step_problems
from config.yaml_source import FieldPath, Problem, Value, YamlSource
from domain.conversation.terms import ConversationTerms
from domain.money import is_currency, minor_digits, parse_major
from domain.strategy import BalanceWatch, Conditions, Ends, Queue, Receipt, Stage, StageStart, Step, Strategy

_AMOUNTS = {"amount_at_least": "amount_at_least_minor", "amount_at_most": "amount_at_most_minor"}
_LANGUAGE = re.compile(r"[a-z]{2}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")
_SHARE = re.compile(r"0?\.[0-9]{1,6}|1(\.0{1,6})?")
_IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_Model = TypeVar("_Model", bound=BaseModel)
_BOUNDS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "string_too_long": ("a length of at most", "max_length"),
    "string_too_short": ("a length of at least", "min_length"),
    "too_long": ("a length of at most", "max_length"),
    "too_short": ("a length of at least", "min_length"),
}
_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "a text",
    "tuple_type": "a list such as [sms, email]",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def _cut(model: type[BaseModel], *keys: str) -> type[BaseModel]:
    """A model of some fields of `model`, without its rules across fields."""
    fields: dict[str, Any] = {key: (model.model_fields[key].annotation, model.model_fields[key]) for key in keys}
    return create_model(f"{model.__name__}Part", **fields)


_Head = _cut(Strategy, "name", "version", "title")
_STEP_KEYS = {key: _cut(Step, key) for key in Step.model_fields}


def _written(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(model.model_fields)


_KEYS: dict[str, tuple[str, ...]] = {
    "strategy": (*_written(Strategy), "languages"),
    "step": _written(Step),
    "when": tuple(key.removesuffix("_minor") for key in _written(Conditions)),
    "watch": _written(BalanceWatch),
    "queue": _written(Queue),
    "receipt": _written(Receipt),
    "conversation": _written(ConversationTerms),
    "ends": _written(Ends),
    "threshold": ("share", "amount"),
    "stages": tuple(Stage),
    **AGREEMENT_KEYS,
}


def shown(path: FieldPath, data: Value) -> str:
    """A path as people read it: a step by its id, e.g. `steps[due-today].at`."""
    words = ""
    at: Value = data
    for part in path:
        at = _inside(at, part)
        if isinstance(part, int):
            name = at.get("id") if isinstance(at, dict) else None
            words += f"[{name}]" if isinstance(name, str) and len(name) <= 40 and name else f"[#{part + 1}]"
        else:
            words += f".{part[:60]}" if words else part[:60]
    return words


def _inside(value: Value, part: str | int) -> Value:
    if isinstance(value, dict) and isinstance(part, str):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


class StrategyReader(AgreementSections):
    """Reads one file; what is wrong is added to the source's problems."""

    def __init__(self, source: YamlSource) -> None:
        self._source = source
        self._currency: str | None = None
        self._currency_refused = False
        self.languages: tuple[str, ...] = ()

    def read(self) -> Strategy | None:
        """The strategy, or None when anything at all is wrong with the file."""
        data = self._source.data
        if data is None and self._source.problems:
            return None
        top = self._mapping((), data, "strategy")
        if top is None:
            return None
        self._read_languages(top)
        self._read_currency(top)
        parts: dict[str, object] = {key: top[key] for key in _Head.model_fields if key in top}
        self._part(_Head, (), parts)
        parts["currency"] = self._currency
        parts["steps"] = self._steps(top)
        parts["queues"] = self._queues(top)
        if "stages" in top:
            parts["stages"] = self._stages(top["stages"])
        if top.get("watch") is not None:
            parts["watch"] = self._part(BalanceWatch, ("watch",), self._watch(top["watch"]))
        if top.get("receipt") is not None:
            written = self._mapping(("receipt",), top["receipt"], "receipt")
            parts["receipt"] = self._part(Receipt, ("receipt",), written)
        self._read_agreements(top, parts)
        if top.get("conversation") is not None:
            written = self._mapping(("conversation",), top["conversation"], "conversation")
            parts["conversation"] = self._part(ConversationTerms, ("conversation",), written)
            self._check_queue(top, "conversation")
        if top.get("ends") is None:
            self._problem(("ends",), "is missing", "a mapping such as {after_days: 90}")
        else:
            parts["ends"] = self._part(Ends, ("ends",), self._mapping(("ends",), top["ends"], "ends"))
        for path, reason, expected in sequence_problems(top):
            self._problem(path, reason, expected)
        return None if self._source.problems else self._part(Strategy, (), parts)

    def _problem(self, path: FieldPath, reason: str, expected: str = "") -> None:
        source = self._source
        field = shown(path, source.data)
        source.problems.append(
            Problem(file=source.file, line=source.line_of(path), field=field, reason=reason, expected=expected)
        )

    def _mapping(self, path: FieldPath, value: object, kind: str) -> dict[str, Value] | None:
        """A copy without the keys that mean nothing here; each of those is a problem.

        A misspelt key counts as the one it is meant for, so that one slip is one problem.
        """
        known = _KEYS[kind]
        if not isinstance(value, dict):
            self._problem(path, "is no mapping", f"keys such as {', '.join(known[:3])}")
            return None
        meant: dict[str, Value] = {}
        for key, each in value.items():
            if key in known:
                meant[key] = each
                continue
            near = difflib.get_close_matches(key, known, n=1)
            reason = "unknown key" + (f"; did you mean {near[0]}?" if near else "")
            self._problem((*path, key), reason, f"one of {', '.join(known)}")
            if near and near[0] not in value:
                meant[near[0]] = each
        return meant

    def _part(self, model: type[_Model], path: FieldPath, values: Mapping[str, object] | None) -> _Model | None:
        if values is None:
            return None
        try:
            return model.model_validate(values)
        except ValidationError as error:
            for each in error.errors(include_url=False, include_input=False):
                self._invalid((*path, *each["loc"]), each)
            return None

    def _invalid(self, path: FieldPath, error: ErrorDetails) -> None:
        kind, context = error["type"], error.get("ctx", {})
        if kind == "missing":
            self._problem(path, "is missing")
        elif kind == "string_pattern_mismatch":
            self._problem(path, "is no such name", "lower-case letters, digits, - and _, at most 40")
        elif kind == "enum":
            self._problem(path, "is none of the words known here", f"one of {context.get('expected', '')}")
        elif kind in _EXPECTED:
            self._problem(path, f"is not {_EXPECTED[kind]}", _EXPECTED[kind])
        elif kind == "value_error":
            self._problem(path, str(error["msg"]).removeprefix("Value error, "))
        elif kind in _BOUNDS:
            word, key = _BOUNDS[kind]
            self._problem(path, "is out of range", f"{word} {context.get(key)}")
        else:
            self._problem(path, str(error["msg"]))

    def _read_languages(self, top: dict[str, Value]) -> None:
        if "languages" not in top:
            return
        given = top["languages"]
        if not isinstance(given, list) or not given:
            self._problem(("languages",), "is no list of languages", "a list such as [es, en]")
            return
        good = [each for each in given if isinstance(each, str) and _LANGUAGE.fullmatch(each)]
        for index, each in enumerate(given):
            if not (isinstance(each, str) and _LANGUAGE.fullmatch(each)):
                self._problem(("languages", index), "is no language", "two letters such as es")
        self.languages = tuple(dict.fromkeys(good))

    def _read_currency(self, top: dict[str, Value]) -> None:
        given = top.get("currency")
        if given is None:
            return
        if isinstance(given, str) and is_currency(given):
            self._currency = given
        else:
            self._currency_refused = True
            self._problem(("currency",), "is no currency", "an ISO 4217 code such as EUR")

    def _amount(self, path: FieldPath, value: Value) -> int | None:
        if self._currency is None and not self._currency_refused:
            self._problem(path, "an amount needs the strategy's currency", "currency: EUR, or another")
        if self._currency is None:
            return None
        if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
            self._problem(path, "is no amount in major units", "digits such as 150.00")
            return None
        try:
            return parse_major(value, self._currency)
        except ValueError:
            digits = minor_digits(self._currency)
            self._problem(path, f"has more decimals than {self._currency}", f"at most {digits}")
            return None

    def _steps(self, top: dict[str, Value]) -> list[Step | None]:
        given = top.get("steps")
        if not isinstance(given, list) or not given:
            self._problem(("steps",), "has no steps", "a list of steps")
            return []
        if len(given) > 100:
            self._problem(("steps",), f"has {len(given)} steps", "at most 100")
        return [self._step(("steps", index), item) for index, item in enumerate(given)]

    def _step(self, path: FieldPath, value: Value) -> Step | None:
        written = self._mapping(path, value, "step")
        if written is None:
            return None
        step: dict[str, object] = {key: each for key, each in written.items() if key not in ("when", "at")}
        before = len(self._source.problems)
        if written.get("when") is not None:
            step["when"] = self._conditions((*path, "when"), written["when"])
        if "at" in written:
            at = written["at"]
            if isinstance(at, str) and _TIME.fullmatch(at):
                step["at"] = at.zfill(5)
            else:
                self._problem((*path, "at"), "is no time of day", 'a local time such as "10:00"')
        for problem_path, reason, expected in step_problems(path, written):
            self._problem(problem_path, reason, expected)
        if len(self._source.problems) == before:
            return self._part(Step, path, step)
        # The rules across keys have spoken; judge the values one by one, so that none stays untold.
        for key, each in step.items():
            if key != "when":
                self._part(_STEP_KEYS[key], path, {key: each})
        return None

    def _conditions(self, path: FieldPath, value: Value) -> Conditions | None:
        written = self._mapping(path, value, "when")
        if written is None:
            return None
        values: dict[str, object] = {key: each for key, each in written.items() if key not in _AMOUNTS}
        for key, minor in _AMOUNTS.items():
            if written.get(key) is not None:
                values[minor] = self._amount((*path, key), written[key])
        low, high = values.get("amount_at_least_minor"), values.get("amount_at_most_minor")
        if isinstance(low, int) and isinstance(high, int) and low > high:
            self._problem((*path, "amount_at_most"), "is below amount_at_least: the step never applies")
        return self._part(Conditions, path, values)

    def _watch(self, value: Value) -> dict[str, object] | None:
        written = self._mapping(("watch",), value, "watch")
        if written is None:
            return None
        watch: dict[str, object] = {key: each for key, each in written.items() if key != "threshold"}
        if "threshold" in written:
            threshold = self._threshold(("watch", "threshold"), written["threshold"])
            if threshold is not None:
                watch["threshold"] = threshold
        return watch

    def _threshold(self, path: FieldPath, value: Value) -> dict[str, object] | None:
        if value == "whole":
            return {"kind": "whole"}
        if not isinstance(value, dict) or len(value) != 1:
            self._problem(path, "is no threshold", "whole, {share: 0.5} or {amount: 100.00}")
            return None
        written = self._mapping(path, value, "threshold")
        if written and "share" in written:
            share = written["share"]
            if isinstance(share, str) and _SHARE.fullmatch(share) and float(share) > 0:
                return {"kind": "share", "share": float(share)}
            self._problem((*path, "share"), "is no share", "more than 0 and at most 1, such as 0.5")
        if written and "amount" in written:
            minor = self._amount((*path, "amount"), written["amount"])
            if minor == 0:
                self._problem((*path, "amount"), "is out of range", "more than 0")
            return {"kind": "amount", "amount_minor": minor} if minor else None
        return None

    def _stages(self, value: Value) -> list[StageStart | None]:
        written = self._mapping(("stages",), value, "stages") or {}
        starts: list[StageStart | None] = []
        for stage, dpd in written.items():
            if isinstance(dpd, str) and re.fullmatch(r"-?[0-9]{1,4}", dpd):
                starts.append(StageStart(stage=Stage(stage), dpd=int(dpd)))
            else:
                self._problem(("stages", stage), "is not a whole number", "days past due such as 30")
        return starts

    def _queues(self, top: dict[str, Value]) -> dict[str, Queue | None]:
        given = top.get("queues")
        if given is None:
            return {}
        if not isinstance(given, dict):
            self._problem(("queues",), "is no mapping", "queue names, each with sla_hours")
            return {}
        queues: dict[str, Queue | None] = {}
        for name, value in given.items():
            if not _IDENTIFIER.fullmatch(name):
                self._problem(("queues", name), "is no such name", "lower-case letters, digits, - and _, at most 40")
            queues[name] = self._part(Queue, ("queues", name), self._mapping(("queues", name), value, "queue"))
        return queues

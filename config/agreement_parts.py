"""The parts of a strategy file about agreements: promises, plans, settlements, restructurings, and their messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel

from config.yaml_source import FieldPath, Value
from domain.agreements.terms import (
    AgreementMessage,
    AgreementMessages,
    Option,
    PlanOption,
    PlanTerms,
    PromiseTerms,
    RestructuringOption,
    RestructuringTerms,
    SettlementOption,
    SettlementTerms,
)

_Model = TypeVar("_Model", bound=BaseModel)
_MESSAGES = ("document", "reminder", "link", "missed", "broken")


def _written(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(key.removesuffix("_minor") for key in model.model_fields)


KEYS: dict[str, tuple[str, ...]] = {
    "promises": _written(PromiseTerms),
    "plans": _written(PlanTerms),
    "settlements": _written(SettlementTerms),
    "restructurings": _written(RestructuringTerms),
    "plans option": _written(PlanOption),
    "settlements option": _written(SettlementOption),
    "restructurings option": tuple("annual_rate" if key == "rate_bp" else key for key in _written(RestructuringOption)),
    "agreement message": _written(AgreementMessage),
}
_CATALOGUES: dict[str, tuple[type[BaseModel], type[Option]]] = {
    "plans": (PlanTerms, PlanOption),
    "settlements": (SettlementTerms, SettlementOption),
    "restructurings": (RestructuringTerms, RestructuringOption),
}
_OPTION_AMOUNTS = ("amount_at_least", "amount_at_most", "least")
_RATE = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2})?|100(\.0{1,2})?")


class AgreementSections:
    """Reads those parts; `config.strategy_parts.StrategyReader` brings the tools."""

    def _read_agreements(self, top: Mapping[str, Value], parts: dict[str, object]) -> None:
        if top.get("promises") is not None:
            written = self._terms(("promises",), top["promises"], "promises", ("tolerance", "least"))
            parts["promises"] = self._part(PromiseTerms, ("promises",), written)
        for part, (terms, _) in _CATALOGUES.items():
            if top.get(part) is not None:
                parts[part] = self._part(terms, (part,), self._catalogue(part, top[part]))
        for part in AGREEMENT_PARTS:
            self._check_queue(top, part)

    def _catalogue(self, part: str, value: Value) -> dict[str, object] | None:
        written = self._terms((part,), value, part, ())
        if written is None:
            return None
        given = written.get("options")
        if not isinstance(given, list) or not given:
            self._problem((part, "options"), "has no options", "a list of options, each with an id")
            return None
        before: set[str] = set()
        options: list[object] = []
        for index, each in enumerate(given):
            name = each.get("id") if isinstance(each, dict) else None
            if isinstance(name, str) and name in before:
                self._problem((part, "options", index, "id"), f"stands twice: {name[:40]}", "an id of its own for each")
            before |= {name} if isinstance(name, str) else set()
            options.append(self._option(part, (part, "options", index), each))
        # With an option that cannot be read the rest is judged once it can: else one slip would be told three times.
        return None if None in options else written | {"options": options}

    def _option(self, part: str, path: FieldPath, value: Value) -> BaseModel | None:
        written = self._mapping(path, value, f"{part} option")
        if written is None:
            return None
        option: dict[str, object] = {
            key: each for key, each in written.items() if key not in (*_OPTION_AMOUNTS, "annual_rate")
        }
        for key in _OPTION_AMOUNTS:
            if written.get(key) is not None:
                option[f"{key}_minor"] = self._amount((*path, key), written[key])
        if written.get("annual_rate") is not None:
            rate = written["annual_rate"]
            if isinstance(rate, str) and _RATE.fullmatch(rate):
                option["rate_bp"] = int(Decimal(rate) * 100)
            else:
                self._problem((*path, "annual_rate"), "is no yearly rate", "percent such as 12.50")
        if None in (option.get(f"{key}_minor", 0) for key in _OPTION_AMOUNTS):
            return None
        return self._part(_CATALOGUES[part][1], path, option)

    def _terms(self, path: FieldPath, value: Value, kind: str, amounts: tuple[str, ...]) -> dict[str, object] | None:
        """A mapping with its messages read and its amounts in minor units."""
        written = self._mapping(path, value, kind)
        if written is None:
            return None
        plain = {key: each for key, each in written.items() if key not in (*_MESSAGES, *amounts)}
        terms: dict[str, object] = dict(plain)
        for key in amounts:
            if written.get(key) is not None:
                terms[f"{key}_minor"] = self._amount((*path, key), written[key])
        for key in _MESSAGES:
            if written.get(key) is not None:
                message = self._mapping((*path, key), written[key], "agreement message")
                terms[key] = self._part(AgreementMessage, (*path, key), message)
        return {key: each for key, each in terms.items() if each is not None}

    def _check_queue(self, top: Mapping[str, Value], part: str) -> None:
        given, queues = top.get(part), top.get("queues")
        queue = given.get("queue") if isinstance(given, dict) else None
        known = list(queues) if isinstance(queues, dict) else []
        if isinstance(queue, str) and queue not in known:
            expected = f"one of {', '.join(known)}" if known else "a queue in queues"
            self._problem((part, "queue"), "names a queue that queues does not have", expected)

    # Brought by the reader.

    def _mapping(self, path: FieldPath, value: object, kind: str) -> dict[str, Value] | None:
        raise NotImplementedError

    def _part(self, model: type[_Model], path: FieldPath, values: Mapping[str, object] | None) -> _Model | None:
        raise NotImplementedError

    def _amount(self, path: FieldPath, value: Value) -> int | None:
        raise NotImplementedError

    def _problem(self, path: FieldPath, reason: str, expected: str = "") -> None:
        raise NotImplementedError


def messages_written(data: Mapping[str, Value]) -> list[tuple[FieldPath, dict[str, Any]]]:
    """Every message about agreements as the file has it, with its path."""
    found: list[tuple[FieldPath, dict[str, Any]]] = []
    for part in AGREEMENT_PARTS:
        terms = data.get(part)
        for key in _MESSAGES:
            message = terms.get(key) if isinstance(terms, dict) else None
            if isinstance(message, dict):
                found.append(((part, key), message))
    return found


AGREEMENT_PARTS = ("promises", *_CATALOGUES)
assert set(_MESSAGES) <= set(AgreementMessages.model_fields)

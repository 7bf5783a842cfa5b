"""The parts of a strategy file about agreements: promises, plans, settlements, restructurings, and their messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from config.yaml_source import FieldPath, Value
from domain.agreements.terms import AgreementMessage, AgreementMessages, PromiseTerms

_Model = TypeVar("_Model", bound=BaseModel)
_MESSAGES = ("reminder", "link", "missed", "broken")


def _written(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(key.removesuffix("_minor") for key in model.model_fields)


KEYS: dict[str, tuple[str, ...]] = {
    "promises": _written(PromiseTerms),
    "agreement message": _written(AgreementMessage),
}


class AgreementSections:
    """Reads those parts; `config.strategy_parts.StrategyReader` brings the tools."""

    def _read_agreements(self, top: Mapping[str, Value], parts: dict[str, object]) -> None:
        if top.get("promises") is not None:
            written = self._terms(("promises",), top["promises"], "promises", ("tolerance", "least"))
            parts["promises"] = self._part(PromiseTerms, ("promises",), written)
        self._check_queue(top, "promises")

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


AGREEMENT_PARTS = ("promises",)
assert set(_MESSAGES) <= set(AgreementMessages.model_fields)

"""Holds Stripe's and Twilio's form bodies and queries against the vendors' own OpenAPI files.

A form carries text only, so JSON Schema's number and boolean types are read as "text of that shape".
Stripe's brackets are decoded by qs-codec, everything is judged by jsonschema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
import jsonschema
import qs_codec

SPECS = Path(__file__).parents[1] / "data" / "specs"
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_SHAPES = {"integer": r"-?[0-9]+", "number": _NUMBER.pattern, "boolean": "true|false"}


def _limit(keyword: str) -> Any:
    def check(validator: Any, limit: float, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            if float(value) < limit if keyword == "minimum" else float(value) > limit:
                yield jsonschema.ValidationError(f"{keyword} {limit} is broken")

    return check


def _shaped(pattern: str) -> Any:
    return lambda checker, value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


_FormValidator = jsonschema.validators.extend(
    jsonschema.Draft4Validator,
    validators={"minimum": _limit("minimum"), "maximum": _limit("maximum")},
    type_checker=jsonschema.Draft4Validator.TYPE_CHECKER.redefine_many(
        {name: _shaped(pattern) for name, pattern in _SHAPES.items()}
    ),
)


@cache
def _spec(name: str) -> Any:
    return json.loads((SPECS / name).read_text(encoding="utf-8"))


def request_faults(spec_name: str, request: httpx.Request) -> list[str]:
    """What the official file finds wrong with `request`; empty if nothing."""
    spec = _spec(spec_name)
    found = _operation(spec, request)
    if found is None:
        return [f"no {request.method} at such a path"]
    operation, path_values = found
    nested = spec_name.startswith("stripe")
    faults = _parameter_faults(spec, operation, "path", path_values)
    query = _decoded(request.url.query.decode(), nested)
    faults += _parameter_faults(spec, operation, "query", query)
    if request.method == "POST":
        faults += _body_faults(spec, operation, request, nested)
    elif request.content:
        faults.append("a body on a request that takes none")
    return faults


def _operation(spec: Any, request: httpx.Request) -> tuple[Any, dict[str, str]] | None:
    path = request.url.raw_path.decode().partition("?")[0]
    for template in sorted(spec["paths"], key=lambda t: t.count("{")):
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
        matched = re.fullmatch(pattern, path)
        operation = spec["paths"][template].get(request.method.lower())
        if matched and operation:
            return operation, {name: unquote(value) for name, value in matched.groupdict().items()}
    return None


def _decoded(text: str, nested: bool) -> dict[str, Any]:
    if nested:
        return dict(qs_codec.decode(text, qs_codec.DecodeOptions(depth=20)))
    return {k: v[0] if len(v) == 1 else v for k, v in parse_qs(text, keep_blank_values=True).items()}


def _parameter_faults(spec: Any, operation: Any, place: str, given: dict[str, Any]) -> list[str]:
    known = {p["name"]: p for p in operation.get("parameters", []) if p["in"] == place}
    faults = [f"{place} {name}: not in the specification" for name in given if name not in known]
    faults += [f"{place} {name}: missing" for name, p in known.items() if p.get("required") and name not in given]
    for name, value in given.items():
        if name in known:
            schema = {**known[name]["schema"], "components": spec["components"]}
            faults += [f"{place} {name}: {e.message}" for e in _FormValidator(schema).iter_errors(value)]
    return faults


def _body_faults(spec: Any, operation: Any, request: httpx.Request, nested: bool) -> list[str]:
    if request.headers.get("Content-Type") != "application/x-www-form-urlencoded":
        return ["the body is not a form"]
    content = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
    schema = {**content["schema"], "components": spec["components"]}
    body = _decoded(request.content.decode(), nested)
    faults = [
        f"body {'/'.join(map(str, e.absolute_path))}: {e.message}" for e in _FormValidator(schema).iter_errors(body)
    ]
    if "additionalProperties" not in schema:
        faults += [f"body {name}: not in the specification" for name in body if name not in schema["properties"]]
    return faults

"""How values travel to and from Temporal: JSON of pydantic models, without what is None.

A loan's history is written once and read at every wake, and half of an order's fields are None in most orders. A
field that may be None therefore has None as its default.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadConverter,
)
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory


class ToldOutside(BaseModel):
    """What others read of a workflow: every key is there, and what is not known is null."""


class CompactJson(PydanticJSONPlainPayloadConverter):
    def to_payload(self, value: Any) -> Payload | None:
        data = to_json(value, exclude_none=not isinstance(value, ToldOutside))
        return Payload(metadata={"encoding": b"json/plain"}, data=data)


_JSON = CompactJson()


_ALL = CompositePayloadConverter(
    *(
        _JSON if isinstance(each, JSONPlainPayloadConverter) else each
        for each in DefaultPayloadConverter.default_encoding_payload_converters
    )
).converters


class CompactPayloads(CompositePayloadConverter):
    """One set of converters for all: the SDK makes a payload converter for each workflow and each of its tasks."""

    def __init__(self) -> None:
        self.converters = _ALL


class BriefFailures(DefaultFailureConverter):
    """Failures that are expected say why, not where: with the lines of code around it a balance that was only not
    there yet cost the worker more than the look at it cost the workflow, and the server kept it all for each loan.
    """

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        if isinstance(exception, ApplicationError) and exception.category is ApplicationErrorCategory.BENIGN:
            exception = exception.with_traceback(None)
        super().to_failure(exception, payload_converter, failure)


class EncodedFailures(BriefFailures, DefaultFailureConverterWithEncodedAttributes):
    """Messages and stack traces are payloads too, so that a codec encrypts them."""


compact_data_converter = DataConverter(payload_converter_class=CompactPayloads, failure_converter_class=BriefFailures)

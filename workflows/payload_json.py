"""How values travel to and from Temporal: JSON of pydantic models, without what is None.

A loan's history is written once and read at every wake, and half of an order's fields are None in most orders. A
field that may be None therefore has None as its default.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
)


class ToldOutside(BaseModel):
    """What others read of a workflow: every key is there, and what is not known is null."""


class CompactJson(PydanticJSONPlainPayloadConverter):
    def to_payload(self, value: Any) -> Payload | None:
        data = to_json(value, exclude_none=not isinstance(value, ToldOutside))
        return Payload(metadata={"encoding": b"json/plain"}, data=data)


_JSON = CompactJson()


class CompactPayloads(CompositePayloadConverter):
    """One JSON converter for all: the SDK makes a payload converter for each workflow and each of its tasks."""

    def __init__(self) -> None:
        super().__init__(
            *(
                _JSON if isinstance(each, JSONPlainPayloadConverter) else each
                for each in DefaultPayloadConverter.default_encoding_payload_converters
            )
        )


compact_data_converter = DataConverter(payload_converter_class=CompactPayloads)

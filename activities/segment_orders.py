"""What a message to a segment orders from its activities and hears back."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class TellOrder(_Message):
    """Tell at most `page` loans that have not heard of the message, `rate_per_second` at most."""

    send_id: str
    page: int = Field(gt=0)
    rate_per_second: float = Field(gt=0)


class TellReport(_Message):
    """`told` and `refused` in this page; `waiting` are left for the next."""

    told: int
    refused: int
    waiting: int


class SendStateOrder(_Message):
    send_id: str
    state: str

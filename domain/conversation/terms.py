"""What a strategy lets the machine say in a conversation."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class ConversationTerms(BaseModel):
    """How far the machine answers by itself.

    After `turns` answers without progress, or below `confidence` in what a message says, a person goes on; so they do
    from the start for loans later than `people_after_dpd` days. `queue`: where their cases go, else the first of the
    strategy's queues.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    turns: int = Field(4, ge=1, le=20)
    confidence: float = Field(0.5, ge=0, le=1)
    people_after_dpd: int | None = Field(None, ge=0, le=3650)
    queue: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")] | None = None

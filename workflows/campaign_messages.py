"""What goes into and comes out of the campaign workflow."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from activities.campaign_orders import InstructReport
from workflows.payload_json import ToldOutside


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class CampaignInput(_Message):
    """`page` loans are started by one activity; `rate_per_second` is the most that start in a second.

    The loans do nothing before `begin_at`.
    """

    campaign_id: str
    rate_per_second: float = Field(50, gt=0)
    page: int = Field(5000, gt=0)
    begin_at: AwareDatetime | None = None
    started: int = 0
    refused: int = 0
    paused: bool = False
    instructions: int = 0


class CampaignProgress(_Message, ToldOutside):
    """`waiting` is None until the first page is done; the records know the rest (`starter.py campaign status`)."""

    campaign_id: str
    started: int
    refused: int
    waiting: int | None = None
    paused: bool
    stopped: bool
    instructions_pending: int
    last_instruction: InstructReport | None = None


class CampaignResult(_Message):
    started: int
    refused: int
    ends: dict[str, int]


def campaign_workflow_id(campaign_id: str) -> str:
    return f"campaign-{campaign_id}"

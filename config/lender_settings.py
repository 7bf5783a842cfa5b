"""Settings of the lender: how it names itself to borrowers, and its own limits on contacts."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from config.settings_section import SettingsSection
from config.ways_to_pay import known_ways
from domain.contact import Actor


class Lender(SettingsSection):
    """How the lender, or the agency that collects for it, names itself to borrowers.

    `name` is the creditor. The rest is what some markets' law wants in a message (docs/content-rules.md); where
    it is not set and the law asks for it, nothing is sent there and the reason says which setting is missing.
    """

    name: str = "Recobro Demo Lending"
    phone: str = "+1 202-555-0100"
    collects_as: Actor = Actor.CREDITOR
    agency: str | None = None
    agent: str | None = None
    address: str | None = None
    responsible: str | None = None
    complaints: str | None = None
    pay_to: str | None = Field(None, pattern=r"\S", max_length=1000)
    """The creditor's own account, as documents of agreements give it to pay into; never an agency's."""
    calls_as: str | None = Field(None, min_length=1, max_length=200)
    """The name under which a call opens and a voicemail is left, where the own one tells whoever listens of a debt: a
    registered or trade name. 15 USC 1692e(14) forbids a collector every name but the true one of its business."""
    ways_to_pay: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """As `payments.ways`, for this lender's borrowers."""

    @field_validator("ways_to_pay")
    @classmethod
    def _known_ways(cls, given: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return known_ways(given)

    @model_validator(mode="after")
    def _agency_has_a_name(self) -> Self:
        if self.collects_as is Actor.AGENCY and not self.agency:
            raise ValueError("an agency must be named: set agency beside collects_as=agency")
        return self

    @property
    def caller_on_calls(self) -> str:
        """Who calls, as whoever answers hears it before anybody has proved who they are."""
        return self.calls_as or self.caller

    @property
    def caller(self) -> str:
        """Who contacts the borrower, as they are told: the agency where one collects, else the creditor."""
        return self.agency if self.collects_as is Actor.AGENCY and self.agency else self.name


class ContactCaps(SettingsSection):
    """The lender's own limits for each person; only ever stricter than the law's."""

    per_day: int | None = Field(None, ge=1)
    per_week: int | None = Field(None, ge=1)

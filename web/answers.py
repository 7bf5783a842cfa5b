"""The JSON that the API and `loan show`, `case list` answer with: amounts in minor units, moments in UTC as ISO 8601.

docs/cli.md says the same keys in words.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class PaymentAnswer(BaseModel):
    provider: str
    payment_id: str
    amount_minor: int
    currency: str
    paid_at: str
    received_at: str
    reversed_at: str | None
    source: str
    entry: int | None = Field(description="The hand-over it belongs to, from 1.")


class ContactAnswer(BaseModel):
    step: str
    occurrence: int
    purpose: str
    channel: str
    template: str
    state: str
    reserved_at: str
    sent_at: str | None
    error_code: str | None
    entry: int


class EvidenceAnswer(BaseModel):
    at: str | None
    message_id: str | None
    text_hash: str | None = Field(description="SHA-256 of the words, hex.")


class InstalmentAnswer(BaseModel):
    number: int
    due: str
    amount_minor: int
    paid_minor: int
    missed: bool
    moved: bool


class AgreementAnswer(BaseModel):
    number: int
    entry: int
    kind: str
    state: str
    made_at: str
    made_by: str
    via: str
    option: str | None
    rule: str | None
    balance_minor: int
    total_minor: int
    remission_minor: int
    added_minor: int
    grace_days: int
    tolerance_minor: int
    fees_frozen: bool
    version: int | None = Field(description="Of a schedule that replaced another.")
    revision: int
    proposed_by: str | None
    approved_by: str | None
    expires_at: str | None
    ended_at: str | None
    evidence: EvidenceAnswer | None
    move_evidence: EvidenceAnswer | None = Field(description="The yes to a due date that was moved.")
    instalments: list[InstalmentAnswer]


class CaseAnswer(BaseModel):
    case_id: str
    lender: str
    loan_id: str
    kind: str
    queue: str
    reason: str
    state: str
    opened_at: str
    sla_at: str | None = Field(description="When a person should have looked.")
    assignments: int
    decision: str | None
    decided_by: str | None
    decided_at: str | None
    note: str | None = Field(description="In somebody's own words; null without leave to see contact data.")


class ContactData(BaseModel):
    name: str | None
    phone: str | None
    email: str | None


class HistoryAnswer(BaseModel):
    at: str
    actor: str
    action: str
    details: dict[str, Any] = Field(description="Differs by action; never names or addresses.")


class LoanAnswer(BaseModel):
    """`contact_data` and `history` stand there only when they were asked for and the caller may see them."""

    lender: str
    loan_id: str
    person_id: str
    workflow_id: str
    campaign_id: str | None
    campaign_name: str | None
    strategy: str
    state: str
    held_by_a_campaign: bool | None
    end: str | None
    ended_at: str | None
    entry: int
    entered_at: str | None
    due_date: str
    currency: str
    amount_handed_over_minor: int
    balance_due_minor: int
    grade: str | None
    country: str
    region: str | None
    city: str | None
    authorised_channels: list[str] | None = Field(description="Null: not known.")
    language: str
    timezone: str | None
    channels_with_address: list[str]
    opted_out: list[str]
    flags: list[str]
    payments: list[PaymentAnswer]
    contacts: list[ContactAnswer]
    open_payment_links: int
    agreements: list[AgreementAnswer]
    cases: list[CaseAnswer]
    contact_data: ContactData | None = None
    history: list[HistoryAnswer] | None = None


class CampaignAnswer(BaseModel):
    campaign_id: str
    name: str
    lender: str
    state: str
    created_at: str
    total: int
    waiting: int
    started: int
    refused: int
    stopped: int
    ends: dict[str, int] = Field(description="Loans by how they ended.")
    handed_over_again: int = Field(
        description="Loans that ended too and are another campaign's since: they are not among `ends`."
    )


class CampaignsAnswer(BaseModel):
    campaigns: list[CampaignAnswer]


class CasesAnswer(BaseModel):
    cases: list[CaseAnswer]


class AuditRowAnswer(BaseModel):
    id: int
    at: str
    actor: str
    action: str
    lender: str | None
    loan_id: str | None
    details: dict[str, Any]
    hash: str = Field(description="This row's link of the hash chain.")


class TrailAnswer(BaseModel):
    rows: list[AuditRowAnswer]

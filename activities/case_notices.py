"""Telling another system of a case: an agent desk, a ticket queue. It may act before the loan goes on."""

from __future__ import annotations

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict

from activities.orders import LedgerOrder
from domain.ledger_entries import CaseClosedEntry, CaseKind, CaseMovedEntry, CaseOpenedEntry


class CaseNotice(BaseModel):
    """The body of the POST: ids and moments, no personal data."""

    model_config = ConfigDict(frozen=True)

    case_id: str
    lender: str
    loan_id: str
    queue: str
    kind: CaseKind | None
    reason: str
    at: AwareDatetime
    sla_at: AwareDatetime


class CaseNotices:
    """`url` None or empty: nobody is told. A listener that is down is not waited for: the case is in the records."""

    def __init__(self, url: str | None, client: httpx.AsyncClient) -> None:
        self._url = url
        self._client = client

    async def tell(self, notice: CaseNotice) -> None:
        """Raises httpx.HTTPError when the listener cannot be reached or answers with an error."""
        if not self._url:
            return
        answer = await self._client.post(self._url, json=notice.model_dump(mode="json"))
        answer.raise_for_status()


def notices_of(order: LedgerOrder) -> list[CaseNotice]:
    """Cases that these entries open or move, and do not close again."""
    closed = {entry.case_id for entry in order.entries if isinstance(entry, CaseClosedEntry)}
    return [
        CaseNotice(
            case_id=entry.case_id,
            lender=order.lender,
            loan_id=order.loan_id,
            queue=entry.queue,
            kind=entry.kind if isinstance(entry, CaseOpenedEntry) else None,
            reason=entry.reason if isinstance(entry, CaseOpenedEntry) else "the service level lapsed",
            at=entry.at,
            sla_at=entry.sla_at,
        )
        for entry in order.entries
        if isinstance(entry, CaseOpenedEntry | CaseMovedEntry) and entry.case_id not in closed
    ]

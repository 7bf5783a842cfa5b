"""A bank's file interface over HTTP, as mock-bank 0.9 speaks it: files by POST, messages from a mailbox.

The mailbox is only ever looked into: taking a message out and losing the answer would lose the message.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from domain.bank_news import FileUnreadable, StatusReport
from domain.what_next import Effect, WhatNext
from providers.bankfiles.iso20022 import read
from providers.debit_bank import DUPLICATES, BankMessage, OutgoingFile, Submission
from providers.errors import ProviderError, refusal
from providers.http import call, json_object, unreadable

PROVIDER: Final = "debit-bank"


class HttpDebitBankSettings(BaseModel):
    model_config = ConfigDict(frozen=True)

    base_url: str
    username: str | None = None
    password: SecretStr | None = None
    timeout: timedelta = Field(default=timedelta(seconds=60), gt=timedelta(0))


class HttpDebitBank:
    """`DebitBank` over HTTP."""

    def __init__(self, settings: HttpDebitBankSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    async def submit(self, file: OutgoingFile, at: datetime) -> Submission:
        answer = await self._call("POST", "/payments", at, content=file.body)
        told = json_object(answer)
        if answer.status_code not in (202, 422):
            raise _failed(answer.status_code, changes_something=True)
        if told.get("msg_id") not in (file.message_id, None) or "status" not in told:
            raise unreadable(PROVIDER, changes_something=True)
        if answer.status_code == 202:
            return Submission(accepted=True)
        return Submission(accepted=False, code=_code(told.get("reason")))

    async def look_up(self, message_id: str, at: datetime) -> Submission | None:
        """By the debits it holds of the file, then by its own reports, where a file refused whole is named.

        Refused as a duplicate and nothing else says that it has the file.
        """
        answer = await self._call("GET", "/_mock/collections", at)
        if answer.status_code != 200:
            raise _failed(answer.status_code)
        if any(one.get("msg_id") == message_id for one in _rows(answer)):
            return Submission(accepted=True)
        answer = await self._call("GET", "/_mock/messages", at, params={"type": "pain.002"})
        if answer.status_code != 200:
            raise _failed(answer.status_code)
        told = [report for one in _rows(answer) if (report := _report(one.get("body"))) is not None]
        ours = [report for report in told if report.original_message_id == message_id]
        for report in ours:
            if report.file_reason not in DUPLICATES:
                return Submission(accepted=not report.file_refused, code=report.file_reason)
        return Submission(accepted=True) if ours else None

    async def messages(self, at: datetime) -> tuple[BankMessage, ...]:
        answer = await self._call("GET", "/_mock/mailbox", at, params={"leave": ""})
        if answer.status_code != 200:
            raise _failed(answer.status_code)
        found = []
        for one in _rows(answer):
            name, body = one.get("id"), one.get("body")
            if not isinstance(body, str):
                raise unreadable(PROVIDER, changes_something=False)
            found.append(BankMessage(name=f"{one.get('type')}-{name}", body=body.encode()))
        return tuple(found)

    async def done_with(self, message: BankMessage, at: datetime) -> None:
        """The bank keeps its messages as long as it likes; ours are told apart by their hash."""

    async def _call(
        self, method: str, path: str, at: datetime, content: bytes | None = None, params: dict[str, str] | None = None
    ) -> httpx.Response:
        settings = self._settings
        login = None
        if settings.username is not None and settings.password is not None:
            login = (settings.username, settings.password.get_secret_value())
        return await call(
            self._client,
            PROVIDER,
            method,
            f"{settings.base_url.rstrip('/')}{path}",
            at=at,
            timeout=settings.timeout,
            changes_something=method == "POST",
            headers={"Content-Type": "application/xml"} if content is not None else None,
            params=params,
            content=content,
            auth=login,
        )


def _failed(status: int, *, changes_something: bool = False) -> ProviderError:
    if status in (401, 403):
        return refusal(PROVIDER, str(status), WhatNext.STOP_SENDER, "the bank does not let us in")
    effect = Effect.UNKNOWN if changes_something and status >= 500 else Effect.NONE
    next_ = WhatNext.RETRY if status >= 500 or status == 429 else WhatNext.STOP_SENDER
    return refusal(PROVIDER, str(status), next_, "the bank's file interface failed", effect=effect)


def _rows(answer: httpx.Response) -> list[dict[str, Any]]:
    try:
        rows = json.loads(answer.content)
    except ValueError:
        raise unreadable(PROVIDER, changes_something=False) from None
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise unreadable(PROVIDER, changes_something=False)
    return rows


def _report(body: object) -> StatusReport | None:
    try:
        [report] = read(body.encode()) if isinstance(body, str) else ()
    except (FileUnreadable, ValueError):
        return None
    return report if isinstance(report, StatusReport) else None


def _code(reason: object) -> str:
    return reason if isinstance(reason, str) and reason else "refused"

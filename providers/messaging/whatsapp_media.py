"""Files that people send on WhatsApp: fetched from Meta by their id, within limits of size and kind."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from domain.what_next import Effect, WhatNext
from providers.errors import refusal
from providers.http import call, http_date, json_object, unreadable
from providers.messaging.whatsapp_cloud import PROVIDER, WhatsAppCloudSettings, graph_error

_META: Final = (".facebook.com", ".fbsbx.com", ".fbcdn.net", ".whatsapp.net")
"""Only these are shown our token, however Meta's answer reads."""
KEPT_KINDS: Final = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/webp": (b"RIFF",),
    "application/pdf": (b"%PDF-",),
    "audio/ogg": (b"OggS",),
    "audio/mpeg": (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2"),
    "audio/amr": (b"#!AMR",),
}
"""What is kept and how such a file begins; anything else may be anything."""


class FileRefused(Exception):
    """A file that is not kept; the text is one word and says why."""


class WhatsAppMedia:
    def __init__(self, settings: WhatsAppCloudSettings, client: httpx.AsyncClient, largest: int) -> None:
        """`largest` in bytes."""
        self._settings = settings
        self._client = client
        self._largest = largest

    async def fetch(self, media_id: str, at: datetime) -> tuple[bytes, str]:
        """Content and kind of a file. Raises FileRefused for what is not kept, ProviderError for what may pass."""
        base = f"{self._settings.base_url.rstrip('/')}/{self._settings.version}"
        headers = {"Authorization": f"Bearer {self._settings.access_token.get_secret_value()}"}
        response = await call(
            self._client,
            PROVIDER,
            "GET",
            f"{base}/{media_id}",
            at=at,
            timeout=self._settings.timeout,
            changes_something=False,
            headers=headers,
        )
        told = json_object(response)
        if not response.is_success or "error" in told:
            raise graph_error(response, told, at, changes_something=False)
        url, size = told.get("url"), told.get("file_size")
        kind = str(told.get("mime_type") or "").partition(";")[0].strip().lower()
        if not isinstance(url, str) or not self._is_metas(url):
            raise unreadable(PROVIDER, changes_something=False)
        if kind not in KEPT_KINDS:
            raise FileRefused("kind")
        if isinstance(size, int) and size > self._largest:
            raise FileRefused("too_large")
        content = await self._download(url, {**headers, "Date": http_date(at)})
        if not content.startswith(KEPT_KINDS[kind]):
            raise FileRefused("not_what_it_says")
        return content, kind

    async def _download(self, url: str, headers: dict[str, str]) -> bytes:
        parts: list[bytes] = []
        length = 0
        try:
            async with self._client.stream(
                "GET", url, headers=headers, timeout=self._settings.timeout.total_seconds(), follow_redirects=False
            ) as response:
                if not response.is_success:
                    raise refusal(PROVIDER, str(response.status_code), WhatNext.RETRY, "the file could not be fetched")
                async for part in response.aiter_bytes():
                    length += len(part)
                    if length > self._largest:
                        raise FileRefused("too_large")
                    parts.append(part)
            return b"".join(parts)
        except httpx.HTTPError:
            pass
        # Raised out here so that no httpx error, whose text may hold the URL, hangs on to it.
        raise refusal(PROVIDER, "connection_lost", WhatNext.RETRY, "the file broke off", effect=Effect.NONE)

    def _is_metas(self, url: str) -> bool:
        ours, theirs = urlsplit(self._settings.base_url), urlsplit(url)
        if (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc):
            return True
        host = theirs.hostname or ""
        return theirs.scheme == "https" and theirs.port in (None, 443) and f".{host}".endswith(_META)

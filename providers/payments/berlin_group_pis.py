"""Account-to-account payments by Berlin Group PIS 1.3: SEPA credit transfers that the borrower confirms at their bank.

The bank wants the borrower's own address (PSU-IP-Address), so a payment is begun while they are there. It does not
promise to recognise a repeat: a payment is begun at most once, and afterwards only its status is asked for.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from domain.money import Money
from domain.what_next import Effect, WhatNext
from providers.banks.berlin_group_codes import reaction_to
from providers.errors import ProviderError, refusal, retry_after
from providers.http import call, json_object, unreadable
from providers.payments.berlin_group_pis_codes import (
    NEVER_AGAIN,
    TO_BE_CONFIRMED,
    TransactionStatus,
    reaction_to_initiation,
)

PROVIDER: Final = "berlin_group_pis"
CURRENCY: Final = "EUR"
_LONGEST_NAME, _LONGEST_TEXT, _LONGEST_REFERENCE = 70, 140, 35
_LONGEST_ID = 255
"""Characters of a bank's id of a transfer, as the records can keep it."""


class BerlinGroupPisSettings(BaseModel):
    """`base_url` ends before `/v1`. `creditor_*` is the lender's account that is paid into.

    Client certificates (QWAC) belong to the httpx client that is passed in.
    """

    model_config = ConfigDict(frozen=True)

    base_url: str
    access_token: SecretStr | None = None
    creditor_name: str = Field(min_length=1, max_length=_LONGEST_NAME)
    creditor_iban: SecretStr
    product: str = Field(default="sepa-credit-transfers", pattern=r"^(instant-)?sepa-credit-transfers$")
    timeout: timedelta = Field(default=timedelta(seconds=20), gt=timedelta(0))


class InitiationRequest(BaseModel):
    """One payment to be begun. `reference` becomes the end-to-end identification, which statements repeat."""

    model_config = ConfigDict(frozen=True)

    request_id: uuid.UUID
    reference: str = Field(min_length=1, max_length=_LONGEST_REFERENCE)
    amount: Money
    debtor_iban: SecretStr
    psu_ip: str = Field(repr=False)
    description: str = Field(max_length=_LONGEST_TEXT)
    return_url: str
    failed_url: str
    at: AwareDatetime


class Initiation(BaseModel):
    """`redirect_url` is where the borrower confirms; None where the bank wants no confirmation there, or in its app.

    `not_confirmable`: it wants one in a way we have no page for, and without it the transfer is not carried out.
    """

    model_config = ConfigDict(frozen=True)

    payment_id: str
    status: TransactionStatus
    redirect_url: str | None = Field(default=None, repr=False)
    not_confirmable: bool = False


class BerlinGroupPayments:
    """Payments at one bank's interface."""

    name = PROVIDER

    def __init__(self, settings: BerlinGroupPisSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client

    async def initiate(self, request: InitiationRequest) -> Initiation:
        """Begin the payment. Raises ProviderError; where its effect is UNKNOWN it must never be begun again."""
        if request.amount.amount_minor <= 0 or request.amount.currency != CURRENCY:
            raise refusal(PROVIDER, "amount_not_payable", WhatNext.TERMINAL, "only a positive amount of euros is")
        try:
            answer = await self._call(
                "POST",
                self._path,
                request.at,
                headers={
                    "X-Request-ID": str(request.request_id),
                    "PSU-IP-Address": request.psu_ip,
                    "TPP-Redirect-Preferred": "true",
                    "TPP-Redirect-URI": request.return_url,
                    "TPP-Nok-Redirect-URI": request.failed_url,
                },
                body={
                    "endToEndIdentification": request.reference,
                    "debtorAccount": {"iban": request.debtor_iban.get_secret_value()},
                    "instructedAmount": {"currency": CURRENCY, "amount": format(request.amount.major, "f")},
                    "creditorAccount": {"iban": self._settings.creditor_iban.get_secret_value()},
                    "creditorName": self._settings.creditor_name,
                    "remittanceInformationUnstructured": f"{request.description} {request.reference}"[:_LONGEST_TEXT],
                },
                begins=True,
            )
        except ProviderError as error:
            if error.effect is Effect.UNKNOWN and error.what_next is not WhatNext.TERMINAL:
                raise ProviderError(PROVIDER, error.code, NEVER_AGAIN) from None
            raise
        payment_id = answer.get("paymentId")
        if not isinstance(payment_id, str) or not 0 < len(payment_id) <= _LONGEST_ID or not payment_id.isprintable():
            raise ProviderError(PROVIDER, "unreadable_answer", NEVER_AGAIN)
        # The payment exists: a word of its status that we do not know yet must not lose it.
        status = answer.get("transactionStatus")
        known = status if isinstance(status, str) and status in set(TransactionStatus) else TransactionStatus.RECEIVED
        links = answer.get("_links")
        page = _redirect(links)
        waits = TransactionStatus(known) in TO_BE_CONFIRMED
        return Initiation(
            payment_id=payment_id,
            status=TransactionStatus(known),
            redirect_url=page,
            not_confirmable=page is None and waits and _wants_confirmation(links),
        )

    async def status(self, payment_id: str, at: datetime) -> TransactionStatus:
        answer = await self._call(
            "GET",
            f"{self._path}/{quote(payment_id, safe='')}/status",
            at,
            headers={"X-Request-ID": str(uuid.uuid4())},
        )
        try:
            return TransactionStatus(answer["transactionStatus"])
        except (KeyError, ValueError):
            raise unreadable(PROVIDER, changes_something=False) from None

    @property
    def _path(self) -> str:
        return f"/v1/payments/{self._settings.product}"

    async def _call(
        self,
        method: str,
        path: str,
        at: datetime,
        *,
        headers: Mapping[str, str],
        body: Mapping[str, object] | None = None,
        begins: bool = False,
    ) -> dict[str, Any]:
        sent = dict(headers)
        if self._settings.access_token is not None:
            sent["Authorization"] = f"Bearer {self._settings.access_token.get_secret_value()}"
        response = await call(
            self._client,
            PROVIDER,
            method,
            self._settings.base_url.rstrip("/") + path,
            at=at,
            timeout=self._settings.timeout,
            changes_something=begins,
            headers=sent,
            body=body,
        )
        answer = json_object(response)
        if not response.is_success:
            code = _message_code(answer)
            reaction = (
                reaction_to_initiation(code, response.status_code)
                if begins
                else reaction_to(code, response.status_code, changes_something=False)
            )
            asked = retry_after(response.headers.get("Retry-After"), at)
            if asked is not None and reaction.what_next in (WhatNext.RETRY, WhatNext.LATER):
                reaction = reaction.model_copy(update={"delay": asked})
            raise ProviderError(PROVIDER, code or str(response.status_code), reaction)
        if not answer:
            raise unreadable(PROVIDER, changes_something=begins)
        return answer


def _message_code(answer: Mapping[str, Any]) -> str | None:
    messages = answer.get("tppMessages")
    for message in messages if isinstance(messages, list) else []:
        if isinstance(message, dict) and message.get("category", "ERROR") == "ERROR":
            code = message.get("code")
            if isinstance(code, str) and re.fullmatch(r"[A-Z][A-Z0-9_]{1,60}", code):
                return code
    return None


def _redirect(links: object) -> str | None:
    """Only an address a browser may be sent to. `scaOAuth` is none: it leads to an OAuth2 server's configuration."""
    link = links.get("scaRedirect") if isinstance(links, dict) else None
    href = link.get("href") if isinstance(link, dict) else None
    if not isinstance(href, str) or not href.isprintable():
        return None
    try:
        return href if urlsplit(href).scheme in ("https", "http") else None
    except ValueError:
        return None


def _wants_confirmation(links: object) -> bool:
    """Whether the bank asks for an authorisation that somebody here would have to begin (NextGenPSD2 1.3, `_links`).

    Where it names none of these, the borrower confirms in the bank's own app, or need not.
    """
    named = [name for name in links if isinstance(name, str)] if isinstance(links, dict) else []
    return any(name in ("scaRedirect", "scaOAuth") or name.startswith("startAuthorisation") for name in named)

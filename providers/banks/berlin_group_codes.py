"""What Berlin Group XS2A's `tppMessages[].code` means for reading account data.

Codes and statuses are those of NextGenPSD2 1.3 (as in adorsys/xs2a's MessageErrorCode); the reactions are
ours. DEBTOR_ACTS and TERMINAL stand only for what is said of the consent or the account itself: they end the consent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from domain.what_next import Reaction, WhatNext
from providers.errors import failing


def _debtor(meaning: str) -> Reaction:
    return Reaction(what_next=WhatNext.DEBTOR_ACTS, meaning=meaning)


def _person(meaning: str) -> Reaction:
    return Reaction(what_next=WhatNext.STOP_SENDER, meaning=meaning)


def _over(meaning: str) -> Reaction:
    return Reaction(what_next=WhatNext.TERMINAL, meaning=meaning)


CODES: Mapping[str, Reaction] = MappingProxyType(
    {
        "CONSENT_EXPIRED": _debtor("the consent has expired: ask for a new one"),
        "CONSENT_INVALID": _debtor("the consent does not cover this: ask for a new one"),
        "CONSENT_UNKNOWN": _debtor("the bank does not know this consent: ask for a new one, and find out why"),
        "RESOURCE_EXPIRED": _debtor("the resource is past its life: ask for a new consent"),
        "PSU_CREDENTIALS_INVALID": _debtor("the debtor's credentials were refused by the bank"),
        "TOKEN_EXPIRED": _person("the access token has expired: configure a new one"),
        "TOKEN_INVALID": _person("the access token was refused"),
        "TOKEN_UNKNOWN": _person("the access token is not known"),
        "CERTIFICATE_INVALID": _person("our certificate was refused"),
        "CERTIFICATE_EXPIRED": _person("our certificate has expired"),
        "CERTIFICATE_BLOCKED": _person("our certificate is blocked"),
        "CERTIFICATE_REVOKED": _person("our certificate was revoked"),
        "CERTIFICATE_MISSING": _person("our certificate was not presented"),
        "SIGNATURE_INVALID": _person("our signature was refused"),
        "SIGNATURE_MISSING": _person("our signature is missing"),
        "ROLE_INVALID": _person("our licence does not cover this service"),
        "FORBIDDEN": _person("the bank forbids this"),
        "PRODUCT_UNKNOWN": _person("the bank has no such product"),
        "FORMAT_ERROR": _person("the bank cannot read our request"),
        "EXECUTION_DATE_INVALID": _person("the bank refuses this execution date"),
        "REQUESTED_FORMATS_INVALID": _person("the bank cannot answer in this format"),
        "SERVICE_BLOCKED": _over("the bank has blocked this account for third parties"),
        "RESOURCE_UNKNOWN": _over("the bank does not know this account"),
        "SERVICE_INVALID": _over("this service is not available for this account"),
        "STATUS_INVALID": _person("the resource is in a state that does not allow this"),
        "PAYMENT_FAILED": _person("the bank speaks of a payment where an account was asked for"),
        "CANCELLATION_INVALID": _person("the bank speaks of a payment where an account was asked for"),
        "ACCESS_EXCEEDED": Reaction(
            what_next=WhatNext.LATER,
            next_day=True,
            meaning="the day's unattended reads of this consent are used up",
        ),
    }
)

_FAMILIES = ("CERTIFICATE_", "SIGNATURE_")


def reaction_to(code: str | None, status: int, *, changes_something: bool) -> Reaction:
    """The reaction to a refusal, by code where the bank gave one, else by HTTP status.

    A server error on a call that changes something leaves its effect UNKNOWN. A status alone never says that a consent
    is over: a gateway in front of the bank answers 404 too, and so does a wrong address of ours.
    """
    if code is not None:
        known = CODES.get(code)
        if known is not None:
            return known
        if code.startswith(_FAMILIES):
            return _person("our certificate or signature was refused")
    if status >= 500 or status == 408:
        return failing("the bank", changes_something=changes_something)
    if status == 429:
        # Without the code it is a gateway's throttle, not the consent's day.
        return Reaction(what_next=WhatNext.LATER, delay=timedelta(hours=1), meaning="too many requests for the bank")
    if status in (401, 403):
        return _person("the bank does not let us in")
    if status == 404:
        return _person("nothing is found at this address of the bank: look at RECOBRO_BANK__BASE_URL")
    return _person("the bank refuses our request")

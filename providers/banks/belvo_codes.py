"""What Belvo's error codes mean for reading balances.

Codes and statuses are those of Belvo's API 1.35 (its OpenAPI file, MIT); the reactions are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from domain.what_next import Effect, Reaction, WhatNext
from providers.errors import failing


def _debtor(meaning: str) -> Reaction:
    return Reaction(what_next=WhatNext.DEBTOR_ACTS, meaning=meaning)


def _person(meaning: str) -> Reaction:
    return Reaction(what_next=WhatNext.STOP_SENDER, meaning=meaning)


def _later(minutes: int, meaning: str) -> Reaction:
    return Reaction(what_next=WhatNext.LATER, delay=timedelta(minutes=minutes), meaning=meaning)


def _again(meaning: str) -> Reaction:
    return Reaction(what_next=WhatNext.RETRY, meaning=meaning)


CODES: Mapping[str, Reaction] = MappingProxyType(
    {
        "login_error": _debtor("the bank no longer takes the credentials: the debtor must connect anew"),
        "invalid_link": _debtor("the link has been invalidated: the debtor must connect anew"),
        "unconfirmed_link": _debtor("the debtor never finished connecting the account"),
        "token_required": _debtor("the bank asks the debtor for a code at every read"),
        "not_found": _debtor("Belvo does not know this link: the debtor must connect anew"),
        "session_expired": _later(15, "the bank ended the session"),
        "too_many_sessions": _later(60, "the account is open elsewhere, perhaps by the debtor"),
        "institution_down": _again("the bank is down"),
        "institution_unavailable": _again("the bank is unavailable"),
        "request_timeout": _again("the bank took too long"),
        "unexpected_error": _again("Belvo is failing"),
        "institution_inactive": _person("Belvo has switched this bank off"),
        "authentication_failed": _person("our secret keys were refused"),
        "unsupported_operation": Reaction(
            what_next=WhatNext.TERMINAL, meaning="this bank gives no balances through Belvo"
        ),
    }
)


def reaction_to(code: str | None, status: int, *, changes_something: bool) -> Reaction:
    """The reaction to a refusal, by code where Belvo gave one, else by HTTP status.

    A status alone never says that a link is over: whatever stands between answers 404 too.
    """
    known = CODES.get(code or "")
    if known is not None:
        unsure = changes_something and known.what_next is WhatNext.RETRY
        return known.model_copy(update={"effect": Effect.UNKNOWN}) if unsure else known
    if status >= 500 or status == 408:
        return failing("Belvo", changes_something=changes_something)
    if status == 429:
        return _later(10, "too many requests for Belvo")
    if status == 404:
        return _person("nothing is found at this address of Belvo: look at RECOBRO_BELVO__BASE_URL")
    return _person("Belvo refuses our request")

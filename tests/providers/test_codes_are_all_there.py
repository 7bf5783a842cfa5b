"""The codes that vendors document and a lender meets: each has a rule of its own in our tables, none is "unknown"."""

from __future__ import annotations

import pytest

from providers.banks.belvo_codes import CODES as BELVO
from providers.banks.berlin_group_codes import CODES as BERLIN_GROUP
from providers.messaging.meta_codes import CODES as META
from providers.messaging.twilio_calls import CALL_CODES
from providers.messaging.twilio_codes import CODES as TWILIO

DOCUMENTED = {
    "twilio": (
        TWILIO,
        "20429 20500 20503 21611 21730 30001 30003 30008 30036 63018 20003 21212 21408 21603 21606 21659 "
        "30002 30007 30034 30450 30610 21211 21612 21614 30004 30005 30006 21610 63003 63014 63016 11200 13224 13225",
    ),
    "twilio calls": (CALL_CODES, "21210 21214 21215 21216 21217"),
    "meta": (
        META,
        "0 190 3 10 33 100 133010 4 80007 "
        "130429 131056 131048 368 131031 130497 131016 131000 135000 131057 131026 131047 131049 "
        "130472 131050 131051 131021 131042 131045 131008 131009 132000 132012 132001 132007 132015 132016 137000",
    ),
    "berlin group": (
        BERLIN_GROUP,
        "CONSENT_EXPIRED CONSENT_INVALID PSU_CREDENTIALS_INVALID TOKEN_EXPIRED TOKEN_INVALID TOKEN_UNKNOWN "
        "CONSENT_UNKNOWN RESOURCE_EXPIRED SERVICE_BLOCKED FORBIDDEN ACCESS_EXCEEDED RESOURCE_UNKNOWN PRODUCT_UNKNOWN "
        "STATUS_INVALID FORMAT_ERROR SERVICE_INVALID REQUESTED_FORMATS_INVALID CERTIFICATE_INVALID CERTIFICATE_EXPIRED "
        "CERTIFICATE_BLOCKED CERTIFICATE_REVOKED CERTIFICATE_MISSING SIGNATURE_INVALID SIGNATURE_MISSING ROLE_INVALID "
        "PAYMENT_FAILED EXECUTION_DATE_INVALID CANCELLATION_INVALID",
    ),
    "belvo": (
        BELVO,
        "login_error session_expired too_many_sessions invalid_link unconfirmed_link institution_down "
        "institution_unavailable institution_inactive unsupported_operation token_required",
    ),
}


@pytest.mark.parametrize("provider", DOCUMENTED)
def test_no_documented_code_is_without_a_rule(provider: str) -> None:
    table, documented = DOCUMENTED[provider]

    assert [code for code in documented.split() if code not in set(map(str, table))] == []

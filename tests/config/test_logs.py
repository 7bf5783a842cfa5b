"""What stands in the logs: ids to search by, and nobody's data even if a library is careless."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from config.logs import masked, set_up_logs

PHONE, MAIL, IBAN = "+34 600 123 123", "ximena.z@mail.example", "ES91 2100 0418 4502 0005 1332"


@pytest.fixture(autouse=True)
def the_logs_of_others() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return found


@pytest.mark.parametrize("json", [True, False])
def test_a_careless_line_leaves_without_the_person(capsys: pytest.CaptureFixture[str], json: bool) -> None:
    set_up_logs(json=json)
    log = logging.getLogger("some.library")

    log.warning("to %s (%s)", MAIL, PHONE.replace(" ", ""), extra={"row": {"iban": IBAN, "to": [MAIL]}})
    try:
        raise ValueError(f"no such account {IBAN} of {MAIL}")
    except ValueError:
        log.exception("it failed")

    said = capsys.readouterr().err
    assert "it failed" in said
    assert "ValueError" in said
    for secret in (PHONE, PHONE.replace(" ", ""), "600123123", MAIL, "ximena", IBAN, "2100 0418"):
        assert secret not in said


def test_ids_stay_as_they_are_even_where_they_look_like_a_number(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(json=True, subject=lambda: {"campaign_id": "2026100001"})

    with structlog.contextvars.bound_contextvars(lender="demo", loan_id="68407277123"):
        logging.getLogger("recobro").info("paused", extra={"workflow_id": "loan-demo-68407277123"})

    line = logged(capsys)
    assert (line["lender"], line["loan_id"], line["campaign_id"]) == ("demo", "68407277123", "2026100001")
    assert line["workflow_id"] == "loan-demo-68407277123"
    assert line["event"] == "paused"


@pytest.mark.parametrize(
    "text",
    [
        "webhook 12 not relayed yet: TemporalUnavailable",
        "2026-11-28T12:44:12.296549Z run 01927c3e-7f3a-7b2c-a1b2-c3d4e5f60718 of loan-demo-MP-00001",
        "listening on 127.0.0.1:9110, pid 123456, es-microloan@1, 10000 minor units",
    ],
)
def test_what_operators_need_is_not_masked(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    "text", ["34600123123", "0034600123123", "%2B34600123123", "to%40mail.example", "+1 (202) 555-0100"]
)
def test_numbers_and_addresses_as_they_stand_in_urls_and_texts(text: str) -> None:
    assert not any(part in masked(f"of {text} there") for part in ("600123123", "mail.example", "0100"))

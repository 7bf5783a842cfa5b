"""Logs: readable lines by default, JSON on request; ids of loans and campaigns, never names or addresses."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping

import structlog

Subject = Callable[[], Mapping[str, str]]
"""Whom or what the code that logs is busy with: ids by their names."""

IDS = frozenset(
    {
        "activity_id",
        "attempt",
        "campaign_id",
        "lender",
        "loan_id",
        "run_id",
        "timestamp",
        "webhook_id",
        "workflow_id",
        "workflow_run_id",
    }
)
"""Fields that are ids or moments and stay as they are, whatever they look like."""

# The last defence: nothing should ever get here, and what gets here all the same must not leave.
_EMAIL = re.compile(r"[\w.+'-]{1,64}(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_PHONE = re.compile(r"(?:(?:\+|%2B|\b00)\d(?:[ .()/-]{0,2}\d){7,14}|(?<![\w.:-])\d{10,15}(?![\w.:-]))(?!\d)")
MASKS = ((_EMAIL, "[e-mail]"), (_IBAN, "[account]"), (_PHONE, "[phone]"))


def masked(text: str) -> str:
    """`text` without what looks like an e-mail address, an account number (IBAN) or a telephone number.

    Telephone numbers are known by `+` or `00`, or as ten to fifteen digits that stand alone.
    """
    for pattern, instead in MASKS:
        text = pattern.sub(instead, text)
    return text


def set_up_logs(*, json: bool, level: int = logging.INFO, subject: Subject | None = None) -> None:
    """Send everything the process logs to standard error; `subject` tells the ids each line is about."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.contextvars.merge_contextvars,
        *([_about(subject)] if subject is not None else []),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                # To text here, so that it is masked as well; a prettier traceback would print local variables.
                structlog.processors.format_exc_info,
                _mask,
                last,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # They log whole URLs at this level, and a URL may carry an address.
    for noisy in ("httpx", "httpcore", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _about(subject: Subject) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        for name, value in subject().items():
            event.setdefault(name, value)
        return event

    return add


def _mask(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {name: value if name in IDS else _masked(value) for name, value in event.items()}


def _masked(value: object) -> object:
    match value:
        case str():
            return masked(value)
        case Mapping():
            return {key: inner if key in IDS else _masked(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked(inner) for inner in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return masked(str(value))

"""`doctor` on what this host can see: settings, the database, the web app and the clocks."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlmodel import col, select, text

from commands.doctor_findings import Finding, about
from config.lender_settings import Lender
from config.messaging_settings import Twilio
from config.payment_settings import Stripe
from config.settings import Settings
from config.web_settings import Web
from domain.strategy import Strategy
from records.database import Database
from records.tables import Loan, LoanState, StrategySnapshot

MOST_SKEW = timedelta(seconds=30)
"""Providers refuse or are refused beyond five minutes; lawful hours are minutes."""
_REFUSED_LATELY = timedelta(hours=24)
_REASONS = {
    "timestamp_out_of_tolerance": "they are signed for another time: a clock is off, or old ones are sent again",
    "signature_mismatch": "they are signed with another secret than the one set here, or were changed on the way",
    "missing_header": "they are not signed: not from the provider, or a proxy drops headers",
    "malformed_header": "their signature has another form: not from the provider, or a proxy changes headers",
    "no_expected_scheme": "they are signed, but not in the version that is proven here",
}


def look_at_database(database: Database) -> list[Finding]:
    """Whether it answers and has this version's tables; it is not changed."""
    try:
        outdated = database.outdated()
    except (OperationalError, InterfaceError) as error:
        reason = str(error.orig).strip().splitlines()[0][:160] if error.orig else type(error).__name__
        return [
            Finding(
                "database",
                f"the database does not answer: {reason}",
                "workers and the web app stop; webhooks are not taken in: most providers send them again, Twilio's "
                "messages are fetched once it is back",
                "start it, or correct RECOBRO_DATABASE_URL",
            )
        ]
    if outdated is None:
        return []
    return [
        Finding(
            "migrations",
            f"{outdated}; it is {database.where}",
            "workers and the web app of this version do not start on these tables",
            "starter.py database migrate",
        )
    ]


def look_at_database_clock(database: Database, now: datetime) -> list[Finding]:
    """PostgreSQL may live on another host; SQLite has this host's clock."""
    if database.embedded:
        return []
    with database.reading() as session:
        at: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return skew("the database's host", at - now)


def skew(whose: str, ahead: timedelta) -> list[Finding]:
    """A finding where another clock is more than MOST_SKEW from this host's."""
    if abs(ahead) <= MOST_SKEW:
        return []
    seconds = abs(ahead).total_seconds()
    return [
        Finding(
            "clock",
            f"the clock of {whose} is {seconds:,.0f} s {'ahead of' if ahead > timedelta() else 'behind'} this host's",
            "contacts leave by Temporal's clock, webhooks are judged by the web app's: lawful hours are missed and "
            "signed webhooks refused",
            "switch on time synchronisation on every host (chrony, systemd-timesyncd) and compare `date -u`",
        )
    ]


def look_at_settings(settings: Settings, database: Database) -> list[Finding]:
    """What the strategies of the loans in collection need and the settings lack."""
    from commands.start_warnings import channels_of, not_configured

    with database.reading() as session:
        used = select(Loan.strategy_digest).where(Loan.state == LoanState.IN_COLLECTION).distinct()
        kept = session.exec(select(StrategySnapshot).where(col(StrategySnapshot.digest).in_(used))).all()
        strategies = [Strategy.model_validate(row.data) for row in kept]
    lines: list[str] = []
    for strategy in strategies:
        lines += not_configured(settings, strategy, channels_of(strategy))
    real = (settings.stripe is not None and settings.stripe.base_url == Stripe.model_fields["base_url"].default) or (
        settings.twilio is not None and settings.twilio.base_url == Twilio.model_fields["base_url"].default
    )
    if real and not settings.lenders and settings.lender.name == Lender().name:
        lines.append("Real providers are configured, and messages name the demo lender (RECOBRO_LENDER__NAME).")
    if settings.twilio is not None and settings.web.public_url is None:
        lines.append("RECOBRO_WEB__PUBLIC_URL is not set: Twilio is given no address for delivery reports.")
    found = [
        Finding(
            "settings",
            line,
            "loans in collection need it",
            "set the variable (docs/settings.md) and start the workers and the web app again",
        )
        for line in dict.fromkeys(lines)
    ]
    return found + look_at_proxies(settings.web)


def look_at_proxies(web: Web) -> list[Finding]:
    """Whether the web app can tell apart those who come by its reverse proxy."""
    if not web.shares_one_address:
        return []
    return [
        Finding(
            "settings",
            "RECOBRO_WEB__TRUSTED_PROXIES is not set, and RECOBRO_WEB__PUBLIC_URL is https: TLS ends at a proxy",
            "everybody who comes by it has its address: one visitor's wrong passwords make all people wait to sign in, "
            "and banks are told it as the borrower's",
            "name the proxy's addresses or networks in it (docs/access.md) and start the web app again",
        )
    ]


def look_at_web_app(settings: Settings, now: datetime) -> list[Finding]:
    """Whether the web app answers, and what it refused lately."""
    address = f"http://{settings.web.host}:{settings.web.port}/healthz"
    try:
        with urllib.request.urlopen(address, timeout=3) as answer:  # nosec B310 # always http, our own web app
            told: dict[str, Any] = json.load(answer)
    except (OSError, ValueError, HTTPException):
        return [
            Finding(
                "web_app",
                f"the web app does not answer at {address}",
                "payments, opt-outs and delivery reports do not come in, and reminders go out all the same; most "
                "providers send them again for some days, Twilio's messages are fetched once it is back",
                "python -m web   (or set RECOBRO_WEB__HOST and __PORT to where it listens); if it lasts stop the "
                "workers",
            )
        ]
    found = []
    for key, refused in dict(told.get("refused", {})).items():
        last = datetime.fromisoformat(refused["last_at"])
        if now - last > _REFUSED_LATELY:
            continue
        provider, reason = key.split(" ", 1)
        found += about(
            "webhooks_refused",
            f"{refused['count']:,} webhooks of {provider} were refused since the web app began "
            f"({reason}), the last at {last.astimezone(UTC):%Y-%m-%d %H:%M}Z",
            _REASONS.get(reason, "they cannot be proven to come from the provider") + "; their news is not known here",
            f"starter.py webhooks verify   (and compare the clock and RECOBRO_{provider.upper()}__ secrets)",
            [key],
        )
    return found

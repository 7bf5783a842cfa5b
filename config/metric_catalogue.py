"""Every business metric: its name, kind, labels and meaning, once, for whoever counts, documents or draws it.

Labels take few values and never an id, a name or an address. Names follow Prometheus' conventions: base units,
`_total` for counters.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"


class Source(StrEnum):
    """WORKER and WEB count since their process began; RECORDS are read from the database, so they outlive restarts
    and every web process shows the same."""

    WORKER = "worker"
    WEB = "web"
    RECORDS = "records"
    EVERY = "every process"


@dataclass(frozen=True)
class Metric:
    name: str
    """As Prometheus shows it; a counter ends in `_total`."""
    kind: Kind
    source: Source
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def stem(self) -> str:
        """The name as client libraries want it: they add `_total` themselves."""
        return self.name.removesuffix("_total")


CONTACTS = Metric(
    "recobro_contacts_total",
    Kind.COUNTER,
    Source.WORKER,
    "What became of messages: sent, unknown (counts as sent, never sent again), failed (this channel cannot), "
    "address_closed (dead number or opt-out, by the carrier), given_back (nothing left us; tried again)",
    ("channel", "outcome"),
)
REFUSALS = Metric(
    "recobro_contact_refusals_total",
    Kind.COUNTER,
    Source.WORKER,
    "Contacts the contact rules did not allow, by the id of each rule that refused: not_before (asked again at the "
    "next lawful moment) or never",
    ("rule", "verdict"),
)
UNREACHABLE = Metric(
    "recobro_contacts_unreachable_total",
    Kind.COUNTER,
    Source.WORKER,
    "Contacts that no channel was left for: rules, platforms, opt-outs and dead addresses had closed them all",
    ("purpose",),
)
BALANCE_READS = Metric(
    "recobro_balance_reads_total",
    Kind.COUNTER,
    Source.WORKER,
    "Reads of a balance: read, other_currency, or what the bank's refusal means (retry, later, debtor_acts, terminal, "
    "stop_sender)",
    ("outcome",),
)
LINKS = Metric(
    "recobro_payment_links_total",
    Kind.COUNTER,
    Source.WORKER,
    "Payment links: made, reused (the same amount is still due), closed",
    ("outcome",),
)
PROVIDER_FAILURES = Metric(
    "recobro_provider_failures_total",
    Kind.COUNTER,
    Source.WORKER,
    "Calls to providers that failed and are made again: retry, later, or stop_sender (an operator must act)",
    ("provider", "what_next"),
)
OPERATOR_WAITS = Metric(
    "recobro_operator_waits_total",
    Kind.COUNTER,
    Source.WORKER,
    "Tries of contacts that wait until an operator acts, each made again within the hour, by what is lacking: template "
    "(it is not there, or its words are refused), carrier or gateway (none is configured), sender (not registered), "
    "whatsapp (no approved template, or no number)",
    ("lacking",),
)
DAILY_WORK = Metric(
    "recobro_daily_work_timestamp_seconds",
    Kind.GAUGE,
    Source.WORKER,
    "When this worker last did one of the jobs of the daily run, Unix time, by what came of it: done, or wrong "
    "(somebody must look)",
    ("work", "outcome"),
)
WEBHOOKS = Metric(
    "recobro_webhooks_total",
    Kind.COUNTER,
    Source.WEB,
    "Webhooks that came in: stored, duplicate, refused (not proven), too_large, not_stored (told to try again), "
    "fetched (a message missed by its webhook, from the provider's list)",
    ("provider", "outcome"),
)
WEBHOOK_NEWS = Metric(
    "recobro_webhook_news_total",
    Kind.COUNTER,
    Source.WEB,
    "What stored webhooks said, once it stood in the records: payment, reversal, message_delivered, opt_out ...",
    ("provider", "outcome"),
)
LOANS = Metric(
    "recobro_loans", Kind.GAUGE, Source.RECORDS, "Loans: waiting to be started, in_collection, ended", ("state",)
)
LOANS_ENDED = Metric(
    "recobro_loans_ended",
    Kind.GAUGE,
    Source.RECORDS,
    "Ended loans by their end; falls when a reversed payment opens one again",
    ("end",),
)
CAMPAIGNS = Metric("recobro_campaigns", Kind.GAUGE, Source.RECORDS, "Campaigns by state", ("state",))
CASES = Metric("recobro_cases_open", Kind.GAUGE, Source.RECORDS, "Cases that wait for a person", ("queue",))
CASES_LATE = Metric(
    "recobro_cases_past_sla", Kind.GAUGE, Source.RECORDS, "Of these, past the moment they were due", ("queue",)
)
PAYMENTS = Metric(
    "recobro_payments_total",
    Kind.COUNTER,
    Source.RECORDS,
    "Payments received, each once, by whatever way they were reported; reversed ones stay counted",
    ("provider", "currency"),
)
PAYMENTS_MINOR = Metric(
    "recobro_payments_minor_units_total",
    Kind.COUNTER,
    Source.RECORDS,
    "Their amounts in the currency's minor units (cents; whole pesos for CLP)",
    ("provider", "currency"),
)
PAYMENTS_REVERSED = Metric(
    "recobro_payments_reversed",
    Kind.GAUGE,
    Source.RECORDS,
    "Payments that were taken back",
    ("provider", "currency"),
)
PAYMENTS_UNMATCHED = Metric(
    "recobro_payments_unmatched", Kind.GAUGE, Source.RECORDS, "Payments that no loan could be found for"
)
AGREEMENTS = Metric(
    "recobro_agreements",
    Kind.GAUGE,
    Source.RECORDS,
    "Agreements by kind (promise, plan, settlement, restructuring) and state: proposed, open, active, kept, "
    "partly_kept, completed, broken, replaced, void, cancelled, expired",
    ("kind", "state"),
)
AGREED_MINOR = Metric(
    "recobro_agreed_minor_units",
    Kind.GAUGE,
    Source.RECORDS,
    "What is still to come of agreements in force, in the currency's minor units",
    ("kind", "currency"),
)
DEBITS = Metric(
    "recobro_debits",
    Kind.GAUGE,
    Source.RECORDS,
    "Direct debits: planned, filed, collected, rejected, returned, dropped",
    ("state",),
)
DEBIT_FILES_UNANSWERED = Metric(
    "recobro_debit_files_unanswered",
    Kind.GAUGE,
    Source.RECORDS,
    "Files of direct debits of which nobody knows yet whether the bank has them",
)
BANK_ENTRIES_WAITING = Metric(
    "recobro_bank_entries_waiting",
    Kind.GAUGE,
    Source.RECORDS,
    "Entries of bank statements that wait for a person to say whose they are",
)
PAYMENTS_UNANSWERED = Metric(
    "recobro_payments_unanswered",
    Kind.GAUGE,
    Source.RECORDS,
    "Payments, transfers and direct debits (sepa-dd) asked about without an answer for longer than it should take",
    ("provider",),
)
GATEWAY_DIFFERENCES = Metric(
    "recobro_gateway_differences",
    Kind.GAUGE,
    Source.RECORDS,
    "Differences between a gateway's own list and the records, of all days compared in the last day and a half",
    ("provider",),
)
LAST_PAYMENT = Metric(
    "recobro_last_payment_timestamp_seconds",
    Kind.GAUGE,
    Source.RECORDS,
    "When the latest payment of a provider was received, Unix time; absent before its first",
    ("provider",),
)
WEBHOOKS_WAITING = Metric(
    "recobro_webhooks_unrelayed",
    Kind.GAUGE,
    Source.RECORDS,
    "Stored webhooks that are not with their loans yet",
    ("provider",),
)
WEBHOOK_LAG = Metric(
    "recobro_webhook_lag_seconds",
    Kind.GAUGE,
    Source.RECORDS,
    "How long the oldest of these has waited, but those whose loan its campaign has yet to start; 0 when none",
)
UNSETTLED = Metric(
    "recobro_contacts_unsettled",
    Kind.GAUGE,
    Source.RECORDS,
    "Contacts begun over 15 minutes ago of which nobody knows yet whether they left",
)
RECORDS_UP = Metric(
    "recobro_records_up", Kind.GAUGE, Source.WEB, "1 while the figures of the records can be read, else 0"
)
RECORDS_SECONDS = Metric(
    "recobro_records_read_seconds", Kind.GAUGE, Source.WEB, "How long reading them took the last time"
)
CLOCK = Metric(
    "recobro_clock_seconds",
    Kind.GAUGE,
    Source.EVERY,
    "Unix time by this host's clock; a worker sets it every 5 seconds. Compared with timestamp() of the sample it "
    "shows a clock that is wrong, or a worker that hangs",
)

ALL = (
    CONTACTS,
    REFUSALS,
    UNREACHABLE,
    BALANCE_READS,
    LINKS,
    PROVIDER_FAILURES,
    OPERATOR_WAITS,
    DAILY_WORK,
    WEBHOOKS,
    WEBHOOK_NEWS,
    LOANS,
    LOANS_ENDED,
    CAMPAIGNS,
    CASES,
    CASES_LATE,
    PAYMENTS,
    PAYMENTS_MINOR,
    PAYMENTS_REVERSED,
    PAYMENTS_UNMATCHED,
    AGREEMENTS,
    AGREED_MINOR,
    DEBITS,
    DEBIT_FILES_UNANSWERED,
    BANK_ENTRIES_WAITING,
    PAYMENTS_UNANSWERED,
    GATEWAY_DIFFERENCES,
    LAST_PAYMENT,
    WEBHOOKS_WAITING,
    WEBHOOK_LAG,
    UNSETTLED,
    RECORDS_UP,
    RECORDS_SECONDS,
    CLOCK,
)


def table() -> str:
    """The catalogue as the Markdown table of docs/metrics.md."""
    lines = ["| metric | kind | labels | from | meaning |", "|---|---|---|---|---|"]
    for one in ALL:
        labels = ", ".join(f"`{label}`" for label in one.labels)
        lines.append(f"| `{one.name}` | {one.kind} | {labels} | {one.source} | {one.meaning} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")

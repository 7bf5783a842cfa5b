"""What the world remembers. Amounts in minor units, moments in seconds since the epoch."""

from dataclasses import dataclass, field
from typing import Any

from .borrowers import Debt, Jump
from .chance import unit
from .clock import Moment
from .store import Json


@dataclass
class Person:
    """One borrower as the enrolment made them up."""

    person_id: str
    key: str
    country: str
    language: str
    currency: str
    name: str
    phone: str
    email: str
    timezone: str
    iban: str | None
    bban: str
    bank_account: str
    first_amount_minor: int
    first_as_of: Moment
    first_consent: str | None = None
    first_consent_until: str | None = None
    loan_ids: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)  # senders they told STOP
    adjustments: list[tuple[Moment, float]] = field(default_factory=list)

    def birth_year(self, seed: int) -> str:
        """Four digits; what only this person knows."""
        return str(1955 + int(unit(seed, self.key, "born") * 50))

    def postal_address(self, seed: int) -> str:
        """Lines of an envelope below the name, with semicolons between; nobody lives there."""
        number = 1 + int(unit(seed, self.key, "street") * 180)
        street = {"es": f"Calle de la Prueba {number}", "pt": f"Rua do Ensaio {number}"}.get(self.language)
        return f"{street or f'{number} Rehearsal Street'}; 00000; {self.country}"


@dataclass
class Loan:
    loan_id: str
    person_id: str
    lender: str
    currency: str
    amount_minor: int
    as_of: Moment
    grade: str | None
    debt: Debt
    now: Moment  # the latest moment seen on the loan's own clock
    serial: int = 0
    intent_event: int | None = None
    moved_by_link: str | None = None
    links: list[str] = field(default_factory=list)
    contacts: list[Moment] = field(default_factory=list)
    talk: Json = field(default_factory=dict)  # what they have said and wait for


@dataclass
class Consent:
    consent_id: str
    person_id: str
    status: str
    valid_until: str  # ISO date, inclusive
    frequency_per_day: int
    recurring: bool
    access: Json
    last_action: str
    reads: dict[str, int] = field(default_factory=dict)  # unattended, by calendar day
    back: str | None = None  # where the account holder is sent afterwards


@dataclass
class Event:
    """Something that will happen to a loan."""

    event_id: int
    loan_id: str
    at: Moment
    kind: str
    data: Json


def loan_of(body: Json) -> Loan:
    debt: dict[str, Any] = dict(body["debt"])
    debt["jumps"] = [Jump(**jump) for jump in debt["jumps"]]
    return Loan(**(body | {"debt": Debt(**debt)}))


def person_of(body: Json) -> Person:
    person = Person(**body)
    person.adjustments = [(at, amount) for at, amount in person.adjustments]
    return person

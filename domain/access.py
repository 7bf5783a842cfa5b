"""Who may do what: roles of people, scopes of services, and how a place is declared that either may enter."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person does here. No role contains another: what each may do is written down at every route."""

    OPERATOR = "operator"
    """Runs campaigns and looks after the service."""
    AGENT = "agent"
    """Decides cases and talks with borrowers."""
    SUPERVISOR = "supervisor"
    """Answers for agents and operators."""
    AUDITOR = "auditor"
    """Reads; changes nothing."""


class Scope(StrEnum):
    """What an API key is good for."""

    PAYMENTS_WRITE = "payments:write"
    LOANS_READ = "loans:read"
    CONTACT_DATA_READ = "contact_data:read"
    """Names, phones and e-mails, on top of what another scope lets be read."""
    CAMPAIGNS_READ = "campaigns:read"
    CASES_READ = "cases:read"
    AGREEMENTS_WRITE = "agreements:write"
    """Ask what may be offered, and agree on what needs no person, with the borrower's recorded yes."""
    CONTACTS_WRITE = "contacts:write"
    """Tell of calls and visits that people made."""
    AUDIT_READ = "audit:read"
    PAYLOADS_DECODE = "payloads:decode"
    """What Temporal keeps encrypted, in plain."""


@dataclass(frozen=True)
class Nobody:
    """Whoever has not said who they are."""


OUR_NAMES = ("account:", "apikey:")
"""What the names begin with that loans and the audit trail know people and services by who have signed in."""


@dataclass(frozen=True)
class PersonCaller:
    """A person who has signed in. `login` is theirs alone."""

    account_id: int
    login: str
    role: Role

    @property
    def actor(self) -> str:
        """How the audit trail names them."""
        return f"account:{self.account_id}"


@dataclass(frozen=True)
class ServiceCaller:
    """A service with an API key. With `lender` it sees and touches that lender's loans alone."""

    prefix: str
    name: str
    scopes: frozenset[Scope]
    lender: str | None = None

    @property
    def actor(self) -> str:
        """How the audit trail names it."""
        return f"apikey:{self.prefix}"


Caller = Nobody | PersonCaller | ServiceCaller


@dataclass(frozen=True)
class Public:
    """Everyone may call it, because of `why`."""

    why: str


@dataclass(frozen=True)
class Only:
    """People of these roles, and services whose key has this scope; nobody else."""

    roles: frozenset[Role] = frozenset()
    scope: Scope | None = None

    def __post_init__(self) -> None:
        if not self.roles and self.scope is None:
            raise ValueError("a rule that lets nobody in is a mistake")


@dataclass(frozen=True)
class AnyoneKnown:
    """Every person who has signed in and every service with a valid key."""


Rule = Public | Only | AnyoneKnown


def roles(*named: Role, scope: Scope | None = None) -> Only:
    """People of the named roles, and services with `scope` if it is given."""
    return Only(frozenset(named), scope)


EVERY_ROLE = frozenset(Role)


class Answer(StrEnum):
    """UNKNOWN: say first who you are. FORBIDDEN: we know who you are, and it is not for you."""

    ALLOWED = "allowed"
    UNKNOWN = "unknown"
    FORBIDDEN = "forbidden"


def may(caller: Caller, rule: Rule) -> Answer:
    """Whether `caller` may do what stands under `rule`."""
    match rule, caller:
        case Public(), _:
            return Answer.ALLOWED
        case _, Nobody():
            return Answer.UNKNOWN
        case AnyoneKnown(), _:
            return Answer.ALLOWED
        case Only(roles=allowed), PersonCaller(role=role):
            return Answer.ALLOWED if role in allowed else Answer.FORBIDDEN
        case Only(scope=wanted), ServiceCaller(scopes=scopes):
            return Answer.ALLOWED if wanted in scopes else Answer.FORBIDDEN
    return Answer.FORBIDDEN


def sees_lender(caller: Caller, lender: str) -> bool:
    """Whether a lender's loans are the caller's business: every lender's, but for a key that is bound to one."""
    return not (isinstance(caller, ServiceCaller) and caller.lender not in (None, lender))


def may_see_contact_data(caller: Caller) -> bool:
    """Names and addresses of borrowers: people whose work needs them, and services that were given the scope."""
    match caller:
        case PersonCaller(role=role):
            return role in (Role.AGENT, Role.SUPERVISOR)
        case ServiceCaller(scopes=scopes):
            return Scope.CONTACT_DATA_READ in scopes
    return False

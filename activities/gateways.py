"""The ways to pay as configured: which one a loan gets, and which one a link or payment is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from activities.bank_transfers import BankTransfers
from domain.gateway_choice import Offer, choose
from providers.ports import PaymentGateway, PaymentLookup


@runtime_checkable
class _LooksUp(PaymentLookup, Protocol):
    pass


@dataclass(frozen=True)
class Gateways:
    """`order` gives the names to try for a lender's borrowers in a country. `transfers` is one of `known`."""

    known: Sequence[tuple[Offer, PaymentGateway]] = ()
    order: Callable[[str, str], Sequence[str]] = lambda lender, country: ()
    transfers: BankTransfers | None = None

    def for_loan(
        self, lender: str, country: str, currency: str, without: frozenset[str] = frozenset()
    ) -> PaymentGateway | None:
        """The gateway a new link is made at; None where none is configured that serves there."""
        offers = [offer for offer, _ in self.known if offer.name not in without]
        chosen = choose(offers, self.order(lender, country), country, currency)
        return next((gateway for offer, gateway in self.known if offer == chosen), None)

    def of(self, provider: str, currency: str) -> PaymentGateway | None:
        """The account a link or payment of this provider in `currency` belongs to; None where it is not configured any
        more. It is not told by where the borrower lives: people move, and their links stay where they were made."""
        own = ((offer, gateway) for offer, gateway in self.known if offer.name == provider)
        return next((gateway for offer, gateway in own if offer.currency in (None, currency)), None)

    def lookups(self, provider: str) -> list[PaymentLookup]:
        """Every account of a provider that can be asked about a payment by its id."""
        return [gateway for offer, gateway in self.known if offer.name == provider and isinstance(gateway, _LooksUp)]

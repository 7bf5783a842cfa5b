"""Which way to pay a borrower is offered: by country and currency, in the lender's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

STRIPE, MERCADOPAGO, CONEKTA, BANK = "stripe", "mercadopago", "conekta", "berlin_group_pis"
KNOWN = frozenset({STRIPE, MERCADOPAGO, CONEKTA, BANK})
ANYWHERE = "*"
MERCADOPAGO_COUNTRIES = ("AR", "BR", "CL", "CO", "MX", "PE", "UY")

_USUAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **{country: (MERCADOPAGO, STRIPE) for country in MERCADOPAGO_COUNTRIES},
        "MX": (CONEKTA, MERCADOPAGO, STRIPE),
        ANYWHERE: (STRIPE, BANK),
    }
)


class Offer(BaseModel):
    """A way to pay that is configured. None: wherever, whatever."""

    model_config = ConfigDict(frozen=True)

    name: str
    country: str | None = None
    currency: str | None = None

    def serves(self, country: str, currency: str) -> bool:
        return self.country in (None, country) and self.currency in (None, currency)


def order_for(country: str, *wishes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The names to try in `country`, in order: the first of `wishes` that speaks of it or of anywhere, else the usual.

    A wish maps a country (ISO 3166-1 alpha-2) or `*` to names.
    """
    for wish in wishes:
        for place in (country, ANYWHERE):
            if place in wish:
                return tuple(wish[place])
    return _USUAL.get(country, _USUAL[ANYWHERE])


def choose(offers: Sequence[Offer], order: Sequence[str], country: str, currency: str) -> Offer | None:
    """The first offer in the order that serves country and currency; None when there is none."""
    for name in order:
        for offer in offers:
            if offer.name == name and offer.serves(country, currency):
                return offer
    return None

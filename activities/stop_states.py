"""Whether a stop state closes collection: nothing follows then whatever the account holds, so it is not read."""

from __future__ import annotations

from collections.abc import Callable

from sqlmodel import Session

from domain.contact import Actor, Channel, ContactRequest
from domain.contact_rules import RuleBook, collection_is_closed
from records import people
from records.tables import Loan, Person


class StopStates:
    """`rules` are asked for when first somebody has a stop state; `actor_of`: as what a lender, by its key, collects.

    Without rules of a country the policy for all countries holds.
    """

    def __init__(
        self,
        rules: Callable[[], RuleBook] = lambda: RuleBook(()),
        actor_of: Callable[[str], Actor] = lambda lender: Actor.CREDITOR,
    ) -> None:
        self._rules, self._actor_of = rules, actor_of

    def close_collection(self, session: Session, loan: Loan, person: Person) -> bool:
        flags = people.flags(session, person)
        if not flags:
            return False
        request = ContactRequest(
            loan_id=loan.loan_id,
            channel=Channel.EMAIL,
            country=person.country,
            region=person.region,
            city=person.city,
            flags=flags,
            actor=self._actor_of(loan.lender),
        )
        return collection_is_closed(request, self._rules())

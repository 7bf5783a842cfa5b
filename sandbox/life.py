"""What borrowers do in the world: react to messages, pay, fail, pay in part, reverse, pay twice."""

import re
from datetime import date
from typing import Protocol

from .carrier import STOP_WORDS, Carrier
from .chance import stream, unit
from .clock import DAY, HOUR, Moment, local
from .gateway import Gateway
from .meta import Meta
from .state import Event, Loan, Person
from .store import Json
from .talk import Talk
from .world import World

LINK = re.compile(r"plink_[0-9A-Za-z]+")
ACTS = {"pay", "pay_part", "reverse", "stop", "pay_twice", "salary", "photo", "write"}


class OtherGateway(Protocol):
    """One whose pages are paid at once, whatever the borrower would have done on Stripe's."""

    def asks(self, link_id: str) -> int | None:
        """What an open link asks for, in minor units; None for one that is closed or not its own."""

    def pay_now(self, link_id: str, at: Moment) -> None: ...


class Life:
    def __init__(self, world: World, gateway: Gateway, carrier: Carrier, meta: Meta) -> None:
        self.world, self.gateway, self.carrier, self.meta = world, gateway, carrier, meta
        self.others: list[OtherGateway] = []
        self.talk: Talk | None = None
        world.handlers |= {
            "intend": self._on_intend,
            "settle": self._on_settle,
            "reverse": self._on_reverse,
            "again": self._on_again,
            "act": self._on_act,
        }

    # --- messages ---------------------------------------------------------------------------------------

    def reached(self, loan: Loan, arrives: Moment, now: Moment, channel: str, text: str) -> None:
        """A message arrives with the loan's borrower (or a stranger who has their number)."""
        world = self.world
        person = world.person_of_loan(loan)
        who = world.borrower(person)
        if channel in ("sms", "whatsapp") and who.wrong_number:
            return
        world.mind.hear(who, loan.debt, arrives, channel, self._link_in(loan, text))
        if self.talk is not None:
            self.talk.hears(loan, channel, text, arrives)
        world.replan(loan, now)

    def let_them_write(self) -> None:
        """From now on borrowers answer in words of their own."""
        self.talk = Talk(self.world, self._writes, lambda loan, amount, at: self.pay(loan, amount, at, None))

    def _writes(self, loan: Loan, channel: str, words: str, at: Moment, meant: str) -> None:
        person = self.world.person_of_loan(loan)
        if channel == "whatsapp":
            content: Json = {"type": "text", "text": {"body": words}}
            self.meta.write_in(loan, self.meta.last_number(person), content, at, meant)
        else:
            self.carrier.text_in(loan, self.carrier.last_sender(person), words, at, meant)

    def _link_in(self, loan: Loan, text: str) -> str | None:
        """The payment link a text carries; behind a shortened address it is the latest active one."""
        named = LINK.search(text)
        if named and named.group() in self.gateway.links:
            return named.group()
        if "http" in text:
            return next((x for x in reversed(loan.links) if self._asks(x)), None)
        return None

    def _asks(self, link_id: str) -> int | None:
        """What an open link of any gateway asks for, in minor units."""
        if self.gateway.is_active(link_id):
            return int(self.gateway.links[link_id]["amount"])
        return next((asked for each in self.others if (asked := each.asks(link_id)) is not None), None)

    def _paid_at_another(self, link_id: str | None, at: Moment) -> bool:
        """Whether a link was another gateway's than Stripe; then it is paid."""
        for other in self.others:
            if link_id is not None and other.asks(link_id) is not None:
                other.pay_now(link_id, at)
                return True
        return False

    # --- payments ---------------------------------------------------------------------------------------

    def _on_intend(self, event: Event) -> None:
        """The moment a borrower goes to pay."""
        world, loan = self.world, self.world.loans[event.loan_id]
        person, debt, at = world.person_of_loan(loan), loan.debt, event.at
        loan.intent_event = None
        account = world.borrower(person).account
        if debt.outstanding <= 0 or account.at(at) < debt.outstanding:
            world.mind.without_money(debt, at)
            world.replan(loan, at)
            return
        n = world.odds.number
        rng = stream(world.seed, loan.loan_id, "pays", debt.spell)
        fails, part, delayed = rng.random(), rng.random(), rng.random()
        link_id = self._link_used(loan, rng.random())
        if (asked := self._asks(link_id) if link_id else None) and asked <= account.at(at):
            if self._paid_at_another(link_id, at):
                return
        if fails < n("pay.fails_again" if debt.failed else "pay.fails"):
            debt.failed = True
            amount = self.gateway.links[link_id]["amount"] if link_id else debt.outstanding
            self._delayed(loan, amount, at, link_id, succeeded=False, days=rng.uniform(1, 3))
            world.mind.paid_part(debt, at + 3 * DAY)
            world.replan(loan, at)
            return
        debt.failed = False
        days_late = local(at, person.timezone).toordinal() - _ordinal(debt.due)
        table = world.odds.table("pay.partial")
        bucket = "not_late" if days_late <= 0 else "to_7" if days_late <= 7 else "to_30" if days_late <= 30 else "later"
        if part < table[bucket] and not debt.spell and link_id is None:
            a, b = world.odds.numbers("pay.partial_fraction")
            nearly = rng.random() < n("pay.partial_nearly_all")
            fraction = rng.uniform(0.85, 0.99) if nearly else 0.85 * rng.betavariate(a, b)
            amount = max(1, int(debt.outstanding * fraction))
        else:
            amount = self.gateway.links[link_id]["amount"] if link_id else debt.outstanding
        if amount > account.at(at):
            amount = debt.outstanding
            link_id = None
        if delayed < n("pay.delayed_method_share"):
            low, high = world.odds.numbers("pay.delayed_method_days")
            self._delayed(loan, amount, at, link_id, succeeded=True, days=rng.uniform(low, high))
        else:
            self.pay(loan, amount, at, link_id)
        if debt.outstanding > 0:
            world.mind.paid_part(debt, at)
        world.replan(loan, at)

    def _link_used(self, loan: Loan, draw: float) -> str | None:
        """The link this person pays through; None: on the lender's portal."""
        n = self.world.odds.number
        if loan.moved_by_link and self._asks(loan.moved_by_link):
            return loan.moved_by_link if draw < n("text.via_link_if_moved") else None
        known = next((x for x in reversed(loan.debt.links_read) if self._asks(x)), None)
        return known if known and draw < n("text.via_link_if_known") else None

    def pay(self, loan: Loan, amount: int, at: Moment, link_id: str | None) -> str:
        """Money leaves the account and reaches the gateway at once; tells the session's id."""
        world = self.world
        session_id = self.gateway.checkout(loan, amount, loan.currency, at, link_id, settled=True)
        world.money_moves(world.person_of_loan(loan), at, -amount)
        loan.debt.outstanding -= amount
        self._afterwards(loan, self.gateway.sessions[session_id]["payment_intent"], amount, at)
        world.save(loan)
        return session_id

    def paid_elsewhere(self, loan: Loan, amount: int, at: Moment) -> None:
        """Money leaves the account for another gateway than Stripe, or for the lender's own account."""
        self.world.money_moves(self.world.person_of_loan(loan), at, -amount)
        loan.debt.outstanding -= amount
        if loan.debt.outstanding > 0:
            self.world.mind.paid_part(loan.debt, at)
        self.world.replan(loan, at)

    def _delayed(self, loan: Loan, amount: int, at: Moment, link_id: str | None, succeeded: bool, days: float) -> None:
        session_id = self.gateway.checkout(loan, amount, loan.currency, at, link_id, settled=False)
        if succeeded:  # in the person's mind the debt is paid already
            loan.debt.outstanding -= amount
        self.world.agenda.add(loan.loan_id, at + days * DAY, "settle", session_id=session_id, succeeded=succeeded)
        self.world.save(loan)

    def _on_settle(self, event: Event) -> None:
        loan, session_id = self.world.loans[event.loan_id], event.data["session_id"]
        succeeded = event.data["succeeded"]
        self.gateway.settle(session_id, loan, event.at, succeeded)
        if succeeded:
            session = self.gateway.sessions[session_id]
            self.world.money_moves(self.world.person_of_loan(loan), event.at, -session["amount_total"])
            self._afterwards(loan, session["payment_intent"], session["amount_total"], event.at)

    def _afterwards(self, loan: Loan, payment_id: str, amount: int, at: Moment) -> None:
        """What may follow a payment: taken back weeks later, or made a second time."""
        world, n = self.world, self.world.odds.number
        rng = stream(world.seed, payment_id, "after")
        if rng.random() < n("pay.reversed"):
            low, high = world.odds.numbers("pay.reversed_after_days")
            world.agenda.add(loan.loan_id, at + rng.uniform(low, high) * DAY, "reverse", payment_id=payment_id)
        elif rng.random() < n("pay.twice") and loan.debt.outstanding <= 0:
            world.agenda.add(loan.loan_id, at + rng.uniform(1, 48) * HOUR, "again", amount=amount)

    def _on_again(self, event: Event) -> None:
        loan = self.world.loans[event.loan_id]
        account = self.world.borrower(self.world.person_of_loan(loan)).account
        if account.at(event.at) >= event.data["amount"]:
            self.pay(loan, event.data["amount"], event.at, None)

    def _on_reverse(self, event: Event) -> None:
        self.take_back(self.world.loans[event.loan_id], event.data["payment_id"], event.at)

    def take_back(self, loan: Loan, payment_id: str, at: Moment) -> None:
        """A payment is reversed: the money is back with the person, who owes again."""
        world = self.world
        amount = self.gateway.reverse(payment_id, loan, at)
        if amount:
            world.money_moves(world.person_of_loan(loan), at, amount)
            loan.debt.outstanding += amount
            world.mind.paid_part(loan.debt, at)
            world.replan(loan, at)

    # --- on request -------------------------------------------------------------------------------------

    def _on_act(self, event: Event) -> None:
        loan = self.world.loans[event.loan_id]
        try:
            self.act(loan, event.data["act"], event.data.get("amount_minor"), event.at, event.data.get("text"))
        except ValueError as error:
            self.world.store.log("refused", event.at, loan.loan_id, service="world", reason=str(error))

    def act(self, loan: Loan, act: str, amount: int | None, at: Moment, text: str | None = None) -> None:
        """Makes the borrower do something now, whatever their odds. Raises ValueError if it cannot be."""
        world = self.world
        person = world.person_of_loan(loan)
        if act == "salary":
            wage = amount if amount is not None else loan.amount_minor * 2
            world.money_moves(person, at, wage)
            for loan_id in person.loan_ids:
                world.replan(world.loans[loan_id], at)
        elif act == "photo":
            self.meta.photo(loan, at)
        elif act == "write":
            self.carrier.text_in(loan, self.carrier.last_sender(person), text or "", at)
        elif act == "stop":
            word = STOP_WORDS.get(person.language, "STOP")
            self.carrier.text_in(loan, self.carrier.last_sender(person), word, at)
        elif act == "reverse":
            taken = [p for p in self.gateway.payments_of(loan) if not p.reversed]
            if not taken:
                raise ValueError("act: there is no payment to reverse")
            self.take_back(loan, taken[-1].payment_id, at)
        else:
            self._pay_on_request(loan, act, amount, at)

    def _pay_on_request(self, loan: Loan, act: str, amount: int | None, at: Moment) -> None:
        link_id = next((x for x in reversed(loan.links) if self._asks(x)), None)
        if act in ("pay_part", "pay_twice") or amount is not None:
            link_id = None
        elif self._paid_at_another(link_id, at):
            return
        if act == "pay_part":
            paid = amount if amount is not None else max(1, loan.debt.outstanding // 2)
        elif act == "pay_twice":
            paid, link_id = amount if amount is not None else loan.amount_minor, None
            if loan.debt.outstanding > 0:
                self.pay(loan, paid, at, None)
        elif link_id is not None:
            paid = self.gateway.links[link_id]["amount"]
        else:
            paid = amount if amount is not None else loan.debt.outstanding
        if paid <= 0:
            raise ValueError("act: nothing is owed; name an amount_minor")
        self.pay(loan, paid, at, link_id)
        if loan.debt.outstanding > 0:
            self.world.mind.paid_part(loan.debt, at)
        self.world.replan(loan, at)

    def hosted_payment(self, link_id: str, at: Moment) -> Loan | None:
        """A person at the hosted page presses the button."""
        link = self.gateway.link(link_id)
        loan = self.world.loans.get(str(link["object"]["metadata"].get("loan_id", "")))
        if loan is None:
            self.gateway.checkout(None, link["amount"], link["object"]["currency"], at, link_id, settled=True)
            return None
        self.pay(loan, link["amount"], at, link_id)
        if loan.debt.outstanding > 0:
            self.world.mind.paid_part(loan.debt, at)
        self.world.replan(loan, at)
        return loan


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def person_view(world: World, loan: Loan) -> Json:
    """What enrolment tells about the person behind a loan."""
    person: Person = world.person_of_loan(loan)
    consent = person.first_consent is not None
    return {
        "loan_id": loan.loan_id,
        "person_id": person.person_id,
        "name": person.name,
        "phone": person.phone,
        "birth_year": person.birth_year(world.seed),
        "postal_address": person.postal_address(world.seed),
        "email": person.email,
        "language": person.language,
        "timezone": person.timezone,
        "iban": person.iban,
        "bank_account": person.bank_account if consent else None,
        "bank_consent": person.first_consent,
        "consent_valid_until": person.first_consent_until,
        "whatsapp_opt_in": unit(world.seed, person.key, "wa_opt_in") < world.odds.number("reach.wa_opt_in"),
    }

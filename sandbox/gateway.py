"""The payment gateway's books: prices, links, sessions, payments, reversals, and the webhooks they cause."""

import hashlib
import json
from dataclasses import dataclass

from . import stripe_objects as objects
from .clock import DAY, Moment, iso
from .state import Loan
from .store import Json
from .world import World


@dataclass
class Payment:
    """Money that reached the lender's account at the gateway."""

    payment_id: str
    charge_id: str
    loan_id: str | None
    amount_minor: int
    currency: str
    at: Moment
    reversed: bool = False


class GatewayError(Exception):
    """Answered in Stripe's error body."""

    def __init__(self, status: int, message: str, code: str = "", param: str = "", kind: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"type": kind or "invalid_request_error", "message": message}
        if code:
            self.body["code"] = code
        if param:
            self.body["param"] = param


class Gateway:
    def __init__(self, world: World, base_url: str) -> None:
        self.world, self.base_url = world, base_url
        store = world.store
        self.prices: dict[str, Json] = dict(store.load("price"))
        self.links: dict[str, Json] = dict(store.load("link"))
        self.sessions: dict[str, Json] = dict(store.load("session"))
        self.intents: dict[str, Json] = dict(store.load("intent"))
        self.payments: dict[str, Payment] = {k: Payment(**b) for k, b in store.load("payment")}
        self.refunded: dict[str, Json] = dict(store.load("refunded"))
        self.refunds: dict[str, Json] = dict(store.load("refund"))
        self._replays: dict[str, Json] = dict(store.load("replay"))
        self.sessions_of_link: dict[str, list[str]] = {}
        for session_id, session in self.sessions.items():
            if session["payment_link"]:
                self.sessions_of_link.setdefault(session["payment_link"], []).append(session_id)

    # --- idempotency ------------------------------------------------------------------------------------

    def replayed(self, key: str, path: str, form: list[tuple[str, str]], now: Moment) -> tuple[int, Json] | None:
        """The answer given before under this key, which is forgotten after a day. Raises idempotency_error for other
        parameters."""
        before = self._replays.get(key)
        if before is None or now - before.get("at", now) >= DAY:
            return None
        if before["path"] != path or before["form"] != _digest(form):
            raise GatewayError(
                400,
                f"Keys for idempotent requests can only be used with the same parameters they were first used"
                f" with. Try using a key other than '{key}' if you meant to execute a different request.",
                kind="idempotency_error",
            )
        return before["status"], before["body"]

    def remember(self, key: str, path: str, form: list[tuple[str, str]], status: int, body: Json, now: Moment) -> None:
        kept = {"path": path, "form": _digest(form), "status": status, "body": body, "at": now}
        self._replays[key] = kept
        self.world.store.put("replay", key, kept)

    # --- links ------------------------------------------------------------------------------------------

    def create_price(self, currency: str, unit_amount: int, product: str | None, metadata: Json, now: Moment) -> Json:
        world = self.world
        price_id = world.new_id("price_", 24, None)
        made = objects.price(price_id, product or world.new_id("prod_", 14, None), currency, unit_amount, now, metadata)
        self.prices[price_id] = made
        world.store.put("price", price_id, made)
        return made

    def create_link(
        self, price_id: str, quantity: int, metadata: Json, after: Json | None, key: str | None, now: Moment
    ) -> Json:
        world = self.world
        found = self.prices.get(price_id)
        if found is None:
            raise GatewayError(400, f"No such price: '{price_id}'", "resource_missing", "line_items[0][price]")
        loan = world.loans.get(str(metadata.get("loan_id", "")))
        link_id = world.new_id("plink_", 24, loan)
        link = objects.payment_link(link_id, f"{self.base_url}/pay/{link_id}", found["currency"], metadata, after)
        amount = found["unit_amount"] * quantity
        self.links[link_id] = {"object": link, "amount": amount, "price": price_id, "quantity": quantity}
        world.store.put("link", link_id, self.links[link_id])
        if loan is not None:
            loan.links.append(link_id)
            world.save(loan)
        world.store.log(
            "link_created",
            now,
            str(metadata["loan_id"]) if "loan_id" in metadata else None,
            link_id=link_id,
            amount_minor=amount,
            currency=found["currency"].upper(),
            idempotency_key=key,
        )
        return link

    def update_link(self, link_id: str, changes: Json, now: Moment) -> Json:
        link = self.link(link_id)
        link["object"] |= changes
        self.world.store.put("link", link_id, link)
        if "active" in changes:
            self.world.store.log(
                "link_updated",
                now,
                link["object"]["metadata"].get("loan_id"),
                link_id=link_id,
                active=changes["active"],
            )
        return dict(link["object"])

    def link(self, link_id: str) -> Json:
        """The link with its amount. Raises a 404 in Stripe's words."""
        if link_id not in self.links:
            raise GatewayError(404, f"No such payment_link: '{link_id}'", "resource_missing", "payment_link")
        return self.links[link_id]

    def is_active(self, link_id: str) -> bool:
        return link_id in self.links and bool(self.links[link_id]["object"]["active"])

    # --- payments ---------------------------------------------------------------------------------------

    def checkout(
        self, loan: Loan | None, amount: int, currency: str, at: Moment, link_id: str | None, settled: bool
    ) -> str:
        """Someone completes a checkout, through a link or on the portal; tells the session's id.

        Unsettled: a delayed method, whose money comes (or not) with `settle`.
        """
        world = self.world
        metadata = (
            dict(self.links[link_id]["object"]["metadata"])
            if link_id
            else objects.portal_metadata(loan)
            if loan
            else {}
        )
        person = world.person_of_loan(loan) if loan else None
        method = "card" if settled else "sepa_debit" if currency.upper() == "EUR" else "us_bank_account"
        intent_id, charge_id = world.new_id("pi_", 24, loan), world.new_id("ch_", 24, loan)
        session_id = world.new_id("cs_test_", 58, loan)
        lower = currency.lower()
        self.sessions[session_id] = objects.session(
            session_id, intent_id, link_id, amount, lower, metadata, person, at, settled, method
        )
        self.intents[intent_id] = objects.payment_intent(intent_id, charge_id, amount, lower, {}, at, settled, method)
        if link_id:
            self.sessions_of_link.setdefault(link_id, []).append(session_id)
        self._save(session_id, intent_id)
        if settled:
            self._received(session_id, loan, at)
        self._tell("checkout.session.completed", self.sessions[session_id], loan, at)
        return session_id

    def settle(self, session_id: str, loan: Loan | None, at: Moment, succeeded: bool) -> None:
        """The end of a delayed method."""
        session = self.sessions[session_id]
        intent = self.intents[session["payment_intent"]]
        if succeeded:
            session["payment_status"] = "paid"
            intent |= {"status": "succeeded", "amount_received": intent["amount"]}
            self._received(session_id, loan, at)
        else:
            intent |= {"status": "requires_payment_method"}
        self._save(session_id, intent["id"])
        kind = "succeeded" if succeeded else "failed"
        self._tell(f"checkout.session.async_payment_{kind}", session, loan, at)

    def reverse(self, payment_id: str, loan: Loan | None, at: Moment) -> int:
        """A payment is taken back; tells the amount, 0 if it was taken back before."""
        payment = self.payments[payment_id]
        if payment.reversed:
            return 0
        payment.reversed = True
        self.world.store.put("payment", payment_id, payment)
        self.world.store.log("reversal", at, payment.loan_id, payment_id=payment_id, amount_minor=payment.amount_minor)
        taken = objects.dispute(
            self.world.new_id("dp_", 24, loan),
            payment.charge_id,
            payment_id,
            payment.amount_minor,
            payment.currency.lower(),
            at,
        )
        self._tell("charge.dispute.funds_withdrawn", taken, loan, at)
        return payment.amount_minor

    def refund(self, payment_id: str, amount: int, metadata: Json, now: Moment) -> Json:
        """Gives a part or all of a payment back; the charge tells of it. Raises GatewayError."""
        payment = self.payments.get(payment_id)
        if payment is None:
            raise GatewayError(404, f"No such payment_intent: '{payment_id}'", "resource_missing", "payment_intent")
        before = int(self.refunded.get(payment_id, {}).get("amount", 0))
        if not 0 < amount <= payment.amount_minor - before or payment.reversed:
            raise GatewayError(
                400, "Refund amount is greater than the charge amount", "charge_already_refunded", "amount"
            )
        loan = self.world.loans.get(payment.loan_id or "")
        self.refunded[payment_id] = {"amount": before + amount}
        self.world.store.put("refunded", payment_id, self.refunded[payment_id])
        self.world.store.log("refund", now, payment.loan_id, payment_id=payment_id, amount_minor=amount)
        lower = payment.currency.lower()
        refund_id = self.world.new_id("re_", 24, loan)
        made = objects.refund(refund_id, payment.charge_id, payment_id, amount, lower, metadata, now)
        self.refunds[refund_id] = made
        self.world.store.put("refund", refund_id, made)
        charge = objects.charge(self.intents[payment_id], paid=True, disputed=False)
        charge |= {"amount_refunded": before + amount, "refunded": before + amount == payment.amount_minor}
        self._tell("charge.refunded", charge, loan, now)
        return made

    def expanded(self, session: Json, paths: list[str]) -> Json:
        """The session with the objects a reader asked to see in full."""
        if not any(path.split(".")[0] == "payment_intent" for path in paths):
            return session
        intent = self.intents[session["payment_intent"]]
        within = {path.removeprefix("payment_intent.") for path in paths}
        if within & {"latest_charge", "latest_charge.balance_transaction"}:
            payment = self.payments.get(intent["id"])
            charge = objects.charge(intent, paid=payment is not None, disputed=payment is not None and payment.reversed)
            if payment is not None and "latest_charge.balance_transaction" in within:
                charge["balance_transaction"] = objects.balance_transaction(intent, payment.at)
            intent = intent | {"latest_charge": charge}
        return session | {"payment_intent": intent}

    def payments_of(self, loan: Loan) -> list[Payment]:
        return [p for p in self.payments.values() if p.loan_id == loan.loan_id]

    def _received(self, session_id: str, loan: Loan | None, at: Moment) -> None:
        session = self.sessions[session_id]
        intent = self.intents[session["payment_intent"]]
        payment = Payment(
            intent["id"],
            intent["latest_charge"],
            session["metadata"].get("loan_id"),
            session["amount_total"],
            session["currency"].upper(),
            at,
        )
        self.payments[payment.payment_id] = payment
        self.world.store.put("payment", payment.payment_id, payment)
        self.world.store.log(
            "payment",
            at,
            payment.loan_id,
            payment_id=payment.payment_id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            via="link" if session["payment_link"] else "portal",
            link_id=session["payment_link"],
            session_id=session_id,
        )

    def _save(self, session_id: str, intent_id: str) -> None:
        self.world.store.put("session", session_id, self.sessions[session_id])
        self.world.store.put("intent", intent_id, self.intents[intent_id])

    def _tell(self, kind: str, obj: Json, loan: Loan | None, at: Moment) -> None:
        event = objects.event(self.world.new_id("evt_", 24, loan), kind, obj, at)
        self.world.store.put("stripe_event", event["id"], event)
        self.world.webhook(
            loan,
            at,
            {
                "provider": "stripe",
                "url": self.world.targets.stripe_url,
                "event_id": event["id"],
                "type": kind,
                "body": json.dumps(event),
                "occurred": iso(at),
                "paid": obj.get("payment_intent") if obj.get("payment_status") == "paid" else None,
            },
        )


def _digest(form: list[tuple[str, str]]) -> str:
    return hashlib.sha256(json.dumps(sorted(form)).encode()).hexdigest()

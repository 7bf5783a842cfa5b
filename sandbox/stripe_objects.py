"""The gateway's objects, in the shape of Stripe's API 2023-08-16."""

from .clock import DAY, Moment
from .state import Loan, Person
from .store import Json

API_VERSION = "2023-08-16"


def price(price_id: str, product_id: str, currency: str, unit_amount: int, now: Moment, metadata: Json) -> Json:
    return {
        "id": price_id,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": int(now),
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": metadata,
        "nickname": None,
        "product": product_id,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": unit_amount,
        "unit_amount_decimal": str(unit_amount),
    }


def _no_texts() -> Json:
    return {"shipping_address": None, "submit": None, "terms_of_service_acceptance": None}


def payment_link(link_id: str, url: str, currency: str, metadata: Json, after_completion: Json | None) -> Json:
    done = {"type": "hosted_confirmation", "hosted_confirmation": {"custom_message": None}}
    return {
        "id": link_id,
        "object": "payment_link",
        "active": True,
        "after_completion": after_completion or done,
        "allow_promotion_codes": False,
        "application": None,
        "application_fee_amount": None,
        "application_fee_percent": None,
        "automatic_tax": {"enabled": False},
        "billing_address_collection": "auto",
        "consent_collection": None,
        "currency": currency,
        "custom_fields": [],
        "custom_text": _no_texts(),
        "customer_creation": "if_required",
        "invoice_creation": None,
        "livemode": False,
        "metadata": metadata,
        "on_behalf_of": None,
        "payment_intent_data": None,
        "payment_method_collection": "always",
        "payment_method_types": None,
        "phone_number_collection": {"enabled": False},
        "shipping_address_collection": None,
        "shipping_options": [],
        "submit_type": "auto",
        "subscription_data": None,
        "tax_id_collection": {"enabled": False},
        "transfer_data": None,
        "url": url,
    }


def session(
    session_id: str,
    intent_id: str,
    link_id: str | None,
    amount: int,
    currency: str,
    metadata: Json,
    person: Person | None,
    now: Moment,
    paid: bool,
    method: str,
) -> Json:
    return {
        "id": session_id,
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": False,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "status": None},
        "billing_address_collection": "auto",
        "cancel_url": None,
        "client_reference_id": None,
        "consent": None,
        "consent_collection": None,
        "created": int(now),
        "currency": currency,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": _no_texts(),
        "customer": None,
        "customer_creation": "if_required",
        "customer_details": None
        if person is None
        else {
            "address": None,
            "email": person.email,
            "name": person.name,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": None,
        "expires_at": int(now + DAY),
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": "auto",
        "metadata": metadata,
        "mode": "payment",
        "payment_intent": intent_id,
        "payment_link": link_id,
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": [method],
        "payment_status": "paid" if paid else "unpaid",
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_details": None,
        "shipping_options": [],
        "status": "complete",
        "submit_type": "auto",
        "subscription": None,
        "success_url": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": None,
    }


def payment_intent(
    intent_id: str, charge_id: str, amount: int, currency: str, metadata: Json, now: Moment, paid: bool, method: str
) -> Json:
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": amount if paid else 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_sandbox",
        "confirmation_method": "automatic",
        "created": int(now),
        "currency": currency,
        "customer": None,
        "description": None,
        "invoice": None,
        "last_payment_error": None,
        "latest_charge": charge_id,
        "livemode": False,
        "metadata": metadata,
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": [method],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded" if paid else "processing",
        "transfer_data": None,
        "transfer_group": None,
    }


def charge(intent: Json, paid: bool, disputed: bool) -> Json:
    """The charge of a payment, as far as readers of it go. It is made when a debit is begun, and in no balance before
    its money came."""
    amount = intent["amount"]
    return {
        "id": intent["latest_charge"],
        "object": "charge",
        "amount": amount,
        "amount_captured": amount if paid else 0,
        "amount_refunded": 0,
        "balance_transaction": balance_transaction_id(intent) if paid else None,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "captured": paid,
        "created": intent["created"],
        "currency": intent["currency"],
        "customer": None,
        "description": None,
        "disputed": disputed,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "outcome": None,
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": None,
        "payment_method_details": None,
        "receipt_url": None,
        "refunded": False,
        "refunds": None,
        "status": "succeeded" if paid else "pending",
    }


def balance_transaction_id(intent: Json) -> str:
    return f"txn_{intent['latest_charge'].removeprefix('ch_')}"


def balance_transaction(intent: Json, came_in: Moment) -> Json:
    """What a charge did to the balance, and when; without the gateway's fee."""
    return {
        "id": balance_transaction_id(intent),
        "object": "balance_transaction",
        "amount": intent["amount"],
        "available_on": int(came_in),
        "created": int(came_in),
        "currency": intent["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": intent["amount"],
        "reporting_category": "charge",
        "source": intent["latest_charge"],
        "status": "available",
        "type": "charge",
    }


def refund(
    refund_id: str, charge_id: str, intent_id: str, amount: int, currency: str, metadata: Json, now: Moment
) -> Json:
    return {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "charge": charge_id,
        "created": int(now),
        "currency": currency,
        "metadata": metadata,
        "payment_intent": intent_id,
        "status": "succeeded",
    }


def dispute(dispute_id: str, charge_id: str, intent_id: str, amount: int, currency: str, now: Moment) -> Json:
    return {
        "id": dispute_id,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge_id,
        "created": int(now),
        "currency": currency,
        "evidence": {},
        "evidence_details": {
            "due_by": int(now + 7 * DAY),
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": intent_id,
        "payment_method_details": {
            "card": {"brand": "visa", "network_reason_code": "10.4"},
            "type": "card",
        },
        "reason": "unrecognized",
        "status": "needs_response",
    }


def event(event_id: str, kind: str, obj: Json, now: Moment) -> Json:
    return {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(now),
        "data": {"object": obj},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def portal_metadata(loan: Loan) -> Json:
    """What the lender's own portal writes on its sessions."""
    return {"loan_id": loan.loan_id, "lender": loan.lender}

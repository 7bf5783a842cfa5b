"""What people texted to the product's numbers, as the carrier keeps it."""

from dataclasses import dataclass

from .clock import Moment, rfc2822
from .store import Json, Store

KIND = "sms_in"


@dataclass
class TextIn:
    sid: str
    account: str
    to: str
    sender: str
    body: str
    created: Moment


class CarrierInbox:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.messages = [TextIn(**body) for _, body in store.load(KIND)]

    def keep(self, text: TextIn) -> None:
        self.messages.append(text)
        self._store.put(KIND, text.sid, text)


def resource_in(text: TextIn) -> Json:
    """The message resource as the API shows it."""
    uri = f"/2010-04-01/Accounts/{text.account}/Messages/{text.sid}.json"
    return {
        "account_sid": text.account,
        "api_version": "2010-04-01",
        "body": text.body,
        "date_created": rfc2822(text.created),
        "date_sent": rfc2822(text.created),
        "date_updated": rfc2822(text.created),
        "direction": "inbound",
        "error_code": None,
        "error_message": None,
        "from": text.sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": text.sid,
        "status": "received",
        "subresource_uris": {"media": uri.removesuffix(".json") + "/Media.json"},
        "to": text.to,
        "uri": uri,
    }

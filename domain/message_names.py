"""How WhatsApp's messages are called here: by a one-way name of Meta's id.

Meta's id (wamid) is base64 of the person's number and of the message's own: whoever reads it reads the number. Nothing
Meta is asked for takes it, so only its name is kept; both what is sent and what is reported are named, and match.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from pydantic import AfterValidator

_META: Final = "meta:"
_NAME = re.compile(r"wa\.[0-9a-f]{40}")


def of_whatsapp(message_id: str) -> str:
    """`wa.` and the first 40 hexadecimal digits of the SHA-256 of Meta's id; what is such a name stays as it is."""
    if _NAME.fullmatch(message_id):
        return message_id
    return f"wa.{hashlib.sha256(message_id.encode(errors='surrogatepass')).hexdigest()[:40]}"


def without_number(named: str) -> str:
    """A message as `provider:id`; of WhatsApp's the id is its name, whichever build told of it."""
    return _META + of_whatsapp(named.removeprefix(_META)) if named.startswith(_META) else named


WithoutNumber = AfterValidator(without_number)
"""Of a reference to a message: runs that an earlier build began hold Meta's own ids, and match what is told now."""

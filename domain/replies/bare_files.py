"""Files without a word beside them: how they stand in a conversation, and what sending one says."""

from __future__ import annotations

from collections.abc import Mapping

from domain.replies.labels import Intent, Understanding

_NAMES: Mapping[str, Mapping[str, str]] = {
    "es": {"image": "imagen", "document": "documento", "audio": "audio", "voice": "audio", "video": "video"},
    "pt": {"image": "imagem", "document": "documento", "audio": "áudio", "voice": "áudio", "video": "vídeo"},
    "en": {"image": "image", "document": "document", "audio": "audio", "voice": "audio", "video": "video"},
}
_OTHER = {"es": "archivo", "pt": "arquivo", "en": "file"}
_RECEIPTS = frozenset({"image", "document"})
"""What people photograph or attach without a word when they are asked to pay is the proof that they have."""
_SAYS_NOTHING = frozenset({"sticker"})
_FILES = frozenset(_NAMES["en"])


def is_heard(kind: str) -> bool:
    """Whether a bare file of `kind` (the platform's word: image, document, audio ...) is a message at all."""
    return kind not in _SAYS_NOTHING


def is_file(kind: str) -> bool:
    """Whether what a platform calls `kind` is a file that is a message: no place, card, reaction or sticker."""
    return kind in _FILES


def shown_as(kind: str, language: str) -> str:
    """What stands in the conversation for it, such as `[imagen]`, in an ISO 639-1 language; Spanish for unknown ones."""
    spoken = language if language in _NAMES else "es"
    return f"[{_NAMES[spoken].get(kind, _OTHER[spoken])}]"


def said_by(kind: str, language: str) -> Understanding:
    """A picture or a document is a receipt; what has to be listened to or watched is for a person."""
    receipt = kind in _RECEIPTS
    return Understanding(
        intents=(Intent.PAYMENT_RECEIPT if receipt else Intent.OTHER,),
        confidence=1.0,
        reason=None,
        promise_date=None,
        promise_amount=None,
        needs_human=not receipt,
        language=language,
    )

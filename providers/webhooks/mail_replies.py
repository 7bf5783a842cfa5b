"""What a borrower answered to one of our mails: the new words alone, and which mail of ours they answer.

An answer is proven by naming a Message-ID of ours, which only whoever got that mail knows; who stands in `From` is no
proof of anything by itself.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime

from mailparser_reply import EmailReplyParser

from domain.contact import Channel
from domain.opt_out_words import OptOutReading, read_opt_out
from domain.webhook_news import InboundNews

LONGEST = 4000
"""Characters of one answer that are kept; nobody reads more of them."""
_OUR_ID = re.compile(r"<([^<>@\s]{1,200})@[^<>\s]{1,200}>")
_AN_ID = re.compile(r"<[!-;=?-~]{1,240}@[!-;=?-~]{1,240}>")
"""A Message-ID (RFC 5322 3.6.4) that can be put into a header of ours as it is."""
_READER = EmailReplyParser(languages=["en", "es"])
_WROTE = re.compile(
    r"^[> ]*(?:Em|El|On)\s.{4,200}?(?:escreveu|escribi[oó]|wrote):[ \t]*$", re.MULTILINE | re.DOTALL | re.IGNORECASE
)
"""The line above a quoted mail, which the library misses in Portuguese, and in Spanish with the address in brackets."""
_FORWARDED = re.compile(
    r"^-{3,} ?(?:Mensaje original|Mensagem original|Original Message) ?-{3,}$|"
    r"^[>* ]*(?:De|From):.{1,300}\n[>* ]*(?:Enviad[oa](?: em| el)?|Sent|Data|Fecha|Date):",
    re.MULTILINE | re.IGNORECASE,
)
"""Where the mail that is answered stands beneath without marks, as Outlook has it."""
_OF_A_TELEPHONE = re.compile(
    r"^(?:Enviado do meu|Enviado pelo|Obter o Outlook para) .{1,60}$", re.MULTILINE | re.IGNORECASE
)
_AGAIN = re.compile(r"^(?:\s*(?:re|rv|fwd?|enc|res|aw)\s*:)+", re.IGNORECASE)
_BY_A_MACHINE = re.compile(r"^(?!no$).+", re.IGNORECASE)


def is_by_a_machine(mail: Message) -> bool:
    """An absence notice or a list, as RFC 3834 and common servers mark them."""
    submitted = str(mail.get("Auto-Submitted", "no")).strip()
    bulk = str(mail.get("Precedence", "")).strip().lower() in ("bulk", "junk", "auto_reply", "list")
    marked = mail.get("X-Autoreply") is not None or mail.get("X-Autorespond") is not None
    return bool(_BY_A_MACHINE.match(submitted)) or bulk or marked


def answer_in(mail: Message, parts: Sequence[Message], provider: str) -> InboundNews | None:
    """The answer a mail is; None for one that answers none of ours, or says nothing new."""
    ours = answered_by(mail)
    sender = parseaddr(_header(mail, "From"))[1]
    words = new_words(_text_of(parts)) or _stop_in_subject(mail)
    if not ours or "@" not in sender or not words:
        return None
    own_id = str(mail.get("Message-ID", "")).strip()
    # The same words in a mail of another moment are another mail.
    told_as = own_id or f"{mail.get('Date', '')} {words}"
    return InboundNews(
        channel=Channel.EMAIL,
        provider=provider,
        sender_address=sender,
        text=words,
        provider_message_id=hashlib.sha256(told_as.encode("utf-8", "replace")).hexdigest()[:40],
        written_at=_date_of(mail),
        answers=ours[:20],
        mail_id=own_id if _AN_ID.fullmatch(own_id) else None,
    )


def answered_by(mail: Message) -> tuple[str, ...]:
    """Our own ids of the mails of ours that this one names, the latest among them."""
    named = f"{mail.get('In-Reply-To', '')} {mail.get('References', '')}"
    return tuple(dict.fromkeys(match.group(1) for match in _OUR_ID.finditer(named[:8000])))


def _stop_in_subject(mail: Message) -> str:
    """The subject of a mail without words, where it is a stop and nothing else: none of ours is."""
    subject = _AGAIN.sub("", _header(mail, "Subject")).strip()
    return subject if len(subject) <= 60 and read_opt_out(subject) is OptOutReading.OPT_OUT else ""


def new_words(text: str) -> str:
    """What was written now: no quoted mail, no signature, no disclaimer; above what is quoted, else beneath it."""
    whole = _with_few_empty_lines(text[: 20 * LONGEST])
    quoted = _WROTE.search(whole)
    if quoted is None:
        return _own(_unquoted(whole))
    # What is quoted without marks cannot be told from what was written beneath it.
    beneath = whole[quoted.end() :].strip()
    return _own(_unquoted(whole[: quoted.start()])) or (_own(_unquoted(beneath)) if beneath.startswith(">") else "")


def _own(text: str) -> str:
    text = text[: LONGEST + 1_000]
    forwarded = _FORWARDED.search(text)
    text = text[: forwarded.start()] if forwarded is not None else text
    replies = _READER.read(_OF_A_TELEPHONE.sub("", text)).replies
    return (replies[0].body or "").strip()[:LONGEST] if replies else ""


def _unquoted(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if not line.startswith(">")).strip()


def _with_few_empty_lines(text: str) -> str:
    """No two empty lines in a row: what looks for the ends of a mail is slow over thousands."""
    lines = [line.strip() for line in text.splitlines()]
    return "\n".join(line for number, line in enumerate(lines) if line or (number and lines[number - 1]))


def _text_of(parts: Sequence[Message]) -> str:
    for wanted in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() != wanted or part.get_content_disposition() == "attachment":
                continue
            raw = part.get_payload(decode=True)
            if isinstance(raw, bytes):
                text = _decoded(raw, part.get_content_charset())
                text = text.replace("\r\n", "\n") if wanted == "text/plain" else _without_markup(text)
                if text.strip():
                    return text
    return ""


def _decoded(raw: bytes, charset: str | None) -> str:
    try:
        return raw.decode(charset or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _without_markup(page: str) -> str:
    """What a page says in lines; what it quotes is left out."""
    page = re.sub(r"(?is)<(style|script|blockquote)\b.*?(?:</\1>|\Z)", " ", page)
    page = re.sub(r"(?is)<div class=\"gmail_quote.*", " ", page)
    page = re.sub(r"(?i)<br\s*/?>|</(?:p|div|li|tr)>", "\n", page)
    return html.unescape(re.sub(r"<[^>]{0,2000}>", " ", page)).strip()


def _date_of(mail: Message) -> datetime | None:
    """What `Date` says (RFC 5322 3.6.1); None where that is no moment of our time."""
    try:
        told = parsedate_to_datetime(str(mail.get("Date", "")))
        # `-0000` is UTC by a clock that keeps its zone to itself.
        moment = (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if 1970 <= moment.year < 2200 else None


def _header(mail: Message, name: str) -> str:
    try:
        return str(make_header(decode_header(str(mail.get(name, "")))))
    except (ValueError, LookupError):
        return str(mail.get(name, ""))

"""Reading what banks send in ISO 20022: pain.002, camt.052, camt.053, camt.054 and pacs.004, of any version.

Namespaces carry the version; elements are found by their local names, which the versions share.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element  # nosec B405 # a type; parsing is defusedxml's

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from domain.bank_news import (
    BankEntry,
    BankFile,
    BatchRefusal,
    DebitReturn,
    DebitStatus,
    FileKind,
    FileUnreadable,
    ReturnNotice,
    Statement,
    StatusReport,
)
from domain.money import MOST_MINOR, minor_digits
from providers.debit_bank import DUPLICATES

_NAMESPACE = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:(pain\.002|camt\.05[234]|pacs\.004)\.\d{3}\.\d{2}\}Document")
_ACCEPTED = frozenset({"RCVD", "PDNG", "PATC", "ACTC", "ACFC", "ACCP", "ACWC", "ACWP", "ACSP", "ACSC", "ACCC", "PART"})
"""Words of ISO 20022's external list of payment statuses by which a payment is under way, or done."""
_REJECTED = frozenset({"RJCT", "CANC"})
_STATUS_WORD = re.compile(r"[A-Z0-9]{4}")
_REPORTS = {"camt.052": "Rpt", "camt.053": "Stmt", "camt.054": "Ntfctn"}


def looks_like_xml(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def read(body: bytes) -> tuple[BankFile, ...]:
    """What the file tells; a statement file may hold several accounts or days. Raises FileUnreadable."""
    try:
        document = fromstring(body, forbid_dtd=True)
    except ParseError as wrong:
        line, column = wrong.position
        raise FileUnreadable(f"line {line}, column {column + 1}: no well-formed XML") from None
    except (DefusedXmlException, ValueError, LookupError):
        raise FileUnreadable("the file declares a document type or an encoding that no bank sends") from None
    named = _NAMESPACE.fullmatch(document.tag)
    if named is None:
        raise FileUnreadable(
            "expected an ISO 20022 Document: pain.002, camt.052, camt.053, camt.054 or pacs.004 (is this another file?)"
        )
    kind = named.group(1)
    if kind == "pain.002":
        return (_status_report(document),)
    if kind == "pacs.004":
        return (_returns(document),)
    return tuple(_statements(FileKind(kind), document))


def _status_report(document: Element) -> StatusReport:
    """A status that is not given is that of the batch, else that of the file; so is a reason that says "seen before".

    A file's own reason is, where it gives none, the one that all its batches give.
    """
    group = _need(document, "CstmrPmtStsRpt/OrgnlGrpInfAndSts")
    status = _text(group, "GrpSts")
    debits: list[DebitStatus] = []
    batches: list[BatchRefusal] = []
    batch_taken = False
    for batch in _all(document, "CstmrPmtStsRpt/OrgnlPmtInfAndSts"):
        own = _text(batch, "PmtInfSts")
        inherited = own or status
        reason = _reason(batch) or _as_duplicate(_reason(group))
        batch_taken = batch_taken or own in _ACCEPTED
        listed = [
            _debit_status(one, _text(one, "TxSts") or inherited or "ACCP", _reason(one) or _as_duplicate(reason))
            for one in _all(batch, "TxInfAndSts")
            if _text(one, "OrgnlEndToEndId")
        ]
        debits += listed
        batch_id = _text(batch, "OrgnlPmtInfId")
        # A file's RJCT may mean no more than the debits listed: it refuses a batch that lists none.
        if batch_id is not None and (own in _REJECTED or (inherited in _REJECTED and not listed)):
            batches.append(BatchRefusal(batch_id=batch_id, reason=reason))
    shared = {batch.reason for batch in batches}
    file_reason = _reason(group) or (shared.pop() if len(shared) == 1 else None)
    # Where only some batches were seen before, each is told by itself: the others were not.
    told_apart = file_reason is None and not shared.isdisjoint(DUPLICATES)
    refused = status in _REJECTED and not debits and not batch_taken and not told_apart
    return StatusReport(
        message_id=_must(document, "CstmrPmtStsRpt/GrpHdr/MsgId"),
        original_message_id=_must(group, "OrgnlMsgId"),
        file_refused=refused,
        file_reason=file_reason if refused else None,
        debits=tuple(debits),
        batches_refused=() if refused else tuple(batches),
    )


def _debit_status(one: Element, status: str, reason: str | None) -> DebitStatus:
    """Only a word that says so refuses: of any other the debit may be collected all the same."""
    unknown = status not in _ACCEPTED and status not in _REJECTED
    return DebitStatus(
        end_to_end_id=_must(one, "OrgnlEndToEndId"),
        accepted=status not in _REJECTED,
        reason=reason,
        unknown_status=(status if _STATUS_WORD.fullmatch(status) else "?") if unknown else None,
    )


def _reason(refused: Element) -> str | None:
    return _text(refused, "StsRsnInf/Rsn/Cd") or _text(refused, "StsRsnInf/Rsn/Prtry")


def _as_duplicate(reason: str | None) -> str | None:
    """The reason where it speaks of all that it stands above; any other may speak of the lender's own account."""
    return reason if reason in DUPLICATES else None


def _returns(document: Element) -> ReturnNotice:
    header = _need(document, "PmtRtr/GrpHdr")
    settled = _text(header, "IntrBkSttlmDt")
    returns = []
    for one in _all(document, "PmtRtr/TxInf"):
        minor, currency = _amount(_need(one, "RtrdIntrBkSttlmAmt"))
        day = _text(one, "IntrBkSttlmDt") or settled
        if day is None:
            raise FileUnreadable("PmtRtr/TxInf: IntrBkSttlmDt is missing")
        returns.append(
            DebitReturn(
                end_to_end_id=_must(one, "OrgnlEndToEndId"),
                reason=_text(one, "RtrRsnInf/Rsn/Cd") or _text(one, "RtrRsnInf/Rsn/Prtry") or "MS03",
                amount_minor=minor,
                currency=currency,
                returned_on=_date(day),
            )
        )
    return ReturnNotice(message_id=_must(header, "MsgId"), returns=tuple(returns))


def _statements(kind: FileKind, document: Element) -> Iterator[Statement]:
    body = next(iter(document), None)
    reports = [] if body is None else list(_all(body, _REPORTS[kind]))
    if not reports:
        raise FileUnreadable(f"{kind}: no {_REPORTS[kind]} in it")
    number = 0
    for report in reports:
        account = _text(report, "Acct/Id/IBAN") or _must(report, "Acct/Id/Othr/Id")
        entries: list[BankEntry] = []
        for entry in _all(report, "Ntry"):
            number += 1
            if _text(entry, "Sts/Cd") in ("PDNG", "INFO") or _text(entry, "Sts") in ("PDNG", "INFO"):
                continue  # not booked: it will be, or not, and is told then
            entries += _entries(entry, number)
        yield Statement(
            kind=kind,
            message_id=_must(report, "Id"),
            account=account.replace(" ", ""),
            currency=_text(report, "Acct/Ccy") or (entries[0].currency if entries else "EUR"),
            entries=tuple(entries),
        )


def _entries(entry: Element, number: int) -> Iterator[BankEntry]:
    """One for each transaction in it; the entry itself where the bank gives no details."""
    booked = _day(entry, "BookgDt") or _day(entry, "ValDt")
    if booked is None:
        raise FileUnreadable(f"entry {number}: neither BookgDt nor ValDt")
    valued = _day(entry, "ValDt") or booked
    details = [one for group in _all(entry, "NtryDtls") for one in _all(group, "TxDtls")]
    reference = _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
    batch = _text(entry, "NtryDtls/Btch/PmtInfId")
    reversal = _text(entry, "RvslInd") in ("true", "1")
    for place, one in enumerate(details or [entry], 1):
        amount = one.find("{*}Amt") if details else None
        if amount is None:
            amount = one.find("{*}AmtDtls/{*}TxAmt/{*}Amt") if details and len(details) > 1 else entry.find("{*}Amt")
        if amount is None:
            raise FileUnreadable(f"entry {number}: a transaction without an amount")
        minor, currency = _amount(amount, may_be_nothing=True)
        if minor == 0:
            continue  # a notice without money, such as a fee that was waived
        credit = (_text(one, "CdtDbtInd") or _text(entry, "CdtDbtInd")) == "CRDT"
        # A transaction's own reference says more than its entry's, which several may share.
        own = _text(one, "Refs/AcctSvcrRef") or _text(one, "Refs/TxId")
        shared = reference if reference is None or len(details) < 2 else f"{reference}/{place}"
        side = "Dbtr" if credit != (_text(one, "RtrInf/Rsn/Cd") is not None or reversal) else "Cdtr"
        other = side if _find(one, f"RltdPties/{side}") is not None else ("Cdtr" if side == "Dbtr" else "Dbtr")
        yield BankEntry(
            line=number,
            amount_minor=minor,
            currency=currency,
            credit=credit,
            booked_on=booked,
            value_on=valued,
            end_to_end_id=_known(_text(one, "Refs/EndToEndId")),
            bank_reference=own or shared,
            batch_id=batch or _text(one, "Refs/PmtInfId"),
            mandate_reference=_text(one, "Refs/MndtId"),
            return_reason=_text(one, "RtrInf/Rsn/Cd") or _text(one, "RtrInf/Rsn/Prtry"),
            reversal=reversal,
            other_name=_text(one, f"RltdPties/{other}/Pty/Nm") or _text(one, f"RltdPties/{other}/Nm"),
            other_iban=_text(one, f"RltdPties/{other}Acct/Id/IBAN"),
            text=_remittance(one) or _text(entry, "AddtlNtryInf") or "",
        )


def _remittance(transaction: Element) -> str:
    lines = [line.text or "" for line in transaction.findall("{*}RmtInf/{*}Ustrd")]
    lines += [line.text or "" for line in transaction.findall("{*}RmtInf/{*}Strd/{*}CdtrRefInf/{*}Ref")]
    lines += [line.text or "" for line in transaction.findall("{*}RmtInf/{*}Strd/{*}RfrdDocInf/{*}Nb")]
    return " ".join(" ".join(lines).split())[:1000]


def _known(reference: str | None) -> str | None:
    return None if reference in (None, "NOTPROVIDED") else reference


def _find(element: Element, path: str) -> Element | None:
    return element.find("/".join(f"{{*}}{name}" for name in path.split("/")))


def _all(element: Element, path: str) -> list[Element]:
    return element.findall("/".join(f"{{*}}{name}" for name in path.split("/")))


def _need(element: Element, path: str) -> Element:
    found = _find(element, path)
    if found is None:
        raise FileUnreadable(f"{path} is missing")
    return found


def _text(element: Element, path: str) -> str | None:
    found = _find(element, path)
    text = None if found is None or found.text is None else found.text.strip()
    return text or None


def _must(element: Element, path: str) -> str:
    found = _text(element, path)
    if found is None:
        raise FileUnreadable(f"{path} is missing or empty")
    return found


def _day(element: Element, path: str) -> date | None:
    text = _text(element, f"{path}/Dt") or _text(element, f"{path}/DtTm")
    return None if text is None else _date(text)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise FileUnreadable("a date is not written as 2026-12-24") from None


def _amount(element: Element, *, may_be_nothing: bool = False) -> tuple[int, str]:
    """Minor units, exactly. Raises FileUnreadable."""
    currency = element.get("Ccy") or ""
    try:
        value = Decimal((element.text or "").strip())
        minor = value.scaleb(minor_digits(currency))
        whole = int(minor)
    except (InvalidOperation, ValueError, OverflowError, LookupError):
        raise FileUnreadable("an amount is no number with a known currency") from None
    if whole != minor or not (0 if may_be_nothing else 1) <= whole <= MOST_MINOR:
        raise FileUnreadable("an amount is not positive, too large, or has more decimals than its currency")
    return whole, currency

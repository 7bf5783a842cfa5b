"""Files to a bank, and what a bank nobody here wrote makes of them and sends back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from mockbank import messages, validate
from mockbank.accounts import Decision as BankDecision
from mockbank.accounts import PaymentDecision
from mockbank.db import iban

from domain.bank_news import FileUnreadable, ReturnNotice, Statement, StatusReport
from domain.direct_debit import SequenceType
from domain.money import Money
from providers.bankfiles.iso20022 import read
from providers.bankfiles.pain008 import Collection, Creditor, UnfitFile, latin, write

ACME = Creditor(name="Credialba Préstamos, S.L.", creditor_id="ES50ZZZA12345678", iban=iban("NL", "MOCK0000000001"))
MADE = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
DAY = date(2026, 11, 30)


def collection(number: int, **changes: Any) -> Collection:
    given: dict[str, Any] = {
        "reference": f"RCB{number:024d}",
        "amount": Money(amount_minor=12_345, currency="EUR"),
        "collect_on": DAY,
        "sequence": SequenceType.RCUR,
        "mandate": f"M-{number}",
        "signed_on": date(2025, 3, 1),
        "debtor_name": "Lucía Gómez Ñandú",
        "debtor_iban": "ES9121000418450200051332",
        "text": f"Prestamo P-{number}",
    }
    return Collection(**{**given, **changes})


def test_a_bank_nobody_here_wrote_takes_the_file_without_a_finding() -> None:
    first = collection(1, sequence=SequenceType.FRST, debtor_bic="CAIXESBB")
    body, _ = write("RCB-1", ACME, [collection(2), first, collection(3, collect_on=date(2026, 12, 1))], MADE)

    file, findings = validate.inspect(body, "application/xml", date(2026, 11, 27))

    assert findings == []
    assert (file.msg_id, file.nb_of_txs, str(file.ctrl_sum)) == ("RCB-1", 3, "370.35")
    assert [(one.pmt_inf_id, len(one.collections)) for one in file.batches] == [
        ("RCB-1-1", 1),
        ("RCB-1-2", 1),
        ("RCB-1-3", 1),
    ]
    taken = file.collections[0]
    assert (taken.sequence_type, taken.mandate_id, taken.mandate_signed) == ("FRST", "M-1", "2025-03-01")
    assert taken.creditor_scheme_id == ACME.creditor_id
    assert (taken.debtor_name, taken.debtor_account) == ("Lucia Gomez Nandu", "ES9121000418450200051332")


def test_the_same_debits_give_the_same_bytes_in_whatever_order() -> None:
    one, two = collection(1), collection(2)

    assert write("RCB-1", ACME, [one, two], MADE) == write("RCB-1", ACME, [two, one], MADE)


def test_what_the_schema_does_not_take_never_leaves_and_shows_no_name() -> None:
    with pytest.raises(UnfitFile) as refused:
        write("RCB-1", ACME, [collection(1, debtor_iban="not an account")], MADE)

    assert "not an account" not in str(refused.value)
    with pytest.raises(UnfitFile, match="EUR"):
        write("RCB-1", ACME, [collection(1, amount=Money(amount_minor=1, currency="MXN"))], MADE)


def test_letters_that_banks_refuse_fall_off() -> None:
    assert latin("Señora O'Hara & Søn", 70) == "Senora O'Hara . S.n"
    assert latin("€", 70) == "."


def _decided(outcomes: list[tuple[str, str | None]]) -> Any:
    body, _ = write("RCB-1", ACME, [collection(number) for number in range(1, len(outcomes) + 1)], MADE)
    file, _ = validate.inspect(body, "", date(2026, 11, 27))
    decisions = [
        PaymentDecision(one, file.batches[0], None, outcome, reason, "why", DAY)
        for one, (outcome, reason) in zip(file.collections, outcomes, strict=True)
    ]
    return file, decisions


def test_a_status_report_names_each_refused_debit_and_its_reason() -> None:
    file, decisions = _decided([("accepted", None), ("rejected", "AM04")])
    body = messages.write_pain002(BankDecision(file, "PART", payments=decisions), "MB-1", MADE)

    [report] = read(body)

    assert isinstance(report, StatusReport)
    assert (report.original_message_id, report.file_refused) == ("RCB-1", False)
    assert [(one.accepted, one.reason) for one in report.debits] == [(True, None), (False, "AM04")]


def test_a_file_refused_as_a_whole_says_why() -> None:
    file, _ = _decided([("accepted", None)])

    [report] = read(messages.write_pain002(BankDecision(file, "RJCT", "DUPL", "seen before"), "MB-1", MADE))

    assert isinstance(report, StatusReport)
    assert (report.file_refused, report.file_reason, report.debits) == (True, "DUPL", ())


PAIN_002 = """<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
<GrpHdr><MsgId>B-1</MsgId></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>RCB-1</OrgnlMsgId>{group}</OrgnlGrpInfAndSts>
<OrgnlPmtInfAndSts><OrgnlPmtInfId>RCB-1-1</OrgnlPmtInfId>{batch}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>"""
REASON = "<StsRsnInf><Rsn><Cd>{}</Cd></Rsn></StsRsnInf>"
LISTED = "<TxInfAndSts><OrgnlEndToEndId>RCB1</OrgnlEndToEndId>{}</TxInfAndSts>"


def status_report(group: str, batch: str) -> StatusReport:
    [report] = read(PAIN_002.format(group=group, batch=batch).encode())
    assert isinstance(report, StatusReport)
    return report


def test_a_batch_that_is_refused_without_its_debits_is_named_with_its_reason() -> None:
    for group in ("", "<GrpSts>PART</GrpSts>"):
        report = status_report(group, "<PmtInfSts>RJCT</PmtInfSts>" + REASON.format("AC03"))

        assert (report.file_refused, report.debits) == (False, ())
        assert [(one.batch_id, one.reason) for one in report.batches_refused] == [("RCB-1-1", "AC03")]


@pytest.mark.parametrize(
    ("group", "batch", "own", "accepted", "batches"),
    [
        ("RJCT", None, None, False, 0),  # the file's refusal may mean the debits listed alone
        ("RJCT", "ACCP", None, True, 0),
        ("PART", "RJCT", None, False, 1),
        ("PART", "RJCT", "ACSP", True, 1),
        ("ACCP", None, None, True, 0),
        (None, None, None, True, 0),
        ("ACCP", "PART", "RJCT", False, 0),
    ],
)
def test_a_debit_without_a_status_has_its_batchs_or_else_the_files(
    group: str | None, batch: str | None, own: str | None, accepted: bool, batches: int
) -> None:
    def element(name: str, status: str | None) -> str:
        return f"<{name}>{status}</{name}>" if status else ""

    listed = LISTED.format(element("TxSts", own) + REASON.format("AM04"))
    report = status_report(element("GrpSts", group), element("PmtInfSts", batch) + listed)

    assert [(one.accepted, one.reason) for one in report.debits] == [(accepted, "AM04")]
    assert (len(report.batches_refused), report.file_refused) == (batches, False)


@pytest.mark.parametrize(
    ("word", "accepted", "unknown"),
    [
        ("ACWP", True, None),
        ("ACFC", True, None),
        ("PATC", True, None),
        ("BLCK", True, "BLCK"),
        ("Lucía Gómez", True, "?"),
        ("RJCT", False, None),
        ("CANC", False, None),
    ],
)
@pytest.mark.parametrize("inherited", [True, False])
def test_only_a_word_that_says_so_refuses_a_debit(
    word: str, accepted: bool, unknown: str | None, inherited: bool
) -> None:
    """Given a status of the debit's own or of its file, when nobody here knows the word, then nothing is refused."""
    group, own = (f"<GrpSts>{word}</GrpSts>", "") if inherited else ("", f"<TxSts>{word}</TxSts>")

    [debit] = status_report(group, LISTED.format(own)).debits

    assert (debit.accepted, debit.unknown_status) == (accepted, unknown)


def test_a_file_refused_as_a_whole_with_its_batches_is_refused_once() -> None:
    report = status_report("<GrpSts>RJCT</GrpSts>" + REASON.format("FF01"), "<PmtInfSts>RJCT</PmtInfSts>")

    assert (report.file_refused, report.file_reason, report.batches_refused) == (True, "FF01", ())


def test_a_refused_files_reason_is_the_one_its_batches_give_where_it_gives_none() -> None:
    report = status_report("<GrpSts>RJCT</GrpSts>", "<PmtInfSts>RJCT</PmtInfSts>" + REASON.format("DU02"))

    assert (report.file_refused, report.file_reason) == (True, "DU02")


def test_of_a_refused_file_only_some_of_whose_batches_were_seen_before_each_is_told_by_itself() -> None:
    second = "<PmtInfSts>RJCT</PmtInfSts>" + REASON.format("DU02") + "</OrgnlPmtInfAndSts><OrgnlPmtInfAndSts>"
    second += "<OrgnlPmtInfId>RCB-1-2</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts>" + REASON.format("FF01")
    report = status_report("<GrpSts>RJCT</GrpSts>", second)

    assert not report.file_refused
    assert [(one.batch_id, one.reason) for one in report.batches_refused] == [("RCB-1-1", "DU02"), ("RCB-1-2", "FF01")]


@pytest.mark.parametrize(("reason", "debits"), [("AM05", "AM05"), ("AC03", None)])
def test_only_that_a_batch_was_seen_before_is_said_of_each_debit_listed_in_it(reason: str, debits: str | None) -> None:
    report = status_report("", "<PmtInfSts>RJCT</PmtInfSts>" + REASON.format(reason) + LISTED.format(""))

    assert [(one.accepted, one.reason) for one in report.debits] == [(False, debits)]


def _row(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "id": 7,
        "amount": 12_345,
        "currency": "EUR",
        "msg_id": "RCB-1",
        "message": "pain.008.001.08",
        "end_to_end_id": "RCB1",
        "pmt_inf_id": "RCB-1-1",
        "instruction_id": None,
        "mandate_id": "M-1",
        "debtor_name": "Lucía Gómez",
        "debtor_iban": "ES9121000418450200051332",
        "debtor_bic": None,
        "remittance": ["Prestamo P-1"],
        "return_reason": "MD06",
        "settlement_date": "2026-11-30",
        "collected": True,
        "credit": True,
    }
    return {**given, **changes}


ACCOUNT = {"iban": ACME.iban, "currency": "EUR", "name": "ACME"}


def test_a_statement_tells_what_came_in_and_what_was_taken_back() -> None:
    rows = [_row(), _row(id=8, end_to_end_id="RCB2", returned=True, credit=False)]
    body = messages.write_camt053(ACCOUNT, DAY, 1, 0, 0, rows, "MB-C053-1", MADE, UTC)

    [statement] = read(body)

    assert isinstance(statement, Statement)
    assert (statement.kind, statement.account, len(statement.entries)) == ("camt.053", ACME.iban, 2)
    came, back = statement.entries
    assert (came.credit, came.amount_minor, came.end_to_end_id, came.return_reason) == (True, 12_345, "RCB1", None)
    assert (came.bank_reference, came.batch_id, came.value_on) == ("MB-COL-7", "RCB-1-1", DAY)
    assert (came.other_name, came.other_iban) == ("Lucía Gómez", "ES9121000418450200051332")
    assert (back.credit, back.end_to_end_id, back.return_reason) == (False, "RCB2", "MD06")
    assert "Gómez" not in repr(statement)


def test_a_return_names_debit_reason_and_day() -> None:
    [notice] = read(messages.write_pacs004(ACCOUNT, [_row()], date(2026, 12, 21), "MB-R-1", MADE))

    assert isinstance(notice, ReturnNotice)
    [one] = notice.returns
    assert (one.end_to_end_id, one.reason, one.amount_minor, one.returned_on) == (
        "RCB1",
        "MD06",
        12_345,
        date(2026, 12, 21),
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "no well-formed XML"),
        (b"<Document>", "line 1, column"),
        (b"<a/>", "expected an ISO 20022 Document"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"/>', "no Stmt in it"),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"/>', "expected an ISO 20022 Document"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_place(body: bytes, said: str) -> None:
    with pytest.raises(FileUnreadable, match=said):
        read(body)


def test_an_amount_is_exact_or_the_file_is_refused(tmp_path: Path) -> None:
    good = messages.write_camt053(ACCOUNT, DAY, 1, 0, 0, [_row()], "MB-C053-1", MADE, UTC).decode()

    [statement] = read(good.replace("123.45", "123.5").encode())
    assert isinstance(statement, Statement)
    assert statement.entries[0].amount_minor == 12_350
    for wrong in ("123.456", "-1.00", "abc", "1e99"):
        with pytest.raises(FileUnreadable, match="an amount"):
            read(good.replace("123.45", wrong).encode())

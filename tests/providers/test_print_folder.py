"""The print folder: each letter once, whole, and in a manifest that says to whom."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from config.lender_settings import Lender
from config.letters import Letter, typeset
from domain.contact import Channel
from providers.errors import ProviderError, WhatNext
from providers.messaging.print_folder import Printed, PrintFolder
from providers.ports import OutgoingMessage

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
LENDER = Lender(name="Credialba", phone="900 555 010", address="Calle Mayor 10, Madrid")


def a_letter(message_id: str = "m-1", **changes: Any) -> OutgoingMessage:
    given: dict[str, Any] = {
        "message_id": message_id,
        "channel": Channel.POST,
        "to": "Ana Núñez\nCalle Luna 3\n28001 Madrid",
        "text": "Su préstamo\n\nQuedan 100,00 €.",
        "loan_id": "L1",
        "lender": "acme",
        "at": AT,
        "language": "es",
        "country": "ES",
    }
    return OutgoingMessage(**(given | changes))


def print_folder(path: Path, made: list[str] | None = None) -> PrintFolder:
    def press(message: OutgoingMessage) -> Printed:
        if made is not None:
            made.append(message.message_id)
        return Printed(b"%PDF " + message.message_id.encode(), 3)

    return PrintFolder(path, press)


def manifest(path: Path) -> list[dict[str, Any]]:
    letters: list[dict[str, Any]] = json.loads((path / "2026-11-24" / "manifest.json").read_text())["letters"]
    return letters


async def test_a_letter_lies_there_with_its_hash_pages_and_address(tmp_path: Path) -> None:
    sent = await print_folder(tmp_path).send(a_letter())

    [entry] = manifest(tmp_path)
    pdf = (tmp_path / "2026-11-24" / entry["file"]).read_bytes()
    assert entry["sha256"] == hashlib.sha256(pdf).hexdigest()
    assert (entry["pages"], entry["address"]) == (3, ["Ana Núñez", "Calle Luna 3", "28001 Madrid"])
    assert (sent.provider_message_id, sent.sheets) == ("m-1", 2)
    assert "Ana" not in entry["file"]


async def test_however_often_and_by_whomever_it_is_asked_for_it_is_printed_once(tmp_path: Path) -> None:
    made: list[str] = []
    one, two = print_folder(tmp_path, made), print_folder(tmp_path, made)

    answers = await asyncio.gather(*(folder.send(a_letter(f"m-{n % 5}")) for n in range(10) for folder in (one, two)))

    assert sorted(made) == [f"m-{n}" for n in range(5)]
    assert sorted(entry["id"] for entry in manifest(tmp_path)) == sorted(made)
    assert len({answer.provider_message_id for answer in answers}) == 5


async def test_after_a_crash_between_letter_and_manifest_it_is_not_known_and_laid_again_under_the_same_name(
    tmp_path: Path,
) -> None:
    folder = print_folder(tmp_path)
    await folder.send(a_letter())
    (tmp_path / "2026-11-24" / "manifest.json").unlink()

    assert await folder.look_up(a_letter(), AT, AT) is None
    await folder.send(a_letter())

    assert len(list((tmp_path / "2026-11-24").glob("*.pdf"))) == 1
    found = await folder.look_up(a_letter(), AT, AT + timedelta(days=1))
    assert found is not None
    assert len(manifest(tmp_path)) == 1


async def test_a_folder_that_cannot_be_written_stops_the_sender_and_is_no_borrowers_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProviderError) as refused:
        await print_folder(tmp_path / "file").send(a_letter())
    assert refused.value.what_next is WhatNext.STOP_SENDER

    (tmp_path / "2026-11-24").mkdir()
    (tmp_path / "2026-11-24" / "manifest.json").write_text('{"letters": ')
    with pytest.raises(ProviderError, match="broken"):
        await print_folder(tmp_path).send(a_letter())


@pytest.mark.parametrize("country", ["ES", "US"])
def test_what_anybody_wrote_is_printed_and_never_read_as_markup(country: str) -> None:
    nasty = '#import "x": * $x$ *b* _i_ `c` <l> @r \\ #panic() // "'
    letter = Letter(
        text=f"Su préstamo {nasty}\n\nPague aquí: https://pay.example/l/7Hq2.\n\n{nasty}",
        recipient=(f"Ana {nasty}", "Calle Luna 3"),
        reference="L1",
        language="es",
        country=country,
        date="24 de noviembre de 2026",
    )

    done = typeset(letter, LENDER, AT)

    assert typeset(letter, LENDER, AT).pdf == done.pdf
    reader = PdfReader(BytesIO(done.pdf))
    assert len(reader.pages) == done.pages == 1
    text = " ".join(reader.pages[0].extract_text().split())
    assert "#panic()" in text
    assert "Credialba" in text
    assert "Calle Luna 3" in text
    assert "https://pay.example/l/7Hq2" in text
    assert round(float(reader.pages[0].mediabox.width)) == (612 if country == "US" else 595)


def test_a_long_letter_takes_the_pages_it_needs() -> None:
    letter = Letter(
        text="Carta\n\n" + "palabra " * 2000, recipient=("A",), reference="L", language="es", country="ES", date=""
    )
    assert typeset(letter, LENDER, AT).pages > 1


async def test_a_table_says_the_same_a_line_for_each_letter(tmp_path: Path) -> None:
    folder = print_folder(tmp_path)
    await folder.send(a_letter())
    await folder.send(a_letter("m-2", registered=True, to='=HYPERLINK("x"), S.L.\nCalle Luna 3'))
    table = tmp_path / "2026-11-24" / "manifest.csv"

    lines = list(csv.DictReader(table.open(newline="")))
    table.unlink()
    await folder.send(a_letter())

    assert [(line["recipient"], line["registered"], line["pages"]) for line in lines] == [
        ("m-1", "no", "3"),
        ("m-2", "yes", "3"),
    ]
    assert [line["sha256"] for line in lines] == [entry["sha256"] for entry in manifest(tmp_path)]
    assert lines[0]["address"] == "Ana Núñez | Calle Luna 3 | 28001 Madrid"
    assert lines[1]["address"].startswith("'=HYPERLINK"), "no spreadsheet takes it for a formula"
    assert len(list(csv.DictReader(table.open(newline="")))) == 2, "a crash between manifest and table is mended"
    assert not list((tmp_path / "2026-11-24").glob(".manifest*.*[0-9]"))

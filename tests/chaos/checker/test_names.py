"""Whoever is named in what a campaign keeps in the clear is found, however it is written there."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import pytest

from chaos.checker.kept import search
from chaos.checker.names import named, personal
from tests.chaos.checker.campaigns import DAY, Campaign, line

NAME, PHONE, MAIL = "Íñigo Muñoz", "+34600123456", "inigo@example.com"
WROTE = "Soy Íñigo, el viernes pago 50"


def folder_with(tmp_path: Path, place: str, content: bytes) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/worker-0.log").write_bytes(b"\x00nothing of anybody\n")
    (tmp_path / place).write_bytes(b"\xff\x00" + content + b"\x00")
    return tmp_path


def found_in(folder: Path, pages: dict[str, bytes]) -> list[str]:
    """What the check says of a campaign whose first loan is of Íñigo, who wrote."""
    campaign = Campaign()
    line(campaign.log, "inbound_sms", DAY.format(2, "16:00"), sid="SM5", body=WROTE)
    evidence = campaign.evidence()
    data = (("name", NAME), ("telephone number", PHONE), ("e-mail address", MAIL))
    debts = {**evidence.debts, "L1": replace(evidence.debts["L1"], personal=data)}
    evidence = replace(evidence, debts=debts)
    wanted = [datum for _, _, datum in personal(evidence)]
    check = named(replace(evidence, kept=search(folder, pages, wanted)))
    assert check.looked_at == 4 * (2 + len(pages)), "each name, number, address and message in each place"
    return check.violations


@pytest.mark.parametrize(
    ("place", "content", "what"),
    [
        ("temporal.db", NAME.encode(), "name"),
        ("temporal.db-wal", json.dumps({"who": NAME}).encode(), "name"),
        ("logs/web.log", b"GET /?who=%C3%8D%C3%B1igo%20Mu%C3%B1oz", "name"),
        ("logs/web.log", b'to: "34600123456"', "telephone number"),
        ("recobro.db", MAIL.encode(), "e-mail address"),
        ("temporal.db", b"meta:wamid." + base64.b64encode(b"\x1c\x1834600123456\x15\x02\x00\x12"), "telephone number"),
        ("temporal.db", b"xy" + base64.b64encode(b"\x1c\x1834600123456\x15\x02\x00\x12"), "telephone number"),
        ("recobro.db-wal", WROTE.encode(), "message"),
    ],
)
def test_a_person_is_found_wherever_they_stand(tmp_path: Path, place: str, content: bytes, what: str) -> None:
    folder = folder_with(tmp_path, place, content)

    violations = found_in(folder, {})

    assert violations == [f"named: loan L1: its person's {what} stands in {Path(place).name}"]


def test_a_person_is_found_in_what_is_told_to_a_scraper(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "temporal.db", b"loan-demo-L1")

    violations = found_in(folder, {"metrics of web": f'recobro_contacts{{to="{PHONE}"}} 1'.encode()})

    assert violations == ["named: loan L1: its person's telephone number stands in metrics of web"]


def test_a_person_is_found_in_whatever_the_database_server_writes(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "temporal.db", b"loan-demo-L1")
    (folder / "server/pg_wal").mkdir(parents=True)
    (folder / "server/pg_wal/000000010000000000000001").write_bytes(b"\x00" + MAIL.encode() + b"\x00")

    (found,) = [kept for kept in search(folder, {}, [NAME, MAIL], server=folder / "server") if kept.found]

    assert (found.place, found.found) == ("postgresql", {MAIL})


def test_nobody_is_found_where_nobody_stands_nor_in_the_worlds_own_log(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "temporal.db", b"loan-demo-L1, 346001234, Munoz")
    (folder / "logs/sandbox.log").write_text(NAME, encoding="utf-8")

    assert found_in(folder, {}) == []

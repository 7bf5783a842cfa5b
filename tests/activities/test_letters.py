"""Letters as they are laid into the print folder for one who lives there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from domain.contact import Channel, Purpose
from domain.events.contacts import ContactOutcome
from records.database import Database
from tests.activities.outside import desk_for, enter_loan, remind, settings_for
from tests.sandbox.running import World

HOME = "Calle Luna 3; 28001 Madrid"


@pytest.mark.parametrize(
    ("at", "zone", "dated"),
    [
        (datetime(2026, 3, 10, 23, 30, tzinfo=UTC), "Europe/Madrid", "11 de marzo de 2026"),
        (datetime(2026, 3, 11, 0, 30, tzinfo=UTC), "America/Bogota", "10 de marzo de 2026"),
        (datetime(2026, 3, 10, 12, 0, tzinfo=UTC), "Europe/Madrid", "10 de marzo de 2026"),
    ],
)
async def test_a_letter_bears_the_day_it_is_where_the_person_lives(
    lite: Database, world: World, tmp_path: Path, at: datetime, zone: str, dated: str
) -> None:
    loan_id = enter_loan(lite, timezone=zone, postal_address=HOME)
    order = remind(loan_id, channels=(Channel.POST,), template="late_notice", purpose=Purpose.TRANSACTIONAL)

    async with desk_for(lite, settings_for(world, print_folder=tmp_path)) as desk:
        report = await desk.contact(order, at)

    assert report.outcome is ContactOutcome.SENT
    [letter] = tmp_path.rglob("*.pdf")
    text = PdfReader(letter).pages[0].extract_text()
    assert dated in text.splitlines()
    assert f"A día {dated} quedan" in text

"""What the bank has sent us, taken in one file after the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from activities.bank_files import BankDesk, TakenIn
from domain.bank_news import FileUnreadable
from providers.bankfiles.iso20022 import read
from providers.debit_bank import DebitBank


@dataclass
class Fetched:
    """`refused`: files that could not be read, and why; the rest was taken in all the same."""

    taken: list[TakenIn] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


async def fetch_all(bank: DebitBank, desk: BankDesk, now: datetime) -> Fetched:
    """Take in everything the bank holds for us; what was taken in before is passed over. Raises ProviderError."""
    fetched = Fetched()
    for message in await bank.messages(now):
        if await asyncio.to_thread(desk.knows, message.body):
            await bank.done_with(message, now)
            continue
        try:
            parts = read(message.body)
        except FileUnreadable as why:
            fetched.refused[message.name] = str(why)
            continue
        taken = await asyncio.to_thread(desk.take_in, parts, message.body, message.name, now)
        if not taken.known:
            fetched.taken.append(taken)
        await bank.done_with(message, now)
    return fetched

"""What the bank has sent us, taken in one file after the other."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from activities.bank_files import BankDesk, TakenIn
from domain.bank_news import FileUnreadable
from providers.bankfiles.iso20022 import read
from providers.debit_bank import BankMessage, DebitBank
from providers.errors import ProviderError


@dataclass
class Fetched:
    """`refused`: files that could not be read, and why; the rest was taken in all the same.

    `failed`: the bank went away before it was done; what is in `taken` stays taken in.
    """

    taken: list[TakenIn] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    failed: ProviderError | None = None


async def fetch_all(bank: DebitBank, desk: BankDesk, now: datetime) -> Fetched:
    """Take in everything the bank holds for us; what was taken in before is passed over.

    Raises ProviderError where the bank cannot even be asked what it holds.
    """
    fetched = Fetched()
    for message in await bank.messages(now):
        try:
            await _take_in(bank, desk, message, fetched, now)
        except ProviderError as error:
            fetched.failed = error
            break
    return fetched


async def _take_in(bank: DebitBank, desk: BankDesk, message: BankMessage, fetched: Fetched, now: datetime) -> None:
    if not await asyncio.to_thread(desk.knows, message.body):
        try:
            parts = read(message.body)
        except FileUnreadable as why:
            fetched.refused[message.name] = str(why)
            return
        taken = await asyncio.to_thread(desk.take_in, parts, message.body, message.name, now)
        if not taken.known:
            fetched.taken.append(taken)
    await bank.done_with(message, now)

"""From a letter as it was written to the PDF that is posted, with the lender's head on it."""

from __future__ import annotations

from config.letters import Letter, typeset
from config.localised import format_date_long, locale_of
from config.settings import Settings
from domain.replies.local_day import local_day
from providers.messaging.print_folder import Printed
from providers.ports import OutgoingMessage


class LetterPress:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def typeset(self, message: OutgoingMessage) -> Printed:
        """Dated in the language of the letter, by the day it is where it is read."""
        lender = self._settings.lender_named(message.lender)
        today = local_day(message.at, message.country, message.timezone)
        letter = Letter(
            text=message.text,
            recipient=tuple(message.to.split("\n")),
            reference=message.loan_id,
            language=message.language,
            country=message.country,
            date=format_date_long(today, locale_of(message.language, message.country)),
        )
        done = typeset(letter, lender, message.at)
        return Printed(done.pdf, done.pages)

"""The value one good row of a lender's file becomes."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from domain.contact import Channel
from domain.direct_debit import MandateScheme, SequenceType

LoanId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
E164 = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{4,14}$")]
CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
RegionCode = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,3}$")]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
NO_CHANNELS = "none"


def _channels(value: object) -> object:
    """From the one text that a table's cell holds."""
    if not isinstance(value, str):
        return value
    return () if value == NO_CHANNELS else tuple(value.split(","))


AuthorisedChannels = Annotated[tuple[Channel, ...], BeforeValidator(_channels)]


class PortfolioLoan(BaseModel):
    """One overdue loan as a lender handed it over.

    Contact data is optional because many exports leave it out; what is absent stays absent, never guessed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: Annotated[int, Field(ge=1)]
    """Line in the file where the row begins; the header of a CSV file is line 1."""
    loan_id: LoanId
    person_id: Annotated[str, Field(min_length=1, max_length=64)]
    """The lender's customer number. Several loans may share it; without one it is the loan id."""
    name: str | None = None
    phone: E164 | None = None
    email: str | None = None
    birth_year: Annotated[str, Field(pattern=r"^(19|20)[0-9]{2}$")] | None = None
    id_digits: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
    """Last four digits of the identity document. With this or the year of birth a call tells the right person."""
    postal_address: str | None = None
    """Lines as they stand on an envelope below the name, separated by line breaks or semicolons."""
    language: LanguageCode
    """ISO 639-1, the language to write to the person in."""
    country: CountryCode
    """ISO 3166-1 alpha-2, where the person lives."""
    region: RegionCode | None = None
    """ISO 3166-2 subdivision without its country prefix: "CA" for US-CA, "MD" for ES-MD."""
    city: str | None = None
    """As people write it; some contact rules and holidays are a city's own."""
    authorised_channels: AuthorisedChannels | None = None
    """The channels the person agreed to be contacted by. None: not known, and the lender vouches for them."""
    timezone: str | None = None
    """IANA name of the person's own zone. None: unknown, and then no contact may be made."""
    currency: CurrencyCode
    amount_due_minor: Annotated[int, Field(gt=0)]
    """What is overdue, in minor units of `currency`."""
    due_date: date
    """The oldest unpaid due date; days past due are counted from it. May lie ahead for pre-due reminders."""
    bank_consent: str | None = None
    """The bank's id of the consent to read balances."""
    bank_account: str | None = None
    """The bank's id of the account the consent covers."""
    consent_valid_until: date | None = None
    """Last day the consent may be used, inclusive."""
    mandate_reference: Annotated[str, Field(min_length=1, max_length=35)] | None = None
    """The lender's own reference of what the person signed so that their account may be debited."""
    mandate_iban: str | None = Field(default=None, repr=False)
    """The account, without blanks. With a reference, an account and a day of signature a mandate is whole."""
    mandate_signed_on: date | None = None
    mandate_holder: str | None = Field(default=None, repr=False)
    """Whose account it is, where it is not the person's own."""
    mandate_scheme: MandateScheme | None = None
    """None: that of whoever collects for the lender."""
    mandate_sequence: SequenceType | None = None
    """What the next collection says of itself; None: FRST."""
    grade: str | None = None
    """The lender's own risk grade."""
    priority: int = 0
    """Campaigns start higher numbers first."""

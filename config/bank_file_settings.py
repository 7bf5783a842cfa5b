"""Settings of the files that go to banks and come from them: direct debits and statements."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from config.settings_section import SettingsSection


class SepaCreditor(SettingsSection):
    """Who collects by direct debit: the creditor identifier its bank gave it, and the account the money comes to."""

    creditor_id: str = Field(min_length=8, max_length=35)
    iban: str
    bic: str | None = None
    name: str | None = Field(None, max_length=70)
    instrument: Literal["CORE", "B2B"] = "CORE"

    @field_validator("iban")
    @classmethod
    def _is_iban(cls, given: str) -> str:
        from schwifty import IBAN
        from schwifty.exceptions import SchwiftyException

        try:
            return str(IBAN(given))
        except SchwiftyException:
            raise ValueError("expected an IBAN") from None


class DirectDebit(SettingsSection):
    """The bank that takes files of direct debits: by HTTP at `base_url`, or by `folder` (docs/direct-debit.md).

    `creditors` by lender key take the place of `creditor`. `lead_days`: settlement days before a collection on which
    the bank wants the file.
    """

    base_url: str | None = Field(None, pattern=r"^https?://")
    username: str | None = None
    password: SecretStr | None = None
    folder: Path | None = None
    creditor: SepaCreditor | None = None
    creditors: dict[str, SepaCreditor] = Field(default_factory=dict)
    lead_days: int = Field(1, ge=1, le=10)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.base_url is None) == (self.folder is None):
            raise ValueError("expected exactly one of base_url and folder")
        return self

    def creditor_of(self, lender: str) -> SepaCreditor | None:
        return self.creditors.get(lender, self.creditor)


class StatementFolder(SettingsSection):
    """A folder in which a bank's statements appear (docs/reconciliation.md).

    `mapping`: how its CSV files are read; without one there are none. `lender`: whose the account is, where the
    creditors of direct debits do not say it.
    """

    folder: Path
    mapping: Path | None = None
    lender: str | None = Field(None, min_length=1, max_length=64)

"""Documents made for a borrower: receipts, letters that nothing is left to pay, and agreements."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field

from records.sealed import Sealed, SealedBytes
from records.tables.base import Record
from records.types import UTCDateTime


class Document(Record, table=True):
    """What a document says, or its PDF.

    A receipt is of one payment; a letter of payment in full is of an entry's latest end. `public_id` is what addresses
    name. `says` is JSON of the values that the PDF is set from. Of an agreement the PDF is kept as well, and of what an
    earlier version made the PDF alone. Once the person was erased `pdf` is empty and `says` is None.
    """

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint("(kind = 'receipt') = (payment_ref IS NOT NULL)", name="receipt_of_a_payment"),
        Index(
            "uq_document_receipt",
            "payment_ref",
            unique=True,
            sqlite_where=text("kind = 'receipt'"),
            postgresql_where=text("kind = 'receipt'"),
        ),
        Index(
            "uq_document_letter",
            "loan_ref",
            "entry",
            "kind",
            "number",
            unique=True,
            sqlite_where=text("kind <> 'receipt'"),
            postgresql_where=text("kind <> 'receipt'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    public_id: str = Field(max_length=36, unique=True)
    loan_ref: int = Field(foreign_key="loan.id", index=True)
    entry: int
    kind: str = Field(max_length=40)
    payment_ref: int | None = Field(default=None, foreign_key="payment.id")
    number: str = Field(max_length=80)
    language: str = Field(max_length=2)
    says: str | None = Field(default=None, sa_type=Sealed("document.says"))
    pdf: bytes = Field(sa_type=SealedBytes("document.pdf"))
    made_at: datetime = Field(sa_type=UTCDateTime)

"""Whatever can happen to a loan in collection."""

from __future__ import annotations

from domain.events.agreements import (
    AgreementCancelled,
    DueDateMoved,
    OfferAccepted,
    OfferApproved,
    OffersMade,
    PlanAgreed,
    PromiseMade,
    RestructuringAgreed,
    SettlementAgreed,
)
from domain.events.balance import AskConsent, ConsentGiven, FundsSeen, WatchEnded
from domain.events.borrower import CallChoice, CircumstanceReported, OptIn, OptOut, ReplyUnderstood
from domain.events.contacts import ContactFailed, ContactReported
from domain.events.control import Close, Decide, Pause, Resume
from domain.events.debits import DebitReported, DebitReturned
from domain.events.messages import NoticeOrdered, NoticeWithdrawn, WordsWithdrawn, WordsWritten
from domain.events.payments import PaymentReceived, PaymentRefunded, PaymentReversed

LoanEvent = (
    PaymentReceived
    | PaymentReversed
    | PaymentRefunded
    | OptOut
    | OptIn
    | CircumstanceReported
    | ContactFailed
    | CallChoice
    | ReplyUnderstood
    | NoticeOrdered
    | NoticeWithdrawn
    | WordsWritten
    | WordsWithdrawn
    | Pause
    | Resume
    | Close
    | Decide
    | ContactReported
    | FundsSeen
    | ConsentGiven
    | AskConsent
    | WatchEnded
    | PromiseMade
    | AgreementCancelled
    | PlanAgreed
    | SettlementAgreed
    | RestructuringAgreed
    | OfferApproved
    | OfferAccepted
    | DueDateMoved
    | OffersMade
    | DebitReported
    | DebitReturned
)

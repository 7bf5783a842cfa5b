"""All tables. Importing this package fills `Record.metadata`."""

import records.tables.sealing  # noqa: F401  # its hooks
from domain.ledger_entries import CaseState
from records.tables.access import Account, ApiKey, SignInAttempt, SignInSession
from records.tables.agreements import Agreement, AgreementEvidence, AgreementInstalment
from records.tables.attachments import Attachment, AttachmentState
from records.tables.audit import Audit, AuditHead
from records.tables.bank import BankEntryRow, BankFileRow, BankMatch, EntryState, GatewayCheck
from records.tables.base import Record
from records.tables.cases import CollectionCase
from records.tables.consent_requests import ConsentRequest
from records.tables.contacts import Contact, ContactDecision, ContactLedger, ContactState
from records.tables.debits import Debit, DebitFile, Mandate
from records.tables.documents import Document
from records.tables.inbound_messages import InboundMessage
from records.tables.income import BookingHour, IncomeSeen
from records.tables.loans import (
    Campaign,
    CampaignLoan,
    CampaignState,
    Loan,
    LoanState,
    LoanWrite,
    StrategySnapshot,
)
from records.tables.money import (
    BalanceRead,
    Consent,
    ConsentStatus,
    EarlyReversal,
    LinkState,
    Payment,
    PaymentInquiry,
    PaymentLink,
    PaymentSource,
    RefundState,
    RefundTask,
    RefundWay,
)
from records.tables.own_words import OwnWords
from records.tables.people import ClosedAddress, OptOut, Person, PersonFlag
from records.tables.platforms import HeldSender, HeldTemplate
from records.tables.replies import ReplyCorrection
from records.tables.segments import SegmentSend, SegmentSendLoan, SegmentSendState
from records.tables.webhooks import Lease, Webhook

__all__ = [
    "Account",
    "Agreement",
    "AgreementEvidence",
    "AgreementInstalment",
    "ApiKey",
    "Attachment",
    "AttachmentState",
    "Audit",
    "AuditHead",
    "BalanceRead",
    "BankEntryRow",
    "BankFileRow",
    "BankMatch",
    "BookingHour",
    "Campaign",
    "CampaignLoan",
    "CampaignState",
    "CaseState",
    "ClosedAddress",
    "CollectionCase",
    "Consent",
    "ConsentRequest",
    "ConsentStatus",
    "Contact",
    "ContactDecision",
    "ContactLedger",
    "ContactState",
    "Debit",
    "DebitFile",
    "Document",
    "EarlyReversal",
    "EntryState",
    "GatewayCheck",
    "HeldSender",
    "HeldTemplate",
    "InboundMessage",
    "IncomeSeen",
    "Lease",
    "LinkState",
    "Loan",
    "LoanState",
    "LoanWrite",
    "Mandate",
    "OptOut",
    "OwnWords",
    "Payment",
    "PaymentInquiry",
    "PaymentLink",
    "PaymentSource",
    "Person",
    "PersonFlag",
    "Record",
    "RefundState",
    "RefundTask",
    "RefundWay",
    "ReplyCorrection",
    "SegmentSend",
    "SegmentSendLoan",
    "SegmentSendState",
    "SignInAttempt",
    "SignInSession",
    "StrategySnapshot",
    "Webhook",
]

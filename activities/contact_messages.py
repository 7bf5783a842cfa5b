"""The message of a contact: written from the records as they are when its place is taken, ready to be handed over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import ValidationError
from sqlmodel import Session

from activities.debit_notices import with_debit
from activities.message_writing import (
    Written,
    circumstances_of,
    is_one_way,
    message_context,
    with_own_words,
    write,
)
from activities.orders import ContactOrder
from activities.receipts import NOTHING, Enclosed
from activities.whatsapp_ways import WhatsAppWays
from config.agreement_addresses import agreement_address
from config.approved_templates import ApprovedText
from config.faq import FaqError, faq_answer
from config.lawful_messages import ContentRefused
from config.message_context import RenderedMessage
from config.settings import Settings
from config.signed_addresses import SignedAddresses
from config.templates import TemplateError
from domain.contact import Channel
from domain.ledger_entries import WordsState
from domain.platform_rules import Form, Unusable
from providers.ports import OutgoingMessage
from records import consent_links, own_words
from records.tables import Contact, Loan, PaymentLink, Person

UNSUBSCRIBE = "unsubscribe"
UNSUBSCRIBED_BY = timedelta(days=400)
"""How long a mail's own address to end mails is meant to be pressed; it works after that too."""


class Unwritable(Exception):
    """The message cannot be written; the text names the template or value at fault and holds no borrower's data."""


class ContactMessages:
    """Works in the transaction it is called in, and opens none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        web = settings.web
        self._addresses: SignedAddresses | None = None
        if web.link_secret is not None and web.public_url is not None:
            self._addresses = SignedAddresses(web.link_secret, web.public_url)
        self._ways = WhatsAppWays(settings)

    def approved(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        order: ContactOrder,
        channel: Channel,
        now: datetime,
        as_template: bool,
        document_url: str | None,
    ) -> ApprovedText | None:
        """The template that a message has to go as; None: it goes as it is written. Raises Unwritable."""
        if channel is not Channel.WHATSAPP or not self._ways.has_templates:
            return None
        if not as_template and self._ways.form(session, person, now) is Form.FREE_TEXT:
            return None
        chosen = self._ways.approved(session, loan, person, order, now, document_url)
        if isinstance(chosen, Unusable):
            raise Unwritable(f"no approved template of WhatsApp's says {order.template}: {chosen}")
        return chosen

    def written(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        order: ContactOrder,
        channel: Channel,
        link: PaymentLink | None,
        now: datetime,
        enclosed: Enclosed,
        approved: ApprovedText | None = None,
    ) -> Written:
        """The message by `channel`, with `approved`'s words where it has to go as one.

        `link`: where to pay; `enclosed`: what goes with it, of which a text names the address. Raises Unwritable.
        """
        lender = self._settings.lender_named(order.lender)
        try:
            context = message_context(
                session,
                loan,
                person,
                lender,
                channel,
                now,
                link.url if link else None,
                order.agreed,
                self._consent_url(session, person, now),
                order.answer_by,
                self._faq(order, person),
                order.payments,
                one_way=is_one_way(self._settings, channel, person.country),
            )
            if self._addresses is not None:
                where = agreement_address(self._addresses, order.lender, order.loan_id, now)
                context = context.model_copy(update={"agree_url": where})
            if channel is not Channel.EMAIL and enclosed.address is not None:
                context = context.model_copy(update={"document_url": enclosed.address})
            context = with_debit(session, loan, context, self._settings.direct_debit)
            if order.words is not None:
                kept = own_words.get(session, loan, order.words)
                if kept is None or kept.text is None:
                    raise Unwritable("the words are not in the records any more")
                if kept.state is WordsState.NOT_SENT:
                    raise Unwritable(kept.why or "the words were withdrawn")
                context = with_own_words(context, kept.text, kept.subject)
            circumstances = circumstances_of(
                session, loan, person, lender, channel, order.purpose, now, order.circumstance
            )
            return write(order.template, person.language, context, lender, circumstances, approved)
        except TemplateError as error:
            raise Unwritable(f"template: {error}") from None
        except FaqError as error:
            raise Unwritable(f"answers of the lender: {error}") from None
        except ContentRefused as refused:
            if order.words is not None:
                # What was met may hold anything that a person wrote.
                rules = ", ".join(dict.fromkeys(finding.rule for finding in refused.findings))
                raise Unwritable(f"content rules: {rules}") from None
            raise Unwritable(f"content rules: {refused}") from None
        except ValidationError as wrong:
            raise Unwritable("; ".join(_faults(wrong))) from None

    def outgoing(
        self,
        order: ContactOrder,
        contact: Contact,
        person: Person,
        text: RenderedMessage,
        at: datetime,
        enclosed: Enclosed = NOTHING,
    ) -> OutgoingMessage:
        """What the carrier is handed, or asked about; `contact` has an address."""
        assert contact.address is not None
        return OutgoingMessage(
            message_id=contact.message_id,
            channel=contact.channel,
            to=contact.address,
            subject=text.subject,
            text=text.text,
            html=text.html,
            attachments=enclosed.attachments if contact.channel is Channel.EMAIL else (),
            valid_until=contact.valid_until,
            loan_id=order.loan_id,
            lender=order.lender,
            at=at,
            unsubscribe_url=self._unsubscribe_url(contact, at),
            language=person.language,
            country=person.country,
            timezone=person.timezone,
            sender=contact.sender,
            registered=contact.channel is Channel.POST and order.template in self._settings.print_registered,
        )

    def _faq(self, order: ContactOrder, person: Person) -> str | None:
        return faq_answer(order.faq, person.language, self._settings.faq) if order.faq is not None else None

    def _consent_url(self, session: Session, person: Person, now: datetime) -> str | None:
        """Where the person lets their balance be read; None where no bank could be asked or nobody reach us."""
        settings = self._settings
        if not settings.asks_for_consents:
            return None
        return f"{settings.web.public_url}/consent/{consent_links.make(session, person, now)}"

    def _unsubscribe_url(self, contact: Contact, at: datetime) -> str | None:
        if contact.channel is not Channel.EMAIL or self._addresses is None:
            return None
        return self._addresses.address(UNSUBSCRIBE, contact.message_id, at + UNSUBSCRIBED_BY)


def _faults(wrong: ValidationError) -> Iterable[str]:
    """Which value is unusable and why, without the value."""
    for error in wrong.errors(include_input=False, include_url=False, include_context=False):
        yield f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}"

"""How a message goes out on WhatsApp: as free text while the person's window is open, else by an approved template."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import ValidationError
from sqlmodel import Session

from activities.debit_notices import with_debit
from activities.message_writing import circumstances_of, message_context
from activities.orders import ContactOrder
from config.approved_templates import APPROVED_FILE, ApprovedText, load_approved
from config.content_rules import load_content
from config.lawful_messages import with_lawful_lines
from config.message_context import VARIABLES, MessageContext
from config.platform_rules import load_whatsapp
from config.settings import Settings
from config.templates import TemplateError
from domain.contact import Channel
from domain.platform_rules import Form, Unusable, allowed_form, candidates, usable
from providers.messaging.whatsapp_cloud import PROVIDER
from records import platforms, whatsapp_sends
from records.tables import Loan, Person

_A_LINK = "https://pay.invalid/l"
"""Stands for an address that is not made yet: whether there is one decides which template fits."""


class WhatsAppWays:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def has_templates(self) -> bool:
        """Whether messages go out by Meta's Cloud API; by another carrier they are free text."""
        return self._settings.meta is not None and self._settings.meta.sends

    def form(self, session: Session, person: Person, at: datetime) -> Form:
        """Decided from the person's own messages to us, and by what WhatsApp itself said of their window."""
        rules = load_whatsapp()
        window = timedelta(hours=rules.window.hours)
        return allowed_form(at, whatsapp_sends.window_opened(session, person, at - window, at), rules)

    def approved(
        self,
        session: Session,
        loan: Loan,
        person: Person,
        order: ContactOrder,
        at: datetime,
        document_url: str | None = None,
    ) -> ApprovedText | Unusable:
        """The template that says this message, as WhatsApp holds it now, or why there is none.

        `document_url` is the address of what the message encloses, where it is known already.
        """
        lender = self._settings.lender_named(order.lender)
        link = _A_LINK if order.with_link else None
        consent = _A_LINK if self._settings.asks_for_consents else None
        faq = order.faq or None
        try:
            context = message_context(
                session,
                loan,
                person,
                lender,
                Channel.WHATSAPP,
                at,
                link,
                order.agreed,
                consent,
                order.answer_by,
                faq,
                order.payments,
            )
            agree = _A_LINK if self._has_addresses else None
            context = context.model_copy(update={"document_url": document_url, "agree_url": agree})
            context = with_debit(session, loan, context, self._settings.direct_debit)
            circumstances = circumstances_of(
                session, loan, person, lender, Channel.WHATSAPP, order.purpose, at, order.circumstance
            )
            context = with_lawful_lines(context, person.language, lender, circumstances, load_content())
        except (TemplateError, ValidationError):
            # What cannot be written in any form is told where it is written.
            return Unusable.NOT_MAPPED
        texts = load_approved(self._file)
        ours = (one.ours for one in texts)
        found = candidates(ours, order.template, person.language, person.country, _present(context))
        # A lender has hundreds of templates; a message can go as two or three of them.
        chosen = usable(found, platforms.templates(session, PROVIDER, {one.name for one in found}))
        return chosen if isinstance(chosen, Unusable) else next(one for one in texts if one.ours is chosen)

    @property
    def _has_addresses(self) -> bool:
        web = self._settings.web
        return web.link_secret is not None and web.public_url is not None

    @property
    def _file(self) -> Path:
        meta = self._settings.meta
        return meta.templates if meta is not None and meta.templates is not None else APPROVED_FILE


def _present(context: MessageContext) -> frozenset[str]:
    return frozenset(name for name in VARIABLES if getattr(context, name) is not None)

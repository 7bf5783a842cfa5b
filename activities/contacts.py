"""Reaching the borrower once: decide, take the contact's place, write, send, and know what became of it.

At most once: the place is taken before the message leaves, and a message whose fate is unknown is looked
up at the carrier, never sent again blindly. Lawful is what is lawful when it leaves: getting a message ready takes
time, and its window may close meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from functools import partial

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.agreement_papers import AgreementPapers
from activities.balances import BalanceReader
from activities.capabilities import Contacts
from activities.clock import ask_again, task_time, try_again_in
from activities.contact_clock import ContactClock
from activities.contact_messages import Unwritable
from activities.contact_places import Changed, ContactPlaces, NewsWaits, Ready
from activities.contact_slots import ContactSlots, NoChannel, NotWanted, NotYet, Slot
from activities.counting import count
from activities.links import LinkIssuer, NoGateway
from activities.orders import ContactOrder
from activities.platform_gate import PlatformGate
from activities.provider_waits import Lacking, await_operator, call_again
from activities.receipts import NO_FILES, NOTHING, NotTypeset, Receipts
from activities.template_sync import TemplateSync
from activities.unheard_payments import UnheardPayments
from config.metric_catalogue import UNREACHABLE
from config.settings import Settings
from domain.agreements.model import DOCUMENT
from domain.consent_renewal import NOT_RENEWED
from domain.contact import Channel, Purpose
from domain.contact_orders import PART_RECEIPT, RECEIPT
from domain.conversation.model import REPLY
from domain.events.contacts import ContactOutcome, ContactReported
from domain.watching import REREAD_AFTER
from domain.what_next import Effect, WhatNext
from providers.errors import WINDOW_CLOSED, ProviderError, refusal
from providers.ports import Messenger, Sent
from records.database import Database
from records.tables import ContactState, PaymentLink

LOOK_UP_SLACK = timedelta(minutes=5)
NOT_ARRIVED_AFTER = timedelta(minutes=3)
"""A message that the carrier does not know so long after it was begun never reached it. Longer than an attempt
lasts, so that a slow attempt that Temporal gave up can no longer send behind the back of the next one."""

TAKE_WITHIN = 40.0
SEND_WITHIN = 60.0
HEAR_WITHIN = 10.0
"""Seconds: together with the wait for the records they stay below the two minutes that an attempt may last."""

PUT_OFF_FOR = timedelta(days=1)
PUT_OFF_TIMES = 3
"""For so long and so often a contact that its carrier puts off is tried by the same channel alone: a weekend or a pause
between two tries says nothing of a mailbox that asks to be tried again soon."""

MOST_WAYS = 6
"""How often one attempt may change the number, template or form before it goes by the next channel."""


class Again(Enum):
    """How a message that was refused may still go by the same channel."""

    AS_IT_IS = "as it is"
    AS_TEMPLATE = "only as an approved template"
    ANOTHER_WAY = "by another number or template"


_WE_SEND = frozenset({Channel.SMS, Channel.EMAIL, Channel.WHATSAPP})


class ContactSender(Contacts):
    def __init__(
        self,
        database: Database,
        slots: ContactSlots,
        messengers: Mapping[Channel, Messenger],
        links: LinkIssuer,
        balances: BalanceReader,
        settings: Settings,
        templates: TemplateSync | None = None,
    ) -> None:
        self._receipts = Receipts(database, settings)
        self._places = ContactPlaces(database, slots, settings, self._receipts)
        self._platforms = PlatformGate(database, settings, slots.whatsapp)
        self._templates = templates
        self._messengers = messengers
        self._links = links
        self._unheard = UnheardPayments(database, links.gateways)
        self._balances = balances
        self._papers = AgreementPapers(database, settings)

    @activity.defn(name="contact")
    async def contact(self, order: ContactOrder) -> ContactReported:
        """Send the message at the next lawful slot, by the first channel that works.

        Waiting for the slot is asking to be tried again at it: that leaves nothing in the history. Once the loan was
        handed over again, only what became of a message that was begun before is found out.
        """
        now = task_time()
        clock = ContactClock(now)
        take_until = time.monotonic() + TAKE_WITHIN
        earlier = await asyncio.to_thread(self._places.earlier, order)
        if isinstance(earlier, NotWanted):
            return await self._report(order, ContactOutcome.NOT_WANTED)
        if earlier is not None and (settled := await self._settle(order, earlier, now)) is not None:
            return settled
        if order.give_up_at is not None and now >= order.give_up_at:
            return await self._report(order, ContactOutcome.NOT_WANTED)
        if order.unless_read is not None and await asyncio.to_thread(self._places.was_read, order):
            return await self._report(order, ContactOutcome.SEEN)
        useless = self._not_configured(order)
        if activity.info().attempt > 1:
            useless |= await asyncio.to_thread(self._places.gave_way, order)
        order = order.model_copy(update={"channels": tuple(c for c in order.channels if c not in useless)})
        platforms_concerned = self._platforms.concerned(order)
        ways = [Again.AS_IT_IS]
        put_off: ProviderError | None = None
        while True:
            channels = tuple(c for c in order.channels if c not in useless)
            if platforms_concerned:
                # Mostly the first channel takes it, and what a platform says of a later one matters to nobody.
                if not (ahead := self._platforms.before_gated(channels)):
                    platforms_concerned = False
                    useless |= await self._closed_by_platforms(order, now)
                    continue
                channels = ahead
            open_order = order.model_copy(update={"channels": channels})
            answer = await self._place(open_order, clock, take_until, as_template=Again.AS_TEMPLATE in ways)
            if isinstance(answer, ContactReported):
                return answer
            if answer is Changed.CHANGED:
                continue
            if isinstance(answer, NoChannel) and platforms_concerned:
                platforms_concerned = False
                useless |= await self._closed_by_platforms(order, now)
                continue
            if isinstance(answer, NoChannel) and put_off is not None and not answer.ceased:
                raise call_again(put_off, now, activity.info().attempt) from None
            if not isinstance(answer, Ready):
                return await self._without_slot(order, answer, tuple(useless.values()))
            outcome = await self._send(order, answer, clock)
            if isinstance(outcome, ContactReported):
                return outcome
            if outcome is Changed.CHANGED:
                continue
            if isinstance(outcome, Again):
                ways.append(outcome)
                as_template = Again.AS_TEMPLATE in ways
                useless |= await asyncio.to_thread(self._platforms.refused, order, now, as_template=as_template)
                if len(ways) <= MOST_WAYS and ways.count(Again.AS_TEMPLATE) < 2:
                    continue
                outcome = outcome.value
            if isinstance(outcome, ProviderError):
                put_off = put_off or outcome
                outcome = f"{outcome.provider} {outcome.code}"
            useless[answer.message.channel] = f"{answer.message.channel}: {outcome}"

    # Before it is sent

    async def _closed_by_platforms(self, order: ContactOrder, now: datetime) -> dict[Channel, str]:
        if self._templates is not None and Channel.WHATSAPP in order.channels:
            await self._templates.fresh(now)
        return await asyncio.to_thread(self._platforms.refused, order, now)

    def _not_configured(self, order: ContactOrder) -> dict[Channel, str]:
        """Channels nothing can be sent by. Where that is all of them an operator has to act, not the borrower."""
        absent = [channel for channel in order.channels if channel not in self._messengers]
        every = order.channels and len(absent) == len(order.channels)
        if every and _WE_SEND.intersection(absent) and order.words is None:
            names = ", ".join(absent)
            raise await_operator(Lacking.CARRIER, f"no carrier is configured for {names}")
        return {channel: f"{channel}: no carrier is configured" for channel in absent}

    async def _place(
        self, order: ContactOrder, clock: ContactClock, take_until: float, *, as_template: bool = False
    ) -> Ready | NotYet | NoChannel | NotWanted | Changed | ContactReported:
        """The contact's place, taken; what needs the outside world is got before, so that nobody waits for it."""
        now = clock.now()
        slot: Slot | None = None
        link: PaymentLink | None = None
        old = order.balance_read_at is not None and clock.began - order.balance_read_at > REREAD_AFTER
        demands = order.purpose is Purpose.COLLECTION
        payable = await asyncio.to_thread(self._unheard.payable, order.lender, order.loan_id) if demands else ()
        enclosed = NOTHING
        if old or order.with_link or payable or order.step == DOCUMENT:
            answer = await asyncio.to_thread(self._places.look, order, now)
            if not isinstance(answer, Slot):
                return await asyncio.to_thread(self._places.refused, order, clock.now())
            slot = answer
            if payable and await self._paid_unheard(order, payable, now):
                return Changed.CHANGED
            if old and not await self._funds_still_there(order, now):
                return await self._report(order, ContactOutcome.FUNDS_GONE)
            if order.with_link:
                link = await self._link(order, now)
            if order.step == DOCUMENT:
                enclosed = await asyncio.to_thread(self._papers.enclosed, order, now)
        if time.monotonic() > take_until:
            raise try_again_in(timedelta(seconds=5), "it took too long to get ready; begun again", "Slow")
        files = NO_FILES
        if order.step in (RECEIPT, PART_RECEIPT) and Channel.EMAIL in order.channels[:1]:
            files = await asyncio.to_thread(self._receipts.typeset, order, now)
        take = partial(self._places.take, order, slot, link, clock, enclosed, as_template=as_template, papers_at=now)
        heard: int | None = None
        hear_until = time.monotonic() + HEAR_WITHIN
        try:
            while True:
                try:
                    taken = await asyncio.to_thread(take, files=files, heard=heard)
                    if not isinstance(taken, NewsWaits):
                        return taken
                    heard = heard or taken.newest
                    if time.monotonic() > hear_until:
                        why = "a webhook that came in was not read yet; does the web app run?"
                        raise try_again_in(timedelta(seconds=5), why, "UnheardNews")
                    await asyncio.sleep(0.1)
                except NotTypeset:
                    files = await asyncio.to_thread(self._receipts.typeset, order, now)
        except Unwritable as why:
            if order.words is not None:
                # Nobody mends it: whoever wrote hears that it was not sent, and why.
                return await self._report(order, ContactOutcome.UNREACHABLE, refused=(str(why),))
            raise await_operator(Lacking.TEMPLATE, f"the message cannot be written: {why}") from None

    async def _without_slot(
        self, order: ContactOrder, answer: NotYet | NoChannel | NotWanted, useless: tuple[str, ...]
    ) -> ContactReported:
        match answer:
            case NotYet():
                until = answer.until
                if order.give_up_at is not None:
                    until = min(until, order.give_up_at)
                raise ask_again(until, f"not before {answer.until:%a %d %b %H:%M} UTC: {answer.why}", "NotYet")
            case NoChannel():
                if NOT_RENEWED.isdisjoint(answer.refused):
                    count(UNREACHABLE, purpose=order.purpose)
                refused = tuple(dict.fromkeys((*useless, *answer.refused)))
                return await self._report(order, ContactOutcome.UNREACHABLE, refused=refused, ceased=answer.ceased)
            case NotWanted():
                return await self._report(order, ContactOutcome.NOT_WANTED)

    async def _funds_still_there(self, order: ContactOrder, now: datetime) -> bool:
        """Where it cannot be found out the answer is no: the watch goes on, and offers when it sees the money."""
        assert order.threshold is not None
        return await self._balances.funds_are_there(order.lender, order.loan_id, order.threshold, now)

    async def _paid_unheard(self, order: ContactOrder, payable: Sequence[PaymentLink], now: datetime) -> bool:
        """Whether the gateway holds a payment that no webhook has told us of; it is in the records afterwards."""
        try:
            return await self._unheard.find(order.lender, order.loan_id, payable, now) > 0
        except ProviderError as error:
            raise call_again(error, now, activity.info().attempt) from None

    async def _link(self, order: ContactOrder, now: datetime) -> PaymentLink:
        try:
            agreed = order.agreed.amount_minor if order.agreed is not None else None
            return await self._links.link_for_balance(order.lender, order.loan_id, now, at_most_minor=agreed)
        except ProviderError as error:
            raise call_again(error, now, activity.info().attempt) from None
        except NoGateway as why:
            raise await_operator(Lacking.GATEWAY, str(why)) from None

    # Sending

    async def _send(
        self, order: ContactOrder, ready: Ready, clock: ContactClock
    ) -> ContactReported | Again | Changed | ProviderError | str:
        """The report; how it may still go; or, when this channel cannot take it, why, in a word for the case. The error
        where the channel may take it again later, and another may be tried before.

        Changed where its lawful window closed since its place was taken: nothing was sent.
        """
        now = clock.now()
        closes = ready.message.valid_until
        if closes is not None and now >= closes:
            await asyncio.to_thread(self._places.given_back, ready, WINDOW_CLOSED, now)
            return Changed.CHANGED
        ready = replace(ready, message=ready.message.model_copy(update={"at": now}))
        messenger = self._messengers[ready.message.channel]
        try:
            async with asyncio.timeout(SEND_WITHIN):
                sent = await messenger.send(ready.message)
        except TimeoutError:
            slow = refusal(
                ready.message.channel, "slow", WhatNext.RETRY, "no answer in a minute", effect=Effect.UNKNOWN
            )
            return await self._after_error(order, ready, messenger, slow, now)
        except ProviderError as error:
            return await self._after_error(order, ready, messenger, error, now)
        return await self._sent(order, ready, sent, now)

    async def _after_error(
        self, order: ContactOrder, ready: Ready, messenger: Messenger, error: ProviderError, now: datetime
    ) -> ContactReported | Again | ProviderError | str:
        if error.effect is Effect.UNKNOWN:
            if not messenger.can_look_up:
                return await self._unknown(order, ready, error.code, now)
            # The place stays taken: the next attempt looks the message up before anything else.
            raise call_again(error, now, activity.info().attempt) from None
        if (again := await self._another_way(order, ready, error, now)) is not None:
            return again
        if error.opted_out or error.address_is_dead:
            await asyncio.to_thread(self._places.closed, order, ready, error, now)
            return f"{error.provider} {error.code}"
        # "Later, then another channel": with no other channel it is later.
        waits = error.what_next is WhatNext.LATER and len(order.channels) == 1
        over = not waits and (error.reaction.try_other_channel or error.what_next is WhatNext.TERMINAL)
        long = not over and await self._put_off_for_long(order, ready, error, now)
        if over or (long and error.reaction.about_recipient):
            await asyncio.to_thread(self._places.failed, order, ready, error, now)
            return f"{error.provider} {error.code}"
        await asyncio.to_thread(self._places.given_back, ready, error.code, now)
        if long:
            return error
        raise call_again(error, now, activity.info().attempt) from None

    async def _put_off_for_long(self, order: ContactOrder, ready: Ready, error: ProviderError, now: datetime) -> bool:
        """Whether what may pass has not passed for a day and some tries: another channel of the step may do better."""
        if error.what_next not in (WhatNext.RETRY, WhatNext.LATER) or error.code == WINDOW_CLOSED:
            return False
        since, times = await asyncio.to_thread(self._places.put_off, order, ready, now, at_most=PUT_OFF_TIMES)
        return now - since >= PUT_OFF_FOR and times >= PUT_OFF_TIMES

    async def _another_way(
        self, order: ContactOrder, ready: Ready, error: ProviderError, now: datetime
    ) -> Again | None:
        """Nothing was sent, and what stands in the way is the number, the template or the form, not the person."""
        reaction, message = error.reaction, ready.message
        if reaction.stops_marketing:
            await asyncio.to_thread(self._places.no_marketing, order, error, now)
        if reaction.needs_template and message.approved is None and self._templates is not None:
            await asyncio.to_thread(self._places.given_back, ready, error.code, now)
            return Again.AS_TEMPLATE
        if reaction.rest_sender is not None and message.sender is not None:
            await asyncio.to_thread(self._places.rest_sender, order, ready, error, now)
        elif reaction.stops_template and message.approved is not None:
            await asyncio.to_thread(self._places.stop_template, order, ready, error, now)
        else:
            return None
        await asyncio.to_thread(self._places.given_back, ready, error.code, now)
        return Again.ANOTHER_WAY

    async def _settle(
        self, order: ContactOrder, earlier: Ready | ContactState, now: datetime
    ) -> ContactReported | None:
        """What became of an earlier attempt at this contact; None when it may be sent (again)."""
        if isinstance(earlier, ContactState):
            return await self._report(order, ContactOutcome.SENT) if _left_us(earlier) else None
        messenger = self._messengers.get(earlier.message.channel)
        if messenger is None or not messenger.can_look_up:
            return await self._unknown(order, earlier, "interrupted", now)
        begun = earlier.message.at
        try:
            found = await messenger.look_up(earlier.message, begun - LOOK_UP_SLACK, now)
        except ProviderError as error:
            if error.what_next is WhatNext.TERMINAL:
                return await self._unknown(order, earlier, error.code, now)
            raise call_again(error, now, activity.info().attempt) from None
        if found is not None:
            return await self._sent(order, earlier, found, now)
        if now < begun + NOT_ARRIVED_AFTER:
            raise _still_open(begun + NOT_ARRIVED_AFTER - now)
        await asyncio.to_thread(self._places.given_back, earlier, "never_arrived", now)
        return None

    # What became of it

    async def _sent(self, order: ContactOrder, ready: Ready, sent: Sent, now: datetime) -> ContactReported:
        closed = await asyncio.to_thread(self._places.sent, order, ready, sent, now)
        return await self._report(order, ContactOutcome.SENT, channel=ready.message.channel, closed=closed)

    async def _unknown(self, order: ContactOrder, ready: Ready, code: str, now: datetime) -> ContactReported:
        """It may have arrived and nobody can be asked: it counts as sent and is never sent again."""
        await asyncio.to_thread(self._places.unknown, ready, code, now)
        return await self._report(order, ContactOutcome.SENT, channel=ready.message.channel)

    async def _report(
        self,
        order: ContactOrder,
        outcome: ContactOutcome,
        *,
        channel: Channel | None = None,
        refused: tuple[str, ...] = (),
        ceased: bool = False,
        closed: dict[Channel, datetime] | None = None,
    ) -> ContactReported:
        if closed is None and outcome in (ContactOutcome.SENT, ContactOutcome.UNREACHABLE):
            closed = await asyncio.to_thread(self._places.dead_channels, order)
        if outcome is ContactOutcome.SENT and channel is None:
            channel = await asyncio.to_thread(self._places.channel_used, order)
        asks = outcome is ContactOutcome.SENT and order.step == REPLY
        return ContactReported(
            step=order.step,
            occurrence=order.occurrence,
            outcome=outcome,
            channel=channel,
            closed=tuple(closed or ()),
            refused=refused,
            ceased=ceased,
            sent_at=await asyncio.to_thread(self._places.began_to_leave, order) if asks else None,
            closed_at=tuple((closed or {}).values()),
        )


def _still_open(wait: timedelta) -> ApplicationError:
    return try_again_in(wait, "the carrier does not know the message yet; looked up again", "Unsettled")


def _left_us(state: ContactState) -> bool:
    """Whether a contact in this state was sent, as far as anyone can know."""
    return state not in (ContactState.RESERVED, ContactState.DROPPED, ContactState.FAILED)

"""The life of a consent: asked for at the bank, granted until the date the bank names, over for a reason.

A request is kept before the bank hears of it; the consent counts only once the bank itself says that it is valid.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from activities.incoming_credits import IncomingCredits
from activities.stop_states import StopStates
from domain.what_next import WhatNext
from providers.errors import ProviderError
from providers.ports import BankData, ConsentRequest, KeepsReplaced, TransactionData
from providers.ports import Consent as BankConsent
from providers.ports import ConsentStatus as BankStatus
from records import audit, consents, people
from records.database import Database
from records.tables import Consent, ConsentStatus, Loan, LoanState, Person
from records.tables import ConsentRequest as Asked

WISHED_FOR = timedelta(days=180)
"""How long a consent is asked for. What counts is the date the bank answers."""
MOST_READS = 4
ASKS_A_DAY = 6
SETTLED_WITHIN = timedelta(days=7)
ACCOUNTS = "accounts"
"""The outcome of a read of the list of accounts, which the bank counts like a balance."""

NO_ACCOUNT = "no account in the loans' currency"
PAST_ITS_DAY = "past its day"

_OVER = {
    BankStatus.REJECTED: (ConsentStatus.REJECTED, "rejected"),
    BankStatus.REVOKED_BY_PSU: (ConsentStatus.REVOKED, "revoked by the account holder"),
    BankStatus.EXPIRED: (ConsentStatus.EXPIRED, "expired"),
    BankStatus.TERMINATED_BY_TPP: (ConsentStatus.EXPIRED, "replaced"),
}

TellLoan = Callable[[Session, Loan, date | None, datetime], None]
"""Owes the loan the news that its borrower lets the balance be read, within the same transaction."""


class NoSource(Exception):
    """No bank data can be had in the person's country."""


class TooOften(Exception):
    """The person was sent to the bank many times today; a bank may block those who ask again and again."""


@dataclass(frozen=True)
class Sources:
    """Where bank data come from: by the name that consents carry, and by country. `otherwise` serves the rest."""

    by_name: Mapping[str, BankData]
    by_country: Mapping[str, str]
    otherwise: str | None = None

    def of(self, provider: str) -> BankData | None:
        return self.by_name.get(provider)

    def name_for(self, country: str) -> str | None:
        name = self.by_country.get(country, self.otherwise)
        return name if name in self.by_name else None


def how_it_ended(status: BankStatus) -> tuple[ConsentStatus, str] | None:
    """What the records keep of a consent the bank speaks so of; None while it is valid or undecided."""
    return _OVER.get(status)


@dataclass(frozen=True)
class Looked:
    """`over`: why a consent ended, None while it is valid. `moved`: it has another last day than was known."""

    over: str | None = None
    moved: bool = False


@dataclass(frozen=True)
class Revoked:
    """How many consents ended, and of how many the bank has still to be told; `why` it could not be, each once: the
    source, its code and what that means."""

    ended: int
    not_told: int
    why: tuple[str, ...] = ()


class ConsentDesk:
    """Asks for consents, settles what became of them, and takes them back."""

    def __init__(
        self,
        database: Database,
        sources: Sources,
        tell_loan: TellLoan,
        zone: ZoneInfo = ZoneInfo("UTC"),
        stops: StopStates | None = None,
    ) -> None:
        """`zone`: where the banks' calendar day turns. `stops`: whose transactions are not read."""
        self._database, self._sources, self._tell_loan = database, sources, tell_loan
        self._credits = IncomingCredits(database, zone, stops or StopStates())

    async def begin(self, person_ref: int, at: datetime, psu_ip: str, return_url: str) -> str:
        """Ask the bank for a consent and answer where the person gives it. `psu_ip` is theirs: they are there now.

        Raises NoSource, TooOften, or ProviderError.
        """
        asked, name, language = await asyncio.to_thread(self._ask, person_ref, at)
        bank = self._sources.by_name[name]
        request = ConsentRequest(
            reference=asked.reference,
            language=language,
            valid_until=(at + WISHED_FOR).date(),
            reads_a_day=MOST_READS,
            psu_ip=psu_ip,
            return_url=return_url,
            failed_url=return_url,
        )
        try:
            given = await bank.create_consent(request, at)
        except ProviderError as error:
            await asyncio.to_thread(self._settled, asked, error.code, at)
            raise
        if given.authorise_url is None or not given.authorise_url.startswith(("https://", "http://")):
            await asyncio.to_thread(self._settled, asked, "no_address", at)
            raise NoSource("the bank names no address at which the consent is given")
        await asyncio.to_thread(self._named, asked, given.id)
        return given.authorise_url

    async def settle(
        self, person_ref: int, at: datetime, psu_ip: str | None, returned: Mapping[str, str] = {}
    ) -> Consent | None:
        """What became of the person's requests: the consent that is valid now, None while there is none.

        `returned` is what the provider sent the person back with. Without `psu_ip` nobody is there, and the list of
        accounts counts as an unattended read. Raises ProviderError.
        """
        for asked in await asyncio.to_thread(self._open, person_ref, at):
            bank = self._sources.of(asked.provider)
            consent_id = asked.consent_id or returned.get("link")
            if bank is None or not consent_id:
                continue
            try:
                found = await bank.consent(consent_id, at)
            except ProviderError as error:
                if error.what_next not in (WhatNext.DEBTOR_ACTS, WhatNext.TERMINAL):
                    raise
                if asked.consent_id:
                    # Not of an id that came with the person: whoever holds the address may have made it up.
                    await asyncio.to_thread(self._settled, asked, error.code, at)
                continue
            if found.reference is not None and found.reference != asked.reference:
                continue
            if not asked.consent_id:
                # It is proven to be theirs, and told by nobody else: what fails from here on is settled by the round.
                await asyncio.to_thread(self._named, asked, found.id)
            if (over := how_it_ended(found.status)) is not None:
                await asyncio.to_thread(self._settled, asked, over[1], at)
            elif found.status is BankStatus.VALID:
                accounts = await bank.accounts(found.id, at, psu_ip)
                account = await asyncio.to_thread(self._choose, person_ref, [(a.id, a.currency) for a in accounts])
                if account is None:
                    await asyncio.to_thread(self._settled, asked, NO_ACCOUNT, at, ends=True)
                else:
                    granted = await asyncio.to_thread(self._granted, asked, found, account, at, psu_ip is not None)
                    if granted is None:
                        continue
                    assert granted.id is not None
                    await self.learn(granted.id, at, psu_ip)
                    return granted
        return None

    async def given(self, person_ref: int, at: datetime) -> Consent | None:
        """The consent that came of what the person was asked last, where it is settled: what whoever reloads the page
        has given."""
        return await asyncio.to_thread(self._given, person_ref, at)

    async def learn(self, consent_ref: int, at: datetime, psu_ip: str | None) -> bool:
        """Read what came in under the consent, where its source shows it and it is time to; whether that was done.

        A source that cannot answer now is asked another day: nothing waits for it.
        """
        consent = await asyncio.to_thread(self._get, consent_ref)
        bank = self._sources.of(consent.provider)
        if bank is None or consent.status is not ConsentStatus.VALID:
            return False
        try:
            return await self._credits.learn(consent_ref, bank, at, psu_ip) is not None
        except ProviderError:
            return False

    async def revoke(self, person_ref: int, at: datetime, by: str) -> Revoked:
        """End all consents of a person here, at once, and then at the banks; nothing they were asked for is granted.

        What a bank could not be told is told by the next `end_at_banks`.
        """
        ended = await asyncio.to_thread(self._revoke, person_ref, at, by)
        told = await self.end_at_banks(at, person_ref)
        return Revoked(ended=ended, not_told=told.not_told, why=told.why)

    async def end_at_banks(self, at: datetime, person_ref: int | None = None) -> Revoked:
        """Tell the banks of what is over here and lives on there; of everybody without a person. One that cannot be
        told holds up no other."""
        ended, refused = 0, list[str]()
        for over in await asyncio.to_thread(self._to_end_at_bank, person_ref):
            bank = self._sources.of(over.provider)
            try:
                if bank is not None and over.consent_id:
                    await bank.revoke_consent(over.consent_id, at)
            except ProviderError as error:
                refused.append(str(error))
            else:
                await asyncio.to_thread(self._ended_at_bank, over)
                ended += 1
        return Revoked(ended=ended, not_told=len(refused), why=tuple(dict.fromkeys(refused)))

    async def look(self, consent_ref: int, at: datetime) -> Looked:
        """Ask the bank for the whole consent, which is no read: how it stands, and until when it is good by now.

        A last day that the bank moved is kept, and the person's loans hear of it. Raises ProviderError.
        """
        consent = await asyncio.to_thread(self._get, consent_ref)
        bank = self._sources.of(consent.provider)
        if bank is None or consent.status is not ConsentStatus.VALID:
            return Looked()
        try:
            found = await bank.consent(consent.consent_id, at)
        except ProviderError as error:
            if error.what_next not in (WhatNext.DEBTOR_ACTS, WhatNext.TERMINAL):
                raise
            over: tuple[ConsentStatus, str] | None = (ConsentStatus.EXPIRED, error.code)
        else:
            over = how_it_ended(found.status)
            if over is None and found.valid_until != consent.valid_until and found.valid_until is not None:
                await asyncio.to_thread(self._moved, consent_ref, found.valid_until, at)
                return Looked(moved=True)
        if over is None:
            return Looked()
        await asyncio.to_thread(self._ended, consent_ref, *over, at, "bank")
        return Looked(over=over[1])

    async def past_its_day(self, consent_ref: int, at: datetime) -> None:
        """The consent's last day is over: nobody has to be asked."""
        await asyncio.to_thread(self._ended, consent_ref, ConsentStatus.EXPIRED, PAST_ITS_DAY, at, "calendar")

    async def check(self, consent_ref: int, at: datetime) -> ConsentStatus:
        """Ask the bank how a consent stands, which is no read. Raises ProviderError."""
        consent = await asyncio.to_thread(self._get, consent_ref)
        bank = self._sources.of(consent.provider)
        if bank is None or consent.status is not ConsentStatus.VALID:
            return consent.status
        over = how_it_ended(await bank.consent_status(consent.consent_id, at))
        if over is None:
            return consent.status
        await asyncio.to_thread(self._ended, consent_ref, *over, at, "bank")
        return over[0]

    # Each is one short transaction

    def _ask(self, person_ref: int, at: datetime) -> tuple[Asked, str, str]:
        with self._database.writing(durable=True) as session:
            person = people.get(session, person_ref)
            people.lock(session, person)
            name = self._sources.name_for(person.country)
            if name is None:
                raise NoSource(f"no source of bank data is set up for {person.country}")
            if consents.asked_since(session, person, at - timedelta(days=1)) >= ASKS_A_DAY:
                raise TooOften
            bank = self._sources.by_name[name]
            told = isinstance(bank, TransactionData) and bank.shows_credits
            reference = secrets.token_hex(16)
            asked = consents.ask(session, person, provider=name, reference=reference, at=at, transactions=told)
            _audit(session, person, "consent_asked", at, "borrower", {"provider": name})
            session.expunge(asked)
            return asked, name, person.language

    def _named(self, asked: Asked, consent_id: str) -> None:
        with self._database.writing(durable=True) as session:
            row = session.get_one(Asked, asked.id)
            if consent_id:
                row.consent_id = consent_id
                session.add(row)

    def _settled(self, asked: Asked, outcome: str, at: datetime, *, ends: bool = False) -> None:
        """`ends`: it is valid at its source and nothing is done with it, so that it has to be ended there."""
        with self._database.writing() as session:
            row = session.get_one(Asked, asked.id)
            row.end_at_source = ends
            consents.settle(session, row, outcome, at)

    def _open(self, person_ref: int, at: datetime) -> Sequence[Asked]:
        with self._database.reading() as session:
            rows = consents.open_requests(session, people.get(session, person_ref), at - SETTLED_WITHIN)
            for row in rows:
                session.expunge(row)
            return rows

    def _given(self, person_ref: int, at: datetime) -> Consent | None:
        with self._database.reading() as session:
            person = people.get(session, person_ref)
            name = self._sources.name_for(person.country)
            asked = consents.asked_last(session, person)
            if asked is None or asked.outcome not in (None, consents.GRANTED):
                return None
            for one in consents.of_person(session, person):
                lasts = one.valid_until is None or one.valid_until >= at.date()
                since = one.changed_at >= asked.asked_at
                if one.provider == name and one.status is ConsentStatus.VALID and lasts and since:
                    session.expunge(one)
                    return one
            return None

    def _choose(self, person_ref: int, accounts: Sequence[tuple[str, str]]) -> str | None:
        """The first account in the currency of a loan of the person."""
        with self._database.reading() as session:
            person = people.get(session, person_ref)
            currencies = {loan.currency for loan in people.loans_of(session, person)}
            return next((account for account, currency in accounts if currency in currencies), None)

    def _granted(self, asked: Asked, found: BankConsent, account: str, at: datetime, attended: bool) -> Consent | None:
        """None: it was revoked while the bank was asked, which has now to be told."""
        with self._database.writing(durable=True) as session:
            person = people.get(session, asked.person_ref)
            people.lock(session, person)
            request, bank = session.get_one(Asked, asked.id), self._sources.of(asked.provider)
            if request.outcome in (consents.REVOKED_HERE, consents.REVOKED):
                request.consent_id, request.outcome = found.id, consents.REVOKED_HERE
                session.add(request)
                return None
            consent = consents.grant(
                session,
                person,
                provider=asked.provider,
                consent_id=found.id,
                account_id=account,
                valid_until=found.valid_until,
                reads_per_day=min(MOST_READS, found.reads_a_day or MOST_READS),
                at=at,
                transactions=request.transactions,
                older_live_on=isinstance(bank, KeepsReplaced) and bank.keeps_replaced,
            )
            first = request.settled_at is None
            consents.settle(session, request, consents.GRANTED, at)
            for loan in people.loans_of(session, person):
                if not attended:
                    consents.record_read(session, consent, loan, at=at, outcome=ACCOUNTS)
                    attended = True
                if first and loan.state is LoanState.IN_COLLECTION:
                    self._tell_loan(session, loan, found.valid_until, at)
            if first:
                until = found.valid_until.isoformat() if found.valid_until else None
                _audit(session, person, "consent_given", at, "borrower", {"provider": asked.provider, "until": until})
            session.refresh(consent)
            session.expunge(consent)
            return consent

    def _revoke(self, person_ref: int, at: datetime, by: str) -> int:
        with self._database.writing(durable=True) as session:
            person = people.get(session, person_ref)
            people.lock(session, person)
            ended = consents.revoke(session, person, at)
            for _ in ended:
                _audit(session, person, "consent_over", at, by, {"because": consents.REVOKED})
            return len(ended)

    def _to_end_at_bank(self, person_ref: int | None) -> list[Consent | Asked]:
        with self._database.reading() as session:
            found = consents.to_end_at_bank(session, person_ref)
            for one in found:
                session.expunge(one)
            return found

    def _ended_at_bank(self, over: Consent | Asked) -> None:
        with self._database.writing() as session:
            kept: Consent | Asked | None
            if isinstance(over, Asked):
                kept = session.get(Asked, over.id)
            else:
                kept = session.get(Consent, over.id)
            # A person's records may have been erased meanwhile, or the consent given anew.
            if kept is not None and consents.is_to_end_at_bank(kept):
                consents.ended_at_bank(session, kept)

    def _get(self, consent_ref: int) -> Consent:
        with self._database.reading() as session:
            consent = consents.get(session, consent_ref)
            session.expunge(consent)
            return consent

    def _moved(self, consent_ref: int, valid_until: date, at: datetime) -> None:
        with self._database.writing(durable=True) as session:
            consent = consents.get(session, consent_ref)
            consent.valid_until, consent.changed_at = valid_until, at
            session.add(consent)
            person = people.get(session, consent.person_ref)
            for loan in people.loans_of(session, person):
                if loan.state is LoanState.IN_COLLECTION:
                    self._tell_loan(session, loan, valid_until, at)
            _audit(session, person, "consent_moved", at, "bank", {"until": valid_until.isoformat()})

    def _ended(self, consent_ref: int, status: ConsentStatus, because: str, at: datetime, by: str) -> None:
        with self._database.writing(durable=True) as session:
            consent = consents.get(session, consent_ref)
            if consent.status is ConsentStatus.VALID:
                consents.end(session, consent, status, because=because, at=at)
                person = people.get(session, consent.person_ref)
                _audit(session, person, "consent_over", at, by, {"because": because})


def _audit(
    session: Session, person: Person, action: str, at: datetime, by: str, details: dict[str, str | None]
) -> None:
    for loan in people.loans_of(session, person)[:1]:
        audit.append(
            session,
            at=at,
            actor=by[:80],
            action=action,
            lender=loan.lender,
            loan_id=loan.loan_id,
            details=dict(details),
        )

"""The world's memory and its time: people, loans, their agendas, and the moving of one loan's clock."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from .agenda import Agenda
from .borrowers import Borrower, Debt, Mind, draw_borrower
from .chance import name
from .clock import HOUR, Moment, iso, parse_iso, wall
from .faults import Faults
from .odds import Odds
from .people import bank_numbers, email_for, full_name, phone_for
from .places import COUNTRIES, zone_of
from .state import Consent, Event, Loan, Person, loan_of, person_of
from .store import Json, Store
from .webhooks import Postman, Targets

NOBODY = "-"  # the agenda of messages that belong to no loan
QUICK_TRIES = 5


class World:
    def __init__(self, store: Store, odds: Odds, seed: int, targets: Targets, live: bool) -> None:
        self.store, self.odds, self.seed, self.targets, self.live = store, odds, seed, targets, live
        self.mind = Mind(odds, seed)
        self.agenda = Agenda(store)
        self.faults = Faults(seed)
        self.postman = Postman(targets)
        self.handlers: dict[str, Callable[[Event], None]] = {}
        self.slow_handlers: dict[str, Callable[[Event], Awaitable[None]]] = {}
        """Of what asks the product something while it happens."""
        self.people: dict[str, Person] = {key: person_of(body) for key, body in store.load("person")}
        self.loans: dict[str, Loan] = {key: loan_of(body) for key, body in store.load("loan")}
        self.consents: dict[str, Consent] = {key: Consent(**body) for key, body in store.load("consent")}
        self.by_phone = {p.phone: p for p in self.people.values()}
        self.by_email = {p.email: p for p in self.people.values()}
        self.by_account = {p.bank_account: p for p in self.people.values()}
        self._borrowers: dict[str, Borrower] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._serial = next((body["serial"] for _, body in store.load("serial")), 0)
        # Loans enrolled without a conductor's knowledge have nothing announced; a restart forgets it too,
        # and telling a conductor twice is harmless.

    # --- who is who -------------------------------------------------------------------------------------

    def borrower(self, person: Person) -> Borrower:
        found = self._borrowers.get(person.person_id)
        if found is None:
            found = draw_borrower(
                self.odds,
                self.seed,
                person.key,
                person.country,
                person.currency,
                person.first_amount_minor,
                person.first_as_of,
                person.timezone,
            )
            for moment, amount in person.adjustments:
                found.account.adjust(moment, amount)
            self._borrowers[person.person_id] = found
        return found

    def person_of_loan(self, loan: Loan) -> Person:
        return self.people[loan.person_id]

    def latest_loan(self, person: Person) -> Loan | None:
        """The loan a message without a reference is about: the newest still owed, else the newest."""
        loans = [self.loans[loan_id] for loan_id in person.loan_ids]
        owed = [loan for loan in loans if loan.debt.outstanding > 0] or loans
        return owed[-1] if owed else None

    def serial(self, loan: Loan | None) -> str:
        """A number never given before, of the loan if there is one."""
        if loan is None:
            self._serial += 1
            self.store.put("serial", "serial", {"serial": self._serial})
            return f"-|{self._serial}"
        loan.serial += 1
        self.save(loan)
        return f"{loan.loan_id}|{loan.serial}"

    def new_id(self, prefix: str, length: int, loan: Loan | None) -> str:
        return name(prefix, length, self.seed, prefix, self.serial(loan))

    def save(self, loan: Loan) -> None:
        self.store.put("loan", loan.loan_id, loan)

    def save_person(self, person: Person) -> None:
        self.store.put("person", person.person_id, person)

    def save_consent(self, consent: Consent) -> None:
        self.store.put("consent", consent.consent_id, consent)

    # --- enrolment --------------------------------------------------------------------------------------

    def enrol(self, spec: Json) -> Loan:
        """Takes one loan over; the same loan again changes nothing. Raises ValueError naming the field."""
        loan_id = str(spec["loan_id"])
        if loan_id in self.loans:
            return self.loans[loan_id]
        country = str(spec["country"]).upper()
        if country not in COUNTRIES:
            raise ValueError(f"country: {country!r} is not one of {', '.join(COUNTRIES)}")
        amount, currency = int(spec["amount_minor"]), str(spec["currency"]).upper()
        as_of = parse_iso(str(spec["as_of"]))
        due = datetime.fromisoformat(str(spec["due_date"])).date().isoformat()
        key = str(spec.get("person") or loan_id)
        person = self.people.get(name("per_", 16, self.seed, key))
        if person is None:
            person = self._make_person(key, country, spec, currency, amount, as_of)
        debt = Debt(loan_id, amount, due, as_of)
        loan = Loan(
            loan_id,
            person.person_id,
            str(spec.get("lender") or "demo"),
            currency,
            amount,
            as_of,
            spec.get("grade"),
            debt,
            as_of,
        )
        self.loans[loan_id] = loan
        person.loan_ids.append(loan_id)
        self.save_person(person)
        self.mind.enrol(self.borrower(person), debt, as_of, loan.grade)
        self.replan(loan, as_of)
        return loan

    def _make_person(self, key: str, country: str, spec: Json, currency: str, amount: int, as_of: Moment) -> Person:
        zone = zone_of(country, spec.get("region"))
        full = full_name(self.seed, key, country)
        iban, bban = bank_numbers(self.seed, key, country)
        person = Person(
            person_id=name("per_", 16, self.seed, key),
            key=key,
            country=country,
            language=str(spec.get("language") or COUNTRIES[country][1]),
            currency=currency,
            name=full,
            phone=phone_for(self.seed, key, country, zone, self.by_phone.__contains__),
            email=email_for(self.seed, key, full),
            timezone=zone,
            iban=iban,
            bban=bban,
            bank_account=name("acc-", 24, self.seed, key),
            first_amount_minor=amount,
            first_as_of=as_of,
        )
        who = self.borrower(person)
        if who.consent_given:
            until = datetime.fromtimestamp(as_of, UTC).date() + timedelta(days=who.consent_ends_in_days)
            consent = Consent(
                consent_id=name("con-", 24, self.seed, key),
                person_id=person.person_id,
                status="valid",
                valid_until=until.isoformat(),
                frequency_per_day=4,
                recurring=True,
                access={"balances": [account_reference(person)]},
                last_action=iso(as_of)[:10],
            )
            person.first_consent, person.first_consent_until = consent.consent_id, consent.valid_until
            self.consents[consent.consent_id] = consent
            self.save_consent(consent)
        self.people[person.person_id] = person
        self.by_phone[person.phone] = person
        self.by_email[person.email] = person
        self.by_account[person.bank_account] = person
        return person

    # --- the borrower's next step -----------------------------------------------------------------------

    def replan(self, loan: Loan, now: Moment) -> None:
        """Puts the payment this loan is heading for on its agenda, in place of the one before."""
        intent = self.mind.next_payment(self.borrower(self.person_of_loan(loan)), loan.debt, now)
        if loan.intent_event is not None:
            self.agenda.remove(loan.intent_event)
            loan.intent_event = None
        loan.moved_by_link = None
        if intent is not None:
            loan.intent_event = self.agenda.add(loan.loan_id, intent.at, "intend").event_id
            loan.moved_by_link = intent.moved_by_link if intent.moved else None
        self.save(loan)

    def money_moves(self, person: Person, moment: Moment, amount: float) -> None:
        """Into (positive) or out of the person's account, minor units."""
        self.borrower(person).account.adjust(moment, amount)
        person.adjustments.append((moment, amount))
        self.save_person(person)

    # --- time -------------------------------------------------------------------------------------------

    def seen(self, loan: Loan, now: Moment) -> None:
        """A dated request tells how late it is on the loan's clock."""
        if now > loan.now:
            loan.now = now
            self.save(loan)

    def webhook(self, loan: Loan | None, at: Moment, data: Json) -> None:
        """Puts a delivery on the agenda at the moment it is due; unsent if nobody listens."""
        if not data["url"]:
            return
        fault = self.faults.strike("webhooks", "delay", "reorder")
        if fault is not None:
            default = 3600.0 if fault.kind == "delay" else 90.0
            at += fault.seconds if fault.seconds is not None else default
        self.agenda.add(loan.loan_id if loan else NOBODY, at, "webhook", **data)

    async def announce(self, loan_id: str | None, now: Moment) -> None:
        """Commits, then tells the conductor if this loan's earliest event is earlier than it knows."""
        self.store.commit()
        if loan_id is None or not self.targets.clock_url:
            return
        earliest = self.agenda.earlier_than_announced(loan_id)
        if earliest is None:
            return
        self.agenda.announce(loan_id, earliest)
        problem = await self.postman.tell_clock(loan_id, iso(now), iso(earliest))
        if problem is not None:
            self.agenda.announce(loan_id, None)
            self.store.log("clock_unreachable", now, loan_id, next_at=iso(earliest), reason=problem)
            self.store.commit()

    async def advance(self, loan_id: str, to: Moment) -> tuple[list[Json], Moment | None]:
        """Delivers what is due up to and including `to`, in order; tells what and what comes next."""
        delivered: list[Json] = []
        loan = self.loans.get(loan_id)
        async with self._locks[loan_id]:
            while (event := self.agenda.first_due(loan_id, to)) is not None:
                if loan is not None and event.at > loan.now:
                    loan.now = event.at
                told: Json = {"at": iso(event.at), "kind": event.kind}
                if event.kind == "webhook":
                    told |= {"provider": event.data["provider"], "type": event.data["type"]}
                    told["status"] = await self._deliver(event)
                elif event.kind in self.slow_handlers:
                    self.agenda.remove(event.event_id)
                    await self.slow_handlers[event.kind](event)
                    self.store.commit()
                else:
                    self.agenda.remove(event.event_id)
                    self.handlers[event.kind](event)
                    self.store.commit()
                delivered.append(told)
            if loan is not None:
                self.seen(loan, to)
            upcoming = self.agenda.next_at(loan_id)
            self.agenda.announce(loan_id, upcoming)
            self.store.commit()
        return delivered, upcoming

    async def _deliver(self, event: Event) -> int:
        """Posts until 2xx, five times quickly; else again an hour later on the loan's clock."""
        data, status = event.data, 0
        copies = 2 if self.faults.strike("webhooks", "duplicate") else 1
        for copy in range(copies):
            for quick in range(QUICK_TRIES):
                tries = data.get("tries", 0) + 1
                data["tries"] = tries
                lost = self.faults.strike("webhooks", "drop") is not None
                status = 0 if lost else await self.postman.post(data, event.at)
                self.store.log(
                    "webhook",
                    event.at,
                    event.loan_id if event.loan_id != NOBODY else None,
                    provider=data["provider"],
                    event_id=data["event_id"],
                    type=data["type"],
                    status=status,
                    **{"try": tries},
                    **({"payment_id": data["paid"]} if data.get("paid") else {}),
                )
                self.store.commit()
                if 200 <= status < 300:
                    break
                if quick < QUICK_TRIES - 1:
                    await asyncio.sleep(0.05 * 2**quick)
            if not 200 <= status < 300:
                if copy == 0:
                    self.agenda.move(event.event_id, event.at + HOUR, data)
                    self.store.commit()
                    return status
        self.agenda.remove(event.event_id)
        self.store.commit()
        return status

    async def tick(self) -> None:
        """Live mode: delivers by the wall clock until cancelled."""
        running: set[str] = set()

        async def one(loan_id: str) -> None:
            try:
                await self.advance(loan_id, wall())
            except Exception as error:  # one loan's trouble must not stop the clock of all
                self.store.log("world_error", wall(), loan_id, reason=repr(error))
                self.store.commit()
            finally:
                running.discard(loan_id)

        async with asyncio.TaskGroup() as group:
            while True:
                for loan_id in self.agenda.due_loans(wall()):
                    if loan_id not in running and len(running) < 100:
                        running.add(loan_id)
                        group.create_task(one(loan_id))
                await asyncio.sleep(0.2)

    async def close(self) -> None:
        await self.postman.close()
        self.store.close()


def account_reference(person: Person) -> Json:
    """The account as the XS2A interface names it: IBAN where there is one, else the national number."""
    named = {"iban": person.iban} if person.iban else {"bban": person.bban}
    return named | {"currency": person.currency}

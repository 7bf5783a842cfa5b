"""Borrowers who write in words of their own: what moves them to, what they say, and what they do about it later.

They remember what they promised and what they agreed to, and keep it or not by the odds (`words` in borrowers.yaml).
Meanwhile they do not think of paying otherwise.
"""

import math
import re
from collections.abc import Callable
from datetime import date, timedelta

from .chance import stream, unit
from .clock import DAY, MINUTE, Moment, at_local, local
from .state import Event, Loan
from .wording import WEEKDAYS, sayings
from .world import World

ASKS_YES = re.compile(r"\b(?:YES|S[IÍ]|SIM)\b")
DATES = re.compile(r"\((?:([A-Za-z]{3})[a-z]*\.? (\d{1,2}),|(\d{1,2}) (?:de )?([a-z]{3})[a-z]*\.?(?: de)?) (\d{4})\)")
MONTHS = {
    name: number
    for names in ("jan feb mar apr may jun jul aug sep oct nov dec", "ene feb mar abr may jun jul ago sep oct nov dic",
                  "jan fev mar abr mai jun jul ago set out nov dez")
    for number, name in enumerate(names.split(), 1)
}  # fmt: skip
ANSWERS = {"sms": "words.answers_sms", "whatsapp": "words.answers_whatsapp"}
MOST_TRIES = 2
MOST_WORDS = 6
"""Nobody writes more often than so about one loan."""


class Talk:
    def __init__(
        self,
        world: World,
        say: Callable[[Loan, str, str, Moment, str], None],
        pay: Callable[[Loan, int, Moment], object],
    ) -> None:
        """`say` has the person write (loan, channel, words, when, what is meant); `pay` moves money."""
        self.world, self._say, self._pay = world, say, pay
        world.handlers |= {"talk": self._on_talk, "keeps_word": self._on_keeps_word}

    def hears(self, loan: Loan, channel: str, text: str, arrives: Moment) -> None:
        """A message has come to the right person; they may have something to say about it."""
        world, talk = self.world, loan.talk
        said = int(talk.get("said", 0))
        if channel not in ANSWERS or talk.get("silent") or said >= MOST_WORDS:
            return
        rng = stream(world.seed, loan.loan_id, "words", said, int(arrives))
        n = world.odds.number
        waiting = talk.get("waiting")
        if waiting and ASKS_YES.search(text):
            agrees = rng.random() < n("words.says_yes" if waiting == "promise" else "words.takes_plan")
            kind = "yes" if agrees else "no"
            days = self._days_in(text)
            if waiting == "plan":
                loan.talk = talk | {"offered": [day.isoformat() for day in days]}
        elif waiting or loan.debt.outstanding <= 0 or rng.random() >= n(ANSWERS[channel]):
            return
        else:
            kinds = world.odds.table("words.kinds")
            kind = rng.choices(list(kinds), weights=list(kinds.values()))[0]
        minutes = math.exp(rng.gauss(math.log(n("words.minutes_median")), 1))
        world.agenda.add(loan.loan_id, arrives + minutes * MINUTE, "talk", meant=kind, channel=channel)
        loan.talk = loan.talk | {"said": said + 1}
        world.save(loan)

    def _on_talk(self, event: Event) -> None:
        world, loan = self.world, self.world.loans[event.loan_id]
        kind, channel = event.data["meant"], event.data["channel"]
        if loan.talk.get("silent") or loan.debt.outstanding <= 0:
            return
        person = world.person_of_loan(loan)
        rng = stream(world.seed, loan.loan_id, "says", loan.talk.get("said", 0))
        say = kind
        filled = {}
        if kind == "promise":
            due = local(event.at, person.timezone).date() + timedelta(days=rng.randint(2, 7))
            part = rng.random() < world.odds.number("words.promises_part")
            amount = self._round(loan.debt.outstanding // 2) if part else loan.debt.outstanding
            say = "promise_amount" if part else "promise"
            filled = {
                "day": WEEKDAYS[person.language if person.language in WEEKDAYS else "en"][due.weekday()],
                "amount": self._written(amount, loan.currency),
            }
            self._intends(loan, due, amount, rng.random())
        elif kind == "yes" and loan.talk.get("waiting") == "plan":
            self._agrees(loan, rng.random(), rng.random())
        words = rng.choice(sayings(say, person.language, person.country)).format(**filled)
        after = {"promise": "promise", "plan": "plan"}.get(kind)
        if kind == "no" and loan.talk.get("waiting") == "plan":
            after = "plan"  # perhaps the next offer suits them
        loan.talk = loan.talk | {"waiting": after, "silent": kind in ("stop", "refusal", "dispute")}
        world.save(loan)
        self._say(loan, channel, words, event.at, kind)

    def _intends(self, loan: Loan, due: date, amount: int, draw: float) -> None:
        """What they will do on the day they named."""
        world, n = self.world, self.world.odds.number
        person = world.person_of_loan(loan)
        moment = at_local(due, world.mind.hour_of_day(loan.loan_id, "word", due.toordinal()), person.timezone)
        if draw < n("words.promise_kept"):
            world.agenda.add(loan.loan_id, moment, "keeps_word", amount=amount)
        elif draw < n("words.promise_kept") + n("words.promise_partly"):
            world.agenda.add(loan.loan_id, moment, "keeps_word", amount=max(1, amount // 2))
        self._waits_until(loan, moment + DAY)

    def _agrees(self, loan: Loan, breaks: float, when: float) -> None:
        """The instalments of the plan they take, paid on their days; some stop on the way."""
        world = self.world
        days = [date.fromisoformat(day) for day in loan.talk.get("offered", [])]
        if not days:
            return
        paid = len(days)
        if breaks < world.odds.number("words.plan_broken"):
            paid = int(when * len(days))
        each, rest = divmod(loan.debt.outstanding, len(days))
        zone = world.person_of_loan(loan).timezone
        for number, day in enumerate(days[:paid]):
            hour = 9 + 10 * unit(world.seed, loan.loan_id, "instalment", number)
            world.agenda.add(loan.loan_id, at_local(day, hour, zone), "keeps_word", amount=each + (number < rest))
        self._waits_until(loan, at_local(days[-1], 23, zone))

    def _waits_until(self, loan: Loan, moment: Moment) -> None:
        """Whoever has said when they pay does not think of paying before."""
        if loan.debt.kind != "on_time":
            loan.debt.since = max(loan.debt.since, moment)
            self.world.replan(loan, loan.now)

    def _on_keeps_word(self, event: Event) -> None:
        world, loan = self.world, self.world.loans[event.loan_id]
        amount = min(int(event.data["amount"]), loan.debt.outstanding)
        if amount <= 0:
            return
        if world.borrower(world.person_of_loan(loan)).account.at(event.at) < amount:
            world.store.log("could_not_pay", event.at, loan.loan_id, amount_minor=amount)
            tries = int(event.data.get("tries", 0))
            if tries < MOST_TRIES:  # perhaps the money comes within the grace
                again = {"amount": event.data["amount"], "tries": tries + 1}
                world.agenda.add(loan.loan_id, event.at + DAY, "keeps_word", **again)
            return
        since = loan.debt.since
        self._pay(loan, amount, event.at)
        if loan.debt.outstanding > 0:
            world.mind.paid_part(loan.debt, max(event.at, since))
        world.replan(loan, event.at)

    @staticmethod
    def _days_in(text: str) -> list[date]:
        """The days of a plan's payments, each in brackets behind its amount."""
        found = []
        for before, first, second, after, year in DATES.findall(text):
            month = MONTHS.get((before or after).lower())
            try:
                found.append(date(int(year), month or 0, int(first or second)))
            except ValueError:
                return []
        return found

    @staticmethod
    def _round(amount: int) -> int:
        """To what people say: tens of a currency with cents, thousands of one without."""
        return max(1000, amount // 1000 * 1000)

    @staticmethod
    def _written(amount: int, currency: str) -> str:
        return str(amount) if currency in ("CLP", "PYG") else str(amount // 100)

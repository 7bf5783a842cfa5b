"""Each loan's future: events in order of time, kept on disk, with the earliest known at once."""

import math
from bisect import insort

from .clock import Moment
from .state import Event
from .store import Json, Store


class Agenda:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._events: dict[int, Event] = {}
        self._by_loan: dict[str, list[tuple[Moment, int]]] = {}
        self._last_id = 0
        self.announced: dict[str, Moment] = {}  # the earliest moment the conductor was told of
        for _, body in store.load("agenda"):
            event = Event(**body)
            self._events[event.event_id] = event
            insort(self._by_loan.setdefault(event.loan_id, []), (event.at, event.event_id))
        for _, body in store.load("counter"):
            self._last_id = body["agenda"]

    def add(self, loan_id: str, at: Moment, kind: str, **data: object) -> Event:
        """Events happen on whole seconds: Date headers, which tell the loan's clock, know no parts of them."""
        self._last_id += 1
        at = math.ceil(at)
        event = Event(self._last_id, loan_id, at, kind, dict(data))
        self._events[event.event_id] = event
        insort(self._by_loan.setdefault(loan_id, []), (at, event.event_id))
        self._store.put("agenda", str(event.event_id), event)
        self._store.put("counter", "agenda", {"agenda": self._last_id})
        return event

    def remove(self, event_id: int) -> None:
        """An event that is gone already is no error."""
        event = self._events.pop(event_id, None)
        if event is None:
            return
        self._by_loan[event.loan_id].remove((event.at, event_id))
        self._store.drop("agenda", str(event_id))

    def move(self, event_id: int, at: Moment, data: Json | None = None) -> None:
        """The same event at another moment, keeping its number."""
        event = self._events[event_id]
        self._by_loan[event.loan_id].remove((event.at, event_id))
        at = math.ceil(at)
        event.at = at
        event.data = data if data is not None else event.data
        insort(self._by_loan[event.loan_id], (at, event_id))
        self._store.put("agenda", str(event_id), event)

    def next_at(self, loan_id: str) -> Moment | None:
        events = self._by_loan.get(loan_id)
        return events[0][0] if events else None

    def first_due(self, loan_id: str, to: Moment) -> Event | None:
        """The earliest event not after `to`."""
        events = self._by_loan.get(loan_id)
        if not events or events[0][0] > to:
            return None
        return self._events[events[0][1]]

    def due_loans(self, now: Moment) -> list[str]:
        return [loan for loan, events in self._by_loan.items() if events and events[0][0] <= now]

    def earlier_than_announced(self, loan_id: str) -> Moment | None:
        """The earliest moment, if the conductor does not yet know of one as early."""
        earliest = self.next_at(loan_id)
        if earliest is None:
            return None
        told = self.announced.get(loan_id)
        return earliest if told is None or earliest < told else None

    def announce(self, loan_id: str, moment: Moment | None) -> None:
        if moment is None:
            self.announced.pop(loan_id, None)
        else:
            self.announced[loan_id] = moment

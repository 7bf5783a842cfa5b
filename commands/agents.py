"""Pretend agents for rehearsals: they decide some cases in time, and let the rest lapse. Seeded."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from domain.events.control import CaseDecision
from domain.loans import workflow_id

IN_TIME = 0.6
"""Share of cases that somebody decides within the service level. A guess: no published figure was found."""

DECISIONS = {
    CaseDecision.CONTINUE: 0.55,
    CaseDecision.WRITE_OFF: 0.25,
    CaseDecision.RECALL: 0.15,
    CaseDecision.SELL: 0.05,
}


class CaseNews(BaseModel):
    """What the product tells of a case (see `activities.case_notices`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    case_id: str
    lender: str
    loan_id: str
    queue: str
    at: AwareDatetime
    sla_at: AwareDatetime


class Agents:
    """People at their desks, as the rehearsal pretends them."""

    def __init__(self, seed: int, *, in_time: float = IN_TIME) -> None:
        self._seed = seed
        self._in_time = in_time
        self._agenda: dict[str, dict[str, tuple[datetime, CaseNews]]] = {}
        self.decided: dict[str, CaseDecision] = {}

    def note(self, news: CaseNews) -> datetime | None:
        """When somebody will decide this case, or None when they will let it lapse."""
        chance = random.Random(f"{self._seed}:{news.case_id}:{news.queue}")  # nosec B311 # pretend agents of a rehearsal, by seed
        mine = self._agenda.setdefault(news.loan_id, {})
        mine.pop(news.case_id, None)
        if chance.random() >= self._in_time:
            return None
        left = (news.sla_at - news.at).total_seconds()
        decides_at = news.at + timedelta(seconds=round(chance.uniform(0.05, 0.95) * left))
        mine[news.case_id] = (decides_at, news)
        return decides_at

    def next_at(self, loan_id: str) -> datetime | None:
        return min((at for at, _ in self._agenda.get(loan_id, {}).values()), default=None)

    async def act(self, client: Client, loan_id: str, now: datetime) -> None:
        """Decide what is due by `now`; after an error it may be asked again.

        A loan that ended meanwhile needs no decision any more.
        """
        mine = self._agenda.get(loan_id, {})
        for case_id, (at, news) in sorted(mine.items(), key=lambda item: item[1][0]):
            if at > now:
                continue
            decision = self.decision_for(case_id)
            handle = client.get_workflow_handle(workflow_id(news.lender, loan_id))
            try:
                await handle.execute_update(
                    "decide",
                    {"case_id": case_id, "decision": decision.value, "by": "agent-1", "note": ""},
                    id=f"decide-{case_id}",
                )
                self.decided[case_id] = decision
            except WorkflowUpdateFailedError:
                pass
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
            del mine[case_id]

    def decision_for(self, case_id: str) -> CaseDecision:
        """The same for the same seed and case, whenever it is asked."""
        chance = random.Random(f"{self._seed}:{case_id}")  # nosec B311 # pretend agents of a rehearsal, by seed
        return chance.choices(list(DECISIONS), weights=list(DECISIONS.values()))[0]

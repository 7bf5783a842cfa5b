"""The conversation of a loan: read, searched, and answered by a person in own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal
from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from activities.own_words import Draft, Judged, WordsRefused, open_channels
from config.localised import locale_of
from domain.access import Caller
from domain.contact import Channel
from domain.costs import MICROS
from domain.own_words import ANSWERABLE, LONGEST
from records import cases, people, threads
from records.database import Database
from records.tables import CaseState, Loan, LoanState
from web.agreement_desk import acting
from web.api import Name, loan_for
from web.case_pages import TALK, decision_word, moment, names
from web.page_words import words_for
from web.ports import LoanNotRunning, OrderRefused, TemporalUnavailable
from web.reasons import reason_in
from web.sign_in import page
from web.talk_pages import How, Told
from web.words_desk import NOT_OUT_YET, WordsDesk, WordsIdUsed, fresh_id

_Case = Annotated[str, Form(max_length=128, pattern=r"^[\x21-\x7e]*$")]


@dataclass(frozen=True)
class _Written:
    """What stands in the form. `words_id` is made with the form, so that sending it twice is once."""

    words_id: str
    text: str = ""
    subject: str = ""
    channel: str = ""
    case_id: str = ""

    @property
    def draft(self) -> Draft:
        channel = Channel(self.channel) if self.channel else None
        subject = self.subject if channel in (None, Channel.EMAIL) else None
        return Draft(self.text.replace("\r\n", "\n"), channel, subject or None)


def thread_pages(database: Database, desk: WordsDesk, now: Callable[[], datetime]) -> APIRouter:
    """`/loans/{lender}/{loan_id}/thread`, `.../write`, `.../withdraw-words`. 409: refused, with why; 503: again."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    def shown(
        request: Request,
        caller: Caller,
        loan: Loan,
        written: _Written,
        status: int = 200,
        *,
        search: str = "",
        judged: Judged | None = None,
        **told: Any,
    ) -> Response:
        language, words = words_for(request.headers.get("accept-language", ""))
        with database.reading() as session:
            person = people.of_loan(session, loan)
            zone = ZoneInfo(person.timezone or "UTC")
            logins = names(session)
            said = [
                {
                    "at": moment(each.at.astimezone(zone), language),
                    "who": "writer" if each.who == "person" and each.channel != "case" else each.who,
                    "by": logins.get(each.by or "", each.by),
                    "channel": each.channel,
                    "text": each.text,
                    "about": _about(each, words, language, loan.currency),
                    "words_id": each.words_id if each.state in NOT_OUT_YET else None,
                    "state": _state(each, words),
                }
                for each in threads.thread_of(session, loan, search.strip() or None)
            ]
            waiting = [
                {
                    "case_id": case.case_id,
                    "kind": words.get(f"kind_{case.kind}", case.kind),
                    "reason": reason_in(case.reason, language, loan.currency),
                }
                for case in cases.of_loan(session, loan)
                if case.state is CaseState.OPEN and case.kind in ANSWERABLE
            ]
            channels = [channel.value for channel in open_channels(session, person)]
        preview = None if judged is None else _preview(judged, words, language, zone)
        told |= {"lender": loan.lender, "loan_id": loan.loan_id, "said": said, "search": search, "zone": zone.key}
        told |= {"written": written, "channels": channels, "cases": waiting, "preview": preview}
        told |= {"longest": max(LONGEST.values()), "may_write": loan.state is LoanState.IN_COLLECTION}
        told |= {"at_now": now().astimezone(zone).strftime("%Y-%m-%dT%H:%M"), "ways_of_talking": list(How)}
        unless_told = {"wrong": None, "done": False, "withdrawn": False, "talk": None}
        return page(request, "thread", status, caller=caller, **unless_told | told)

    @router.get("/loans/{lender}/{loan_id}/thread")
    def thread(
        request: Request,
        lender: Name,
        loan_id: Name,
        caller: Annotated[Caller, Depends(TALK)],
        search: Annotated[str, Query(max_length=200)] = "",
        case: Annotated[str, Query(max_length=200)] = "",
        done: bool = False,
        withdrawn: bool = False,
        talk: Told | None = None,
    ) -> Response:
        """What was written, in and out, and what people decided; with `search` what holds these words. `case`: the one
        to be answered."""
        loan = loan_for(database, caller, lender, loan_id)
        blank = _Written(fresh_id(), case_id=case)
        return shown(request, caller, loan, blank, search=search, done=done, withdrawn=withdrawn, talk=talk)

    @router.post("/loans/{lender}/{loan_id}/write")
    async def write(
        request: Request,
        lender: Name,
        loan_id: Name,
        caller: Annotated[Caller, Depends(TALK)],
        words_id: Annotated[str, Form(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")],
        what: Annotated[Literal["look", "send"], Form()] = "look",
        text: Annotated[str, Form(max_length=20_000)] = "",
        subject: Annotated[str, Form(max_length=200)] = "",
        channel: Annotated[Literal["", "sms", "email", "whatsapp"], Form()] = "",
        case_id: _Case = "",
    ) -> Response:
        """`look`: how it would go out, and whether it may; `send`: that, kept and ordered."""
        loan = await run_in_threadpool(loan_for, database, caller, lender, loan_id)
        language, words = words_for(request.headers.get("accept-language", ""))
        written = _Written(words_id, text, subject, channel, case_id)

        async def again(status: int, wrong: str | None = None, judged: Judged | None = None) -> Response:
            # What was refused is over with its id; what may have been heard goes on under it.
            form = replace(written, words_id=fresh_id()) if status == 409 else written
            return await run_in_threadpool(
                lambda: shown(request, caller, loan, form, status, wrong=wrong, judged=judged)
            )

        try:
            if what == "look":
                return await again(200, judged=await desk.look(loan, written.draft))
            by = acting(caller)
            words_id = await run_in_threadpool(desk.id_of_form, loan, by, written.draft, words_id, case_id or None)
            await desk.send(loan, by, written.draft, words_id, case_id=case_id or None)
        except WordsIdUsed as used:
            return await again(409, words["form_unheard" if used.unheard else "form_used"])
        except (WordsRefused, OrderRefused) as why:
            return await again(409, f"{words['not_written']} {reason_in(str(why), language, loan.currency)}")
        except LoanNotRunning:
            return await again(409, words["not_written_ended"])
        except TemporalUnavailable:
            return await again(503, words["write_again"])
        return RedirectResponse(f"/loans/{lender}/{loan_id}/thread?done=true#said", 303)

    @router.get("/loans/{lender}/{loan_id}/write")
    @router.get("/loans/{lender}/{loan_id}/withdraw-words")
    def opened(lender: Name, loan_id: Name, caller: Annotated[Caller, Depends(TALK)]) -> Response:
        """The address of a form that is opened again, by a browser or after signing in: back to the conversation."""
        return RedirectResponse(f"/loans/{lender}/{loan_id}/thread", 303)

    @router.post("/loans/{lender}/{loan_id}/withdraw-words")
    async def withdraw(
        request: Request,
        lender: Name,
        loan_id: Name,
        caller: Annotated[Caller, Depends(TALK)],
        words_id: Annotated[str, Form(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")],
    ) -> Response:
        """What a person wrote and what has not gone out yet is not sent."""
        loan = await run_in_threadpool(loan_for, database, caller, lender, loan_id)
        language, words = words_for(request.headers.get("accept-language", ""))

        async def again(status: int, wrong: str) -> Response:
            blank = _Written(fresh_id())
            return await run_in_threadpool(lambda: shown(request, caller, loan, blank, status, wrong=wrong))

        try:
            await desk.withdraw(loan, acting(caller), words_id)
        except (WordsRefused, OrderRefused) as why:
            return await again(409, f"{words['not_withdrawn']} {reason_in(str(why), language, loan.currency)}")
        except LoanNotRunning:
            return await again(409, words["not_withdrawn_ended"])
        except TemporalUnavailable:
            return await again(503, words["withdraw_again"])
        return RedirectResponse(f"/loans/{lender}/{loan_id}/thread?withdrawn=true#said", 303)

    return router


def _about(said: threads.Said, words: dict[str, str], language: str, currency: str) -> str:
    """What a message was understood as, what a person decided, or why words of theirs were not sent."""
    match said.who:
        case "borrower":
            return ", ".join(words.get(f"intent_{one}", one) for one in said.about.split(", ") if one)
        case "machine":
            return ""
        case "person" if said.channel == "case":
            kind, _, decision = said.about.partition(": ")
            return f"{words.get(f'kind_{kind}', kind)}: {decision_word(words, kind, decision)}"
        case "person":
            return _of_words(said.about, words, language, currency)
    return said.about.replace("_", " ")


def _of_words(about: str, words: dict[str, str], language: str, currency: str) -> str:
    """`answers CASE; not sent: WHY`, either of which may be missing."""
    settled, _, why = about.partition("not sent: ")
    told = [f"{words['settles_case']} {settled.removeprefix('answers ').rstrip('; ')}"] if settled else []
    return "; ".join([*told, *([reason_in(why, language, currency)] if why else [])])


def _state(said: threads.Said, words: dict[str, str]) -> str | None:
    own = said.who == "person" and said.state is not None
    known = words.get(f"words_{said.state}") if own else None
    return known or words.get(f"state_{said.state}", said.state or "") or None


def _preview(judged: Judged, words: dict[str, str], language: str, zone: ZoneInfo) -> dict[str, Any]:
    cost = Decimal(judged.cost_micros) / MICROS
    when = words["goes_now"]
    if judged.not_before is not None:
        when = (
            f"{words['goes_from']} {moment(judged.not_before.astimezone(zone), language)} ({', '.join(judged.rules)})"
        )
    return {
        "channel": judged.channel.value,
        "subject": judged.message.subject,
        "text": judged.message.text,
        "counts": words["counts_as_answer"] if judged.answers else words["counts_as_contact"],
        "when": when,
        "size": f"{judged.segments} SMS" if judged.segments is not None else "",
        "price": f"{format_decimal(cost, '0.######', locale_of(language, ''))} {judged.cost_currency}",
    }

"""What is refused before a page can answer: told in words, in the language of the browser that asked."""

from __future__ import annotations

import json

from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError
from starlette.exceptions import HTTPException

from web.access import ANOTHER_SITE, NOT_YOURS, SignInFirst
from web.headers import headers_of_every_answer
from web.page_words import language_of
from web.sign_in import page

_FOR_PROGRAMS = ("/api/", "/webhooks/", "/codec/", "/voice/", "/healthz", "/readyz")
_FOR_BORROWERS = ("/pay/", "/agree/", "/consent/", "/document/", "/unsubscribe/")
_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "This did not work",
        "unknown": "There is no such page. Please check the address.",
        "no_link": "This link does not work. Open it from our message, or call us at the number given there.",
        "not_opened": "This address cannot be opened by itself. Go back to the page you came from.",
        "not_yours": "Your role does not include this. If you need it, ask whoever administers the accounts.",
        "not_ours": "This was not sent by a page of ours. Open the page again and press once more.",
        "not_read": "What was sent could not be read. Go back and check what you wrote.",
        "too_long": "That was more than this page takes. Go back and write less.",
        "other": "This could not be done. Please try again.",
        "home": "Back to the start",
    },
    "es": {
        "title": "No ha funcionado",
        "unknown": "No existe esta página. Compruebe la dirección, por favor.",
        "no_link": "Este enlace no funciona. Ábrelo desde nuestro mensaje o llámanos al número que aparece en él.",
        "not_opened": "Esta dirección no se puede abrir sola. Vuelva a la página de la que venía.",
        "not_yours": "Su rol no incluye esto. Si lo necesita, hable con quien administra las cuentas.",
        "not_ours": "Esto no lo envió una página nuestra. Abra la página de nuevo y vuelva a pulsar.",
        "not_read": "No se pudo leer lo enviado. Vuelva atrás y compruebe lo que escribió.",
        "too_long": "Es más de lo que admite esta página. Vuelva atrás y escriba menos.",
        "other": "No se ha podido hacer. Inténtelo de nuevo.",
        "home": "Ir al inicio",
    },
    "pt": {
        "title": "Não funcionou",
        "unknown": "Esta página não existe. Confira o endereço, por favor.",
        "no_link": "Este link não funciona. Abra-o na nossa mensagem ou ligue para o número que está nela.",
        "not_opened": "Este endereço não pode ser aberto sozinho. Volte à página de onde veio.",
        "not_yours": "Sua função não inclui isto. Se precisar, fale com quem administra as contas.",
        "not_ours": "Isto não foi enviado por uma página nossa. Abra a página de novo e aperte outra vez.",
        "not_read": "O que foi enviado não pôde ser lido. Volte e confira o que escreveu.",
        "too_long": "É mais do que esta página aceita. Volte e escreva menos.",
        "other": "Não foi possível fazer isto. Tente de novo.",
        "home": "Ir para o início",
    },
}
_BY_REASON = {ANOTHER_SITE: "not_ours", NOT_YOURS: "not_yours"}
_BY_STATUS = {404: "unknown", 405: "not_opened", 413: "too_long", 422: "not_read"}


def answer_in_words(app: FastAPI, provider_name: str | None, *, https: bool) -> None:
    """Browsers get a page where programs get JSON: for a refusal, and for what was sent after the session's end.

    `provider_name`: as the sign-in page has it. `https`: as of the headers that every answer has; one to a fault of
    ours is given outside of what adds them.
    """

    @app.exception_handler(HTTPException)
    async def refused(request: Request, why: HTTPException) -> Response:
        browser = _by_a_browser(request)
        if browser and isinstance(why, SignInFirst) and why.unsent:
            return page(request, "sign_in", 401, wrong="unsent", next=why.next, provider=provider_name, typed=why.typed)
        if not browser or why.status_code < 400:
            return await http_exception_handler(request, why)
        word = _BY_REASON.get(str(why.detail)) or _BY_STATUS.get(why.status_code, "other")
        return _told(request, word, why.status_code, dict(why.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def unread(request: Request, why: RequestValidationError) -> Response:
        if not _by_a_browser(request):
            return _wrong_fields(why)
        return _told(request, "not_read", 422, {})

    @app.exception_handler(DataError)
    @app.exception_handler(UnicodeEncodeError)
    async def unheld(request: Request, _why: Exception) -> Response:
        """PostgreSQL takes no text with a NUL or half a character: nothing of ours has such a name."""
        if not _by_a_browser(request):
            return JSONResponse({"detail": "this holds characters or numbers that cannot be stored"}, 422)
        opened = request.method in ("GET", "HEAD")
        return _told(request, *(("unknown", 404) if opened else ("not_read", 422)), {})

    @app.exception_handler(Exception)
    async def failed(request: Request, _why: Exception) -> Response:
        if _by_a_browser(request):
            answer = _told(request, "other", 500, {})
        else:
            answer = JSONResponse({"detail": "this is a fault of ours: it was written into the log"}, 500)
        for name, value in headers_of_every_answer(https=https).items():
            answer.headers.setdefault(name, value)
        return answer


def _wrong_fields(why: RequestValidationError) -> Response:
    """Which fields are wrong, and how. What stood in them is not said again: it may be a password, or no text at all
    (half a character, NaN), and then nothing could be answered."""
    detail = [{"type": each["type"], "loc": list(each["loc"]), "msg": each["msg"]} for each in why.errors()]
    return Response(json.dumps({"detail": detail}), 422, media_type="application/json")


def _by_a_browser(request: Request) -> bool:
    """Somebody reads the answer: it is asked for as a page, at no address of programs."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_FOR_PROGRAMS)


def _told(request: Request, word: str, status: int, headers: dict[str, str]) -> Response:
    words = _WORDS[language_of(request.headers.get("accept-language", ""))]
    borrower = request.url.path.startswith(_FOR_BORROWERS)
    word = "no_link" if borrower and word == "unknown" else word
    home = None if borrower else words["home"]
    given = {"title": words["title"], "told": words[word], "home": home}
    return page(request, "refused", status, {"x-robots-tag": "noindex", **headers}, **given)

"""What every service needs of a request: its moment on the loan's clock, its form, its refusal on record."""

import re
from urllib.parse import parse_qsl

from starlette.requests import Request

from .clock import Moment, parse_http_date, wall
from .store import Json
from .world import World

BRACKET = re.compile(r"\[([^\[\]]*)\]")


def moment_of(request: Request, world: World) -> tuple[Moment, bool]:
    """The Date header (RFC 9110), and whether there was one; the wall clock without it or in live mode."""
    if world.live:
        return wall(), True
    text = request.headers.get("date")
    found = parse_http_date(text) if text else None
    return (found, True) if found is not None else (wall(), False)


def refused(world: World, service: str, reason: str, at: Moment, loan_id: str | None = None) -> None:
    """A request the service would not serve: on record, because it is the sender's fault."""
    world.store.log("refused", at, loan_id, service=service, reason=reason)
    world.store.commit()


async def form_of(request: Request) -> list[tuple[str, str]]:
    return parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)


def nested(form: list[tuple[str, str]]) -> Json:
    """Stripe's bracket notation as a tree: `a[0][b]=1` becomes {"a": {"0": {"b": "1"}}}."""
    tree: Json = {}
    for name, value in form:
        head, *rest = name.split("[", 1)
        keys = [head, *(BRACKET.findall("[" + rest[0]) if rest else [])]
        here = tree
        for key in keys[:-1]:
            step = here.setdefault(key, {})
            if not isinstance(step, dict):
                raise ValueError(name)
            here = step
        if isinstance(here.get(keys[-1]), dict):
            raise ValueError(name)
        here[keys[-1]] = value
    return tree

"""What the JSON gateways share: who may call, what a body is, how a refusal is told and kept on record."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .clock import Moment
from .life import Life
from .requests import moment_of, refused
from .state import Loan
from .store import Json
from .world import World


class Refused(Exception):
    """Answered with `status` and, in the service's own body, the text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class JsonService:
    """`error` puts a refusal into the service's words; `media_type` is that of its answers."""

    name = ""
    media_type = "application/json"

    def __init__(self, world: World, life: Life, base_url: str) -> None:
        self.world, self.life, self.base_url = world, life, base_url

    def error(self, refusal: Refused) -> Json:
        raise NotImplementedError

    async def serve(self, request: Request, make: Callable[[Json, Moment], tuple[int, Json | list[Json]]]) -> Response:
        """Answers with what `make` gives for the body and the moment."""
        now, _ = moment_of(request, self.world)
        try:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not token.strip():
                raise Refused(401, "no access token")
            status, body = make(await self._body(request), now)
        except Refused as error:
            refused(self.world, self.name, str(error), now)
            return JSONResponse(self.error(error), error.status, media_type=self.media_type)
        self.world.store.commit()
        return JSONResponse(body, status, media_type=self.media_type)

    def loan_of(self, loan_id: object) -> Loan | None:
        return self.world.loans.get(str(loan_id))

    def paid(self, loan: Loan | None, amount: int, at: Moment) -> None:
        """Money leaves the borrower's account for this service."""
        if loan is not None:
            self.life.paid_elsewhere(loan, amount, at)

    async def tell(self, loan: Loan | None, at: Moment) -> None:
        """Deliver what is due by now, such as the notice of what was just paid."""
        await self.world.announce(loan.loan_id if loan else None, at)
        await self.world.advance(loan.loan_id if loan else "-", at)

    @staticmethod
    async def _body(request: Request) -> Json:
        if request.method not in ("POST", "PUT"):
            return {}
        raw = await request.body()
        if not raw:
            return {}
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused(400, "expected application/json")
        try:
            body = await request.json()
        except ValueError:
            raise Refused(400, "the body is not JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "the body is not an object")
        return body


Handler = Callable[[Request], Awaitable[Response]]

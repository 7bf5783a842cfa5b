"""Puts the world together: one ASGI application and one SMTP server over the same memory."""

from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.types import ASGIApp

from .admin import Admin
from .bank_accounts import BankAccounts
from .bank_consents import BankConsents
from .bank_payments import BankPayments
from .belvo import Belvo
from .calls import Calls
from .calls_api import CallsApi
from .carrier import Carrier
from .carrier_api import CarrierApi
from .conekta import Conekta
from .faults import FaultMiddleware
from .gateway import Gateway
from .gateway_api import GatewayApi
from .life import Life
from .mail import Mailroom
from .mercadopago import MercadoPago
from .meta import Meta
from .meta_api import MetaApi
from .odds import load_odds
from .sendgrid import SendGrid
from .store import Store
from .webhooks import Targets
from .world import World


@dataclass(frozen=True)
class Options:
    seed: int
    borrowers: Path
    preset: str
    log: Path
    targets: Targets
    live: bool
    words: bool = False


class Sandbox:
    """Must be built inside a running event loop; `base_url` is where its pages are reached."""

    def __init__(self, options: Options, base_url: str) -> None:
        odds = load_odds(options.borrowers, options.preset)
        self.world = World(Store(options.log), odds, options.seed, options.targets, options.live)
        gateway = Gateway(self.world, base_url)
        carrier = Carrier(self.world)
        self.meta = Meta(self.world)
        self.life = life = Life(self.world, gateway, carrier, self.meta)
        if options.words:
            life.let_them_write()
        self.mailroom = Mailroom(self.world, life)
        consents = BankConsents(self.world)
        mercadopago = MercadoPago(self.world, life, base_url)
        life.others.append(mercadopago)
        routes = [
            *BankAccounts(self.world, consents).routes(),
            *consents.routes(),
            *BankPayments(self.world, life, base_url).routes(),
            *Belvo(self.world).routes(),
            *mercadopago.routes(),
            *Conekta(self.world, life, base_url).routes(),
            *GatewayApi(gateway, life).routes(),
            *CarrierApi(carrier, life).routes(),
            *MetaApi(self.meta, life, base_url).routes(),
            *CallsApi(Calls(self.world, life)).routes(),
            *SendGrid(self.world, self.mailroom).routes(),
            *Admin(self.world, life, self.mailroom).routes(),
        ]
        self.asgi: ASGIApp = FaultMiddleware(Starlette(routes=routes), self.world.faults)

"""`python -m sandbox`: runs the world until SIGTERM; its first line of output tells where it listens."""

import argparse
import asyncio
import contextlib
import json
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from .app import Options, Sandbox
from .mail import listen
from .odds import DEFAULT_FILE, BadOdds
from .webhooks import Targets


class Server(uvicorn.Server):
    """uvicorn raises a caught signal again after its shutdown; a clean exit needs the signals to ourselves."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python -m sandbox", description="A pretend world for a collections product.")
    p.add_argument("--port", type=int, default=0, help="HTTP, 0 = any free")
    p.add_argument("--smtp-port", type=int, default=0, help="SMTP, 0 = any free")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--borrowers", type=Path, default=DEFAULT_FILE)
    p.add_argument("--preset", default="prime", help="a preset of the borrowers file: prime or micro")
    p.add_argument("--log", type=Path, required=True, help="JSON lines; the state stands beside it in .db")
    p.add_argument("--stripe-webhook", default="", metavar="URL")
    p.add_argument("--stripe-secret", default="whsec_sandbox")
    p.add_argument("--twilio-webhook", default="", metavar="URL", help="incoming SMS")
    p.add_argument("--twilio-token", default="")
    p.add_argument("--mercadopago-webhook", default="", metavar="URL")
    p.add_argument("--mercadopago-secret", default="")
    p.add_argument("--sendgrid-webhook", default="", metavar="URL")
    p.add_argument("--sendgrid-key", default=None, type=Path, metavar="FILE", help="PEM private key on P-256")
    p.add_argument("--conekta-webhook", default="", metavar="URL")
    p.add_argument("--conekta-key", default=None, type=Path, metavar="FILE", help="PEM private key that signs events")
    p.add_argument("--meta-webhook", default="", metavar="URL", help="WhatsApp")
    p.add_argument("--meta-secret", default="meta-secret")
    p.add_argument(
        "--meta-templates", default=None, type=Path, metavar="FILE", help="JSON: templates Meta has approved"
    )
    p.add_argument("--words", action="store_true", help="borrowers answer in words of their own, and keep them or not")
    p.add_argument("--clock", choices=("live", "requests"), default="requests")
    p.add_argument("--clock-url", default="", metavar="URL")
    return p


async def serve(args: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    # Naming the protocol lets asyncio switch Nagle off; without it every answer waits 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", args.port))
    http_port = sock.getsockname()[1]
    targets = Targets(
        args.stripe_webhook,
        args.stripe_secret,
        args.twilio_webhook,
        args.twilio_token,
        args.clock_url,
        args.clock == "live",
        mercadopago_url=args.mercadopago_webhook,
        mercadopago_secret=args.mercadopago_secret,
        sendgrid_url=args.sendgrid_webhook,
        sendgrid_key=args.sendgrid_key.read_text() if args.sendgrid_key else "",
        conekta_url=args.conekta_webhook,
        conekta_key=args.conekta_key.read_text() if args.conekta_key else "",
        meta_url=args.meta_webhook,
        meta_secret=args.meta_secret,
    )
    options = Options(args.seed, args.borrowers, args.preset, args.log, targets, args.clock == "live", args.words)
    sandbox = Sandbox(options, f"http://127.0.0.1:{http_port}")
    if args.meta_templates is not None:
        sandbox.meta.approve_all(json.loads(args.meta_templates.read_text(encoding="utf-8")))
    smtp = await listen(sandbox.mailroom, args.smtp_port)
    config = uvicorn.Config(
        sandbox.asgi,
        log_level="critical",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=3,
        backlog=2048,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    ticking = asyncio.create_task(sandbox.world.tick()) if options.live else None
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    sys.stdout.write(json.dumps({"http": http_port, "smtp": smtp.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await stop.wait()
    if ticking is not None:
        ticking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticking
    server.should_exit = True
    await serving
    smtp.close()
    await sandbox.world.close()


def main() -> int:
    args = parser().parse_args()
    try:
        asyncio.run(serve(args))
    except (BadOdds, OSError) as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

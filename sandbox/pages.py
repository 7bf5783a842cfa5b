"""The few pages a person can look at: the hosted payment page and the mailbox."""

import re
from html import escape

from .account import amount_text
from .store import Json

STYLE = (
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem}"
    "button{font:inherit;padding:.6rem 1.4rem;border:0;border-radius:.4rem;background:#0a5;color:#fff}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;padding:1rem}.note{color:#666}</style>"
)


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>{STYLE}"
        f"{body}<p class=note>Sandbox world: no money moves here.</p></html>"
    )


def simple_page(text: str) -> str:
    """One line, and a button that posts to the same address."""
    return _page("Payment", f"<h1>{escape(text)}</h1><form method=post><button>Go on</button></form>")


def payment_page(link: Json, state: str) -> str:
    """`state`: open, paid or inactive."""
    currency = link["object"]["currency"].upper()
    amount = f"{amount_text(link['amount'], currency)} {currency}"
    lender = escape(str(link["object"]["metadata"].get("lender", "the lender")))
    if state == "paid":
        body = f"<h1>Paid</h1><p>{amount} paid to {lender}. Thank you.</p>"
    elif state == "inactive":
        body = "<h1>This link is no longer active</h1><p>Nothing can be paid here.</p>"
    else:
        body = f"<h1>{amount}</h1><p>to {lender}</p><form method=post><button>Pay {amount}</button></form>"
    return _page("Payment", body)


def _with_links(text: str) -> str:
    """The text of a mail, in which addresses can be followed as mail programs let them be."""
    return re.sub(r"https?://[^\s&]+", lambda found: f'<a href="{found[0]}">{found[0]}</a>', escape(text))


def mail_page(mails: list[Json]) -> str:
    items = "".join(
        f"<h2>{escape(m['subject'])}</h2><p class=note>to {escape(m['to'])}, {escape(m['at'])}</p>"
        f"<pre>{_with_links(m['text'])}</pre>"
        for m in reversed(mails)
    )
    return _page("Mail", f"<h1>Mail: {len(mails)}</h1>{items}")

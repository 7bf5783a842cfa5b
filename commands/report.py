"""The report of a rehearsal: one page that opens anywhere, without a network."""

from __future__ import annotations

from pathlib import Path

from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from commands.channel_costs import shown
from commands.rehearsal import LENDER, Rehearsal
from commands.report_charts import draw
from commands.report_figures import Figures, cured_by_the_watch, gather
from commands.results import ENDING_DECISIONS, Results
from domain.attribution import LAST_TOUCH
from domain.loans import workflow_id
from domain.money import Money

_TEMPLATE = "report.html.j2"


def write_report(results: Results, rehearsal: Rehearsal, path: Path) -> None:
    """Write one self-contained HTML file; its folder is made. It holds no name, phone or e-mail. Raises OSError."""
    figures = gather(rehearsal)
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    pages.filters["money"] = money
    pages.filters["cost"] = shown
    pages.filters["words"] = lambda name: str(name).replace("_", " ")
    page = pages.get_template(_TEMPLATE).render(
        results=results,
        figures=figures,
        last_touch_days=LAST_TOUCH.days,
        first_day=f"{rehearsal.plan.begins:%Y-%m-%d}",
        cards=_cards(results, figures),
        plots={name: {width: _drawn_here(svg) for width, svg in both.items()} for name, both in draw(figures).items()},
        residences=len({loan.country for loan in rehearsal.plan.loans}),
        loan_url=lambda loan_id: web_ui_address(rehearsal, loan_id),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


def three_worth_opening(rehearsal: Rehearsal) -> list[tuple[str, str, str]]:
    """(what it is, loan id, Web UI address); a kind that did not occur has words and no address."""
    figures = gather(rehearsal)
    by_end = {end: [loan for loan in figures.loans if loan.end == end] for end in {loan.end for loan in figures.loans}}
    decided = [loan for end in ENDING_DECISIONS.values() for loan in by_end.get(end, [])]
    most_told = sorted(by_end.get("not_cured", []), key=lambda loan: -loan.contacts)
    kinds = [
        ("Cured because the balance watch saw money", cured_by_the_watch(rehearsal)),
        ("Decided by an agent", [loan.loan_id for loan in decided]),
        ("Not cured", [loan.loan_id for loan in most_told]),
    ]
    return [
        (label, found[0], web_ui_address(rehearsal, found[0])) if found else (label, "none in this rehearsal", "")
        for label, found in kinds
    ]


def web_ui_address(rehearsal: Rehearsal, loan_id: str) -> str:
    """Where the Temporal Web UI shows a loan's workflow."""
    stack = rehearsal.stack
    return f"{stack.addresses.temporal_ui}/namespaces/{stack.namespace}/workflows/{workflow_id(LENDER, loan_id)}"


def money(amount_minor: int, currency: str) -> str:
    """An amount for readers of English, such as $1,250.00."""
    return format_currency(Money(amount_minor=amount_minor, currency=currency).major, currency, locale="en_US")


def _cards(results: Results, figures: Figures) -> list[dict[str, str]]:
    cards = [(f"{results.ends.get('cured', 0)} of {results.loans}", "loans cured")]
    for currency, due in results.due_minor.items():
        recovered = results.recovered_minor.get(currency, 0)
        share = f"{recovered / due:.1%}" if due else "–"
        cards.append((share, f"received: {money(recovered, currency)} of {money(due, currency)} due"))
        if over := results.overpaid_minor.get(currency):
            cards.append((money(over, currency), "paid beyond what was due"))
    paid_by_offer = sum(1 for offer in figures.offers if offer.paid_at is not None)
    never = results.refused.get("never", 0)
    cards += [
        (str(results.payments), "payments" + (f", {results.reversals} taken back" if results.reversals else "")),
        (str(results.contacts), f"messages, {results.contacts / max(results.loans, 1):.1f} a loan"),
        (str(sum(results.refused.values())), f"times a contact was held back, {never} of them for good"),
        (f"{results.balance_reads:,}", f"balance reads of {figures.watched} of {results.loans} loans"),
        (f"{paid_by_offer} of {len(figures.offers)}", "links sent on seen money were paid"),
        (f"{results.decided_by_agent} of {results.loans}", "loans ended by a person’s decision"),
    ]
    return [{"figure": figure, "label": label} for figure, label in cards]


def _drawn_here(svg: str) -> Markup:
    return Markup(svg)  # nosec B704 # from figures alone, no text of anybody else

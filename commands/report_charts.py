"""The report's plots: Altair drawings as SVG, in a width for paper and one for a phone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import altair as alt
import vl_convert

from commands.report_figures import WEEKDAYS, Figures, Offer, hours_between

WIDE, NARROW = 900, 320
_INK = "#010203"
"""Stands for the page's text colour, which differs by day and night."""
_SMS, _EMAIL, _RECEIPT, _GOOD, _QUIET, _BAD = "#3d7fc1", "#d9822b", "#8b949e", "#3a9b6e", "#8b949e", "#c8553d"
END_COLOURS = {
    "cured": _GOOD,
    "not_cured": _BAD,
    "written_off": "#a35f9c",
    "recalled": "#7a6fd0",
    "sold": "#b0882f",
    "not ended": "#000000",
}
_SPANS = (
    (1, "within 1 h"),
    (6, "1 to 6 h"),
    (24, "6 to 24 h"),
    (72, "1 to 3 days"),
    (168, "3 to 7 days"),
    (10**9, "later"),
)
NO_PAYMENT = "no payment by it"


def draw(figures: Figures) -> dict[str, dict[str, str]]:
    """Each plot by name in both widths."""
    plots: dict[str, Callable[[int], Any]] = {
        "ends": lambda width: _ends(figures, width),
        "money": lambda width: _money(figures, width),
        "days": lambda width: _days(figures, width),
        "hours": lambda width: _hours(figures, width),
        "offers": lambda width: _offers(figures.offers, width),
    }
    return {
        name: {"wide": _svg(plot(WIDE), f"{name}-w"), "narrow": _svg(plot(NARROW), f"{name}-n")}
        for name, plot in plots.items()
    }


def span_of(begin_to_end_hours: float) -> str:
    return next(name for most, name in _SPANS if begin_to_end_hours <= most)


def _ends(figures: Figures, width: int) -> Any:
    counts: dict[str, int] = {}
    for loan in figures.loans:
        counts[loan.end] = counts.get(loan.end, 0) + 1
    order = sorted(counts, key=lambda end: -counts[end])
    rows = [{"end": _words(end), "loans": counts[end]} for end in order]
    bars = alt.Chart(_data(rows)).encode(
        y=alt.Y("end:N", sort=[_words(end) for end in order], title=None),
        x=alt.X("loans:Q", title=f"loans of {len(figures.loans)}", axis=alt.Axis(tickMinStep=1)),
    )
    colours = {_words(end): colour for end, colour in END_COLOURS.items()}
    shown = [str(row["end"]) for row in rows]
    coloured = bars.mark_bar().encode(
        color=alt.Color(
            "end:N", legend=None, scale=alt.Scale(domain=shown, range=[colours.get(end, _QUIET) for end in shown])
        )
    )
    numbers = bars.mark_text(align="left", dx=4, color=_INK).encode(text="loans:Q")
    return (coloured + numbers).properties(width=width - 120, height=34 * max(len(rows), 1))


def _money(figures: Figures, width: int) -> Any:
    rows = [{"day": row.day, "currency": row.currency, "share": row.share} for row in figures.money]
    several = len({row["currency"] for row in rows}) > 1
    chart = alt.Chart(_data(rows))
    encoded = {
        "x": alt.X("day:Q", title="days since the campaign began", scale=alt.Scale(nice=False)),
        "y": alt.Y("share:Q", title="received, share of what was due", axis=alt.Axis(format=".0%")),
    }
    if several:
        lines = chart.mark_line(interpolate="step-after", strokeWidth=2).encode(
            **encoded, color=alt.Color("currency:N", legend=alt.Legend(orient="top", title=None))
        )
    else:
        lines = chart.mark_area(
            interpolate="step-after", color=_GOOD, opacity=0.35, line={"color": _GOOD, "strokeWidth": 2}
        ).encode(**encoded)
    return lines.properties(width=width - 70, height=220)


def _days(figures: Figures, width: int) -> Any:
    counts: dict[tuple[int, str], int] = {}
    for contact in figures.contacts:
        key = (contact.day, _kind(contact.channel, contact.receipt))
        counts[key] = counts.get(key, 0) + 1
    rows = [{"day": day, "kind": kind, "contacts": number} for (day, kind), number in sorted(counts.items())]
    last = max((row.day for row in figures.contacts), default=1) + 1
    return (
        alt.Chart(_data(rows))
        .mark_bar(width=max((width - 70) / (last + 1) - 1, 1.5))
        .encode(
            x=alt.X("day:Q", title="day of the campaign", scale=alt.Scale(domain=[-0.5, last + 0.5], nice=False)),
            y=alt.Y("contacts:Q", title="messages", axis=alt.Axis(tickMinStep=1)),
            color=_kinds(),
        )
        .properties(width=width - 70, height=200)
    )


def _hours(figures: Figures, width: int) -> Any:
    counts: dict[tuple[str, int, str], int] = {}
    for contact in figures.contacts:
        key = (contact.weekday, contact.hour, _kind(contact.channel, contact.receipt))
        counts[key] = counts.get(key, 0) + 1
    shift = {kind: -0.36 + 0.72 * place / (len(_KIND_COLOURS) - 1) for place, kind in enumerate(_KIND_COLOURS)}
    rows = [
        {"weekday": day, "at": hour + 0.5 + shift[kind], "kind": kind, "contacts": number}
        for (day, hour, kind), number in sorted(counts.items())
    ]
    lawful = [
        {"weekday": WEEKDAYS[number], "opens": hours[0], "closes": hours[1]}
        for number, hours in enumerate(figures.open_hours)
        if hours is not None
    ]
    y = alt.Y("weekday:N", sort=list(WEEKDAYS), title=None, scale=alt.Scale(domain=list(WEEKDAYS)))
    hours_axis = alt.Axis(values=list(range(0, 25, 3)), labelExpr="datum.value + ' h'", grid=True)
    x_scale = alt.Scale(domain=[0, 24], nice=False)
    shaded = (
        alt.Chart(_data(lawful))
        .mark_bar(color=_GOOD, opacity=0.16, height={"band": 0.96})
        .encode(
            y=y, x=alt.X("opens:Q", scale=x_scale, axis=hours_axis, title="the borrower's local hour"), x2="closes:Q"
        )
    )
    most = max(counts.values(), default=1)
    dots = (
        alt.Chart(_data(rows))
        .mark_circle(opacity=0.85)
        .encode(
            y=y,
            x=alt.X("at:Q", scale=x_scale),
            size=alt.Size(
                "contacts:Q",
                title="messages",
                scale=alt.Scale(domain=[1, max(most, 2)], range=[16, 420] if width == WIDE else [8, 140]),
                legend=alt.Legend(orient="bottom", tickCount=3, symbolFillColor=_QUIET, symbolStrokeWidth=0),
            ),
            color=_kinds(),
        )
    )
    return (shaded + dots).properties(width=width - 60, height=230)


def _offers(offers: Sequence[Offer], width: int) -> Any:
    first, second = "money seen to link sent", "link sent to payment by it"
    order = [name for _, name in _SPANS] + [NO_PAYMENT]
    counts: dict[tuple[str, str], int] = {}
    for offer in offers:
        for part, span in (
            (first, span_of(hours_between(offer.seen_at, offer.sent_at))),
            (
                second,
                span_of(hours_between(offer.sent_at, offer.paid_at)) if offer.paid_at is not None else NO_PAYMENT,
            ),
        ):
            counts[part, span] = counts.get((part, span), 0) + 1
    rows = [{"part": part, "span": span, "links": number} for (part, span), number in counts.items()]
    panels = []
    for part in (first, second):
        mine = [row for row in rows if row["part"] == part]
        bars = alt.Chart(_data(mine), title=alt.Title(part, anchor="start")).encode(
            y=alt.Y("span:N", sort=order, scale=alt.Scale(domain=order), title=None),
            x=alt.X("links:Q", title=f"links of {len(offers)}", axis=alt.Axis(tickMinStep=1)),
        )
        numbers = bars.mark_text(align="left", dx=4, color=_INK).encode(text="links:Q")
        panel = (bars.mark_bar(color=_SMS) + numbers).properties(
            width=(width - 260) // 2 if width == WIDE else width - 120, height=170
        )
        panels.append(panel)
    return alt.hconcat(*panels) if width == WIDE else alt.vconcat(*panels)


_NAMES = {"sms": "SMS", "email": "e-mail", "whatsapp": "WhatsApp", "call": "call", "post": "letter"}
_KIND_COLOURS = {
    "SMS": _SMS,
    "e-mail": _EMAIL,
    "WhatsApp": "#1f9e75",
    "call": "#8f5bd1",
    "letter": "#8a6d3b",
    "other": _QUIET,
    "receipt": _RECEIPT,
}


def _data(rows: Sequence[dict[str, Any]]) -> Any:
    return alt.InlineData(values=list(rows))


def _kind(channel: str, receipt: bool) -> str:
    return "receipt" if receipt else _NAMES.get(channel, "other")


def _kinds() -> Any:
    return alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=list(_KIND_COLOURS), range=list(_KIND_COLOURS.values())),
        legend=alt.Legend(orient="top"),
    )


def _words(end: str) -> str:
    return end.replace("_", " ")


def _svg(chart: Any, name: str) -> str:
    """Inline SVG that takes the page's text colour; its ids are its own, so that two can stand on one page."""
    text = {
        "labelColor": _INK,
        "titleColor": _INK,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    }
    lines = {"gridColor": _INK, "gridOpacity": 0.12, "domainColor": _INK, "domainOpacity": 0.3, "tickColor": _INK}
    configured = (
        chart.configure(background="transparent", font="sans-serif")
        .configure_view(stroke=None)
        .configure_axis(**text, **lines, tickOpacity=0.3, labelLimit=200)
        .configure_legend(
            labelColor=_INK, titleColor=_INK, labelFontSize=12, titleFontSize=12, titleFontWeight="normal"
        )
        .configure_title(color=_INK, fontSize=13, fontWeight=600)
    )
    drawn: str = vl_convert.vegalite_to_svg(configured.to_dict())
    coloured = drawn.replace(_INK, "currentColor")
    return coloured.replace(' id="', f' id="{name}-').replace("url(#", f"url(#{name}-")

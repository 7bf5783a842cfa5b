"""The figures that have a bar, drawn beside it: how many times better than the bar each is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import altair as alt

from benchmarks import Figure

_HOLDS, _MISSED = "#2f7d4f", "#b3362b"


def draw(figures: Sequence[Figure], path: Path) -> bool:
    """Write an SVG; False when no figure with a bar was measured."""
    rows = [
        {
            "figure": figure.name,
            "times": _times(figure),
            "holds": "holds" if figure.holds else "does not hold",
            "said": f"{figure.value:,.4g} {figure.unit} (bar {'≤' if figure.at_most else '≥'} {figure.bar:,g})",
        }
        for figure in figures
        if figure.bar is not None and figure.value is not None
    ]
    if not rows:
        return False
    order = [str(row["figure"]) for row in rows]
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=alt.Y("figure:N", sort=order, title=None))
    bars = base.mark_bar().encode(
        x=alt.X("times:Q", title="times better than the bar (logarithmic; 1 is the bar)", scale=alt.Scale(type="log")),
        x2=alt.datum(1),
        color=alt.Color(
            "holds:N",
            scale=alt.Scale(domain=["holds", "does not hold"], range=[_HOLDS, _MISSED]),
            legend=alt.Legend(title=None, orient="top"),
        ),
    )
    said = (
        base.mark_text(align="left", dx=6, fontSize=10)
        .encode(x=alt.X("least:Q"), text="said:N")
        .transform_calculate(least="max(datum.times, 1)")
    )
    line = alt.Chart(alt.InlineData(values=[{"bar": 1}])).mark_rule(strokeDash=[4, 3]).encode(x="bar:Q")
    chart = (bars + said + line).properties(width=560, title="Figures beside their bars")
    path.parent.mkdir(parents=True, exist_ok=True)
    chart.save(str(path), format="svg")
    return True


def _times(figure: Figure) -> float:
    assert figure.bar is not None
    assert figure.value is not None
    value = max(figure.value, 1e-9)
    return figure.bar / value if figure.at_most else value / figure.bar

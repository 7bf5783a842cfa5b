"""`python -m benchmarks [NAME ...]`: measure, print, keep the figures in var/bench.json and draw var/bench.svg.

Exit code: 0 every bar holds, 1 one does not, 2 no such benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks import BENCHMARKS, Figure, progress
from benchmarks.plot import draw

OUT = Path("var/bench.json")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure figures against their bars.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which benchmarks; all by default")
    parser.add_argument("--list", action="store_true", help="list the benchmarks and end")
    parser.add_argument("--out", type=Path, default=OUT, help=f"where to keep the figures (default {OUT})")
    parser.add_argument("--scale", type=float, default=1.0, help="smaller sizes, for trials; bars are about 1")
    given = parser.parse_args(arguments)
    if given.list:
        for name, (_, about) in BENCHMARKS.items():
            print(f"{name}: {about}")
        return 0
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    wanted = given.names or list(BENCHMARKS)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    for number, name in enumerate(wanted, 1):
        progress(f"{name} ({number} of {len(wanted)}): {BENCHMARKS[name][1]}")
        measured = measured_or_not(name, given.scale)
        for figure in measured:
            print(line(figure), flush=True)
        figures += measured
        # After each, so that one that is stopped leaves what was measured.
        given.out.write_text(json.dumps([as_json(figure) for figure in figures], indent=2) + "\n", encoding="utf-8")
    minutes = (time.monotonic() - begun) / 60
    print(f"{len(wanted)} benchmarks in {minutes:.1f} minutes, load {os.getloadavg()[2]:.1f} on {os.cpu_count()} cores")
    kept = str(given.out)
    plot = given.out.with_suffix(".svg")
    if draw(figures, plot):
        kept += f", drawn in {plot}"
    print(f"kept in {kept}")
    return 0 if all(figure.holds is not False for figure in figures) else 1


def measured_or_not(name: str, scale: float) -> list[Figure]:
    """One that fails keeps the others from nothing; it does not hold."""
    module, function = BENCHMARKS[name][0].split(":")
    try:
        measured: list[Figure] = getattr(import_module(module), function)(scale)
    except Exception as error:
        traceback.print_exc()
        return [Figure(f"{name}.measured", None, "", 1, note=f"{type(error).__name__}: {error}")]
    return measured


def line(figure: Figure) -> str:
    value = "not measured" if figure.value is None else f"{figure.value:,.4g} {figure.unit}"
    if figure.value is not None and figure.value >= 1000:
        value = f"{figure.value:,.0f} {figure.unit}"
    bar = ""
    if figure.bar is not None:
        limit = "at most" if figure.at_most else "at least"
        bar = f" (bar: {limit} {figure.bar:,g}: {'holds' if figure.holds else 'DOES NOT HOLD'})"
    return f"{figure.name}: {value}{bar}" + (f"; {figure.note}" if figure.note else "")


def as_json(figure: Figure) -> dict[str, object]:
    told: dict[str, object] = {
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "bar": figure.bar,
        "holds": figure.holds,
    }
    return told | ({"note": figure.note} if figure.note else {})


if __name__ == "__main__":
    sys.exit(main())

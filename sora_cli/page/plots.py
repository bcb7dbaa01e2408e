"""The figures of a review as small drawings: how far from its bar each is, and how one goes over the film."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sora_cli.page.data import FigureView, Plot, PlotPoint
from sora_cli.review.judge import Figure, ReviewRow

WIDTH, HEIGHT = 300, 60
"""Of a plot's drawing."""
_EDGE = 4


def figure(found: Figure) -> FigureView:
    """A figure, with a drawing whose whole width is a little more than the larger of value and bar."""
    if found.value is None:
        return FigureView(name=found.name, value="", said=found.said)
    bar = found.bar
    whole = 1.25 * max(abs(found.value), abs(bar or 0.0)) or 1.0
    return FigureView(
        name=found.name,
        value=f"{found.value:g}",
        bar="" if bar is None else f"{bar:g}",
        ok=found.ok,
        said=found.said,
        length=round(100 * abs(found.value) / whole, 1),
        mark=None if bar is None else round(100 * abs(bar) / whole, 1),
    )


def plots(rows: Iterable[ReviewRow], seconds: float) -> list[Plot]:
    """A plot for each figure that more than one row has, over a film of so many seconds."""
    by_name: dict[str, list[tuple[ReviewRow, Figure]]] = defaultdict(list)
    for row in rows:
        for each in row.figures:
            if each.value is not None and row.kind != "film":
                by_name[each.name].append((row, each))
    return [_plot(name, found, seconds) for name, found in by_name.items() if len(found) > 1]


def _plot(name: str, found: Sequence[tuple[ReviewRow, Figure]], seconds: float) -> Plot:
    bar = next((each.bar for _, each in found if each.bar is not None), None)
    values = [each.value or 0.0 for _, each in found]
    low, high = min(0.0, *values, bar or 0.0), max(*values, bar or 0.0)

    def height(value: float) -> float:
        return round(HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * (value - low) / ((high - low) or 1.0), 1)

    points = [
        PlotPoint(
            round(_EDGE + (WIDTH - 2 * _EDGE) * min(1.0, row.second / (seconds or 1.0)), 1),
            height(value),
            each.ok,
            row.second,
            f"{row.kind} {row.name}: {name} {value:g}",
        )
        for (row, each), value in zip(found, values, strict=True)
    ]
    return Plot(name, tuple(points), None if bar is None else height(bar))

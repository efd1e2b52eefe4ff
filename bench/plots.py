"""Plots as SVG text, without a library: throughput against latency, and cost by part."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import ceil, floor, log10
from typing import Final

from bench.knee import Curve, Point

_WIDTH: Final = 640
_HEIGHT: Final = 360
_LEFT: Final = 70
_BOTTOM: Final = 50
_TOP: Final = 40
_RIGHT: Final = 20
_STYLE: Final = "font:12px sans-serif"


def latency_plot(curve: Curve) -> str:
    """p50 and p99 (logarithmic) over what was done a second; the knee is marked."""
    top = max(point.p99_ms for point in curve.points)
    bottom = min(point.p50_ms for point in curve.points)
    low, high = floor(log10(max(bottom, 0.1))), ceil(log10(max(top, curve.p99_max_ms, 1.0)))
    most = 1.1 * max(point.achieved for point in curve.points)

    def at(x: float, y: float) -> tuple[float, float]:
        share = (log10(max(y, 10**low)) - low) / max(1, high - low)
        across = _LEFT + (_WIDTH - _LEFT - _RIGHT) * x / most
        return across, _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share

    parts = [_title(f"{curve.name}: latency over throughput")]
    for power in range(low, high + 1):
        _, y = at(0, 10**power)
        parts += [_line(_LEFT, y, _WIDTH - _RIGHT, y, "#ddd"), _text(8, y + 4, f"{10**power:g} ms")]
    for step in range(6):
        x, _ = at(most * step / 5, 1)
        parts.append(_text(x - 12, _HEIGHT - 28, f"{most * step / 5:.0f}"))
    parts.append(_text(_WIDTH / 2 - 50, _HEIGHT - 8, "done a second"))
    for label, color, take in (("p50", "#2a7", _p50), ("p99", "#c33", _p99)):
        places = [at(point.achieved, take(point)) for point in curve.points]
        parts.append(_path(places, color))
        parts.append(_text(places[-1][0] - 24, places[-1][1] - 8, label, color))
    if (knee := curve.knee()) is not None:
        x, _ = at(knee.achieved, 1)
        parts += [
            _line(x, _TOP, x, _HEIGHT - _BOTTOM, "#36c"),
            _text(x - 60, _TOP - 4, "knee", "#36c"),
        ]
    return _svg(parts)


def cost_plot(name: str, costs: Mapping[str, float]) -> str:
    """One bar a part: microseconds of a core for one operation."""
    most = max(costs.values(), default=1.0)
    parts = [_title(f"{name}: microseconds of a core for one")]
    for row, (part, cost) in enumerate(list(costs.items())[:10]):
        y = _TOP + 8 + row * 27
        width = (_WIDTH - 260) * cost / most
        parts.append(f'<rect x="150" y="{y}" width="{width:.1f}" height="18" fill="#58a"/>')
        parts += [_text(8, y + 13, part), _text(158 + width, y + 13, f"{cost:.0f} µs")]
    return _svg(parts)


def _p50(point: Point) -> float:
    return point.p50_ms


def _p99(point: Point) -> float:
    return point.p99_ms


def _svg(parts: list[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'style="{_STYLE}">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _title(text: str) -> str:
    return f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(text)}</text>'


def _text(x: float, y: float, text: str, color: str = "#333") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, color: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}"/>'


def _path(places: list[tuple[float, float]], color: str) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="2"/>'

"""
Figures made into SVG. Pure.

Widths are shares of what there is room for, heights and texts are pixels: so a picture is as wide as its page, and its
words stay readable. Colours are classes of the page's style, which knows light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
STATES = ("answered", "unanswered", "failed", "pending")
"""In the order in which they are stacked."""

_ROW, _GUTTER = 20, 9.0
_PLOT, _TOP, _BOTTOM = 150, 16, 20


@dataclass(frozen=True)
class Column:
    """One span of time: how it is called, and the calls of each state in it."""

    label: str
    counts: Mapping[str, int]


def share_bar(counts: Mapping[str, int]) -> str:
    """
    Return a bar of which each state has its share; whoever is there at all can be seen.

    It is for the eye only: the figures stand beside it.
    """
    total = sum(counts.get(state, 0) for state in STATES)
    parts, left = [], 0.0
    for state, width in zip(STATES, _widths([counts.get(state, 0) for state in STATES], total), strict=True):
        if width:
            parts.append(f'<rect class="{state}" x="{left:.2f}%" width="{width:.2f}%" height="10"/>')
        left += width
    return f'<svg class="bar" width="100%" height="10" aria-hidden="true">{"".join(parts)}</svg>'


def plain_bar(value: float, largest: float) -> str:
    """Return a bar as long as a value's share of the largest one; for the eye only, as the other."""
    width = 100 * value / largest if largest > 0 and value > 0 else 0
    return (
        '<svg class="bar" width="100%" height="10" aria-hidden="true">'
        f'<rect class="plain" width="{max(width, 0.5 if value > 0 else 0):.2f}%" height="10"/></svg>'
    )


def columns(title: str, found: Sequence[Column]) -> str:
    """Return calls over time, a stacked column for each span."""
    totals = [sum(column.counts.get(state, 0) for state in STATES) for column in found]
    top = round_up(max(totals, default=0))
    height = _TOP + _PLOT + _BOTTOM
    parts = [_opened(f"{title}: {sum(totals)} calls", height)]
    # Written last: on a narrow page the columns would hide them.
    scale: list[str] = []
    for share in (0.0, 0.5, 1.0):
        y = _TOP + _PLOT * (1 - share)
        parts.append(f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>')
        if share and (share == 1.0 or top % 2 == 0):
            scale.append(f'<text class="axis" x="0" y="{y - 3:.1f}">{shortened(round(top * share))}</text>')
    step = 100 / max(len(found), 1)
    every = ceil(len(found) / 6) or 1
    for place, (column, total) in enumerate(zip(found, totals, strict=True)):
        parts.append(f"<g><title>{escape(_told(column, total))}</title>")
        # The whole height answers to a pointer, however low the column is.
        parts.append(f'<rect class="hover" x="{place * step:.3f}%" y="{_TOP}" width="{step:.3f}%" height="{_PLOT}"/>')
        base = float(_TOP + _PLOT)
        for state in STATES:
            if count := column.counts.get(state, 0):
                tall = _PLOT * count / top
                base -= tall
                parts.append(
                    f'<rect class="{state}" x="{(place + 0.12) * step:.3f}%" y="{base:.2f}" '
                    f'width="{step * 0.76:.3f}%" height="{tall:.2f}"/>'
                )
        parts.append("</g>")
        if place % every == 0:
            anchor = "start" if place == 0 else "middle"
            x = 0 if place == 0 else (place + 0.5) * step
            parts.append(
                f'<text class="axis" x="{x:.3f}%" y="{height - 5}" text-anchor="{anchor}">{escape(column.label)}</text>'
            )
    return "".join([*parts, *scale, "</svg>"])


def week(title: str, cells: Mapping[tuple[int, int], tuple[int, int]]) -> str:
    """
    Return the share of answers for each hour of each weekday.

    :param cells: for a weekday (0 is Monday) and an hour how many were called, and how many of them answered.
    """
    height = 7 * _ROW + 18
    called, answered = (sum(cell[place] for cell in cells.values()) for place in (0, 1))
    parts = [_opened(f"{title}: {answered} of {called} answered", height)]
    step = (100 - _GUTTER) / 24
    for day, name in enumerate(WEEKDAYS):
        y = day * _ROW
        parts.append(f'<text class="axis" x="0" y="{y + 14}">{name}</text>')
        for hour in range(24):
            calls, answers = cells.get((day, hour), (0, 0))
            told = f"{name} {hour:02}:00: no calls"
            look = 'class="empty"'
            if calls:
                told = f"{name} {hour:02}:00: {answers} of {calls} answered ({percent(answers, calls)})"
                look = f'class="answered" fill-opacity="{0.12 + 0.88 * answers / calls:.2f}"'
            parts.append(
                f'<rect {look} x="{_GUTTER + hour * step:.3f}%" y="{y + 1}" width="{step * 0.92:.3f}%" '
                f'height="{_ROW - 2}" rx="2"><title>{told}</title></rect>'
            )
    for hour in range(0, 24, 3):
        x = _GUTTER + (hour + 0.46) * step
        parts.append(f'<text class="axis" x="{x:.3f}%" y="{height - 4}" text-anchor="middle">{hour:02}</text>')
    return "".join([*parts, "</svg>"])


def percent(part: int, whole: int) -> str:
    """Return a share in whole percent; it is 0 or 100 only where it is so exactly."""
    if not whole:
        return ""
    if 0 < part < whole:
        return f"{min(max(round(100 * part / whole), 1), 99)} %"
    return "100 %" if part else "0 %"


def round_up(value: int) -> int:
    """Return the next number of the form 1, 2, 4, 5, 6, 8 or 10 times a power of ten, for the top of an axis."""
    if value <= 1:
        return max(value, 1)
    power = 10 ** floor(log10(value))
    return next(int(step * power) for step in (1, 2, 4, 5, 6, 8, 10) if step * power >= value)


def shortened(value: int) -> str:
    """Return a count in few characters: ``950``, ``1.2k``, ``3M``."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return str(value)


def _widths(counts: Sequence[int], total: int) -> list[float]:
    """Return the widths of a bar's parts in percent: 2 at least for what is there, so that it is seen."""
    if not total:
        return [0.0 for _ in counts]
    widths = [max(100 * count / total, 2.0) if count else 0.0 for count in counts]
    whole = sum(widths)
    return [100 * width / whole for width in widths]


def _told(column: Column, total: int) -> str:
    states = ", ".join(f"{count} {state}" for state in STATES if (count := column.counts.get(state, 0)))
    return f"{column.label}: {states}" if total else f"{column.label}: no calls"


def _opened(said: str, height: int) -> str:
    return f'<svg class="picture" role="img" aria-label="{escape(said)}" width="100%" height="{height}">'

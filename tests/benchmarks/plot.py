"""One section as horizontal bars, in SVG."""

from __future__ import annotations

from html import escape

from tests.benchmarks.figures import Row, Section

__all__ = ["bars"]

_WIDTH, _NAMES, _BAR, _GAP, _TOP = 860, 370, 18, 8, 64
_FONT = "font-family='system-ui, sans-serif'"


def bars(section: Section, footer: str) -> str:
    """A bar per row: its median, a line over the middle half of the rounds, and a mark at the target."""
    rows = sorted((row for row in section.rows if row.failure is None), key=lambda row: row.median)
    scale = (_WIDTH - _NAMES - 90) / max(row.quartiles[1] for row in rows)
    height = _TOP + len(rows) * (_BAR + _GAP) + 36
    drawn = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {height}' width='{_WIDTH}' height='{height}' role='img'>",
        f"<title>{escape(section.title)}</title>",
        "<rect width='100%' height='100%' fill='#ffffff'/>",
        _text(16, 26, section.title, size=16, weight="bold"),
        _text(16, 46, f"{section.unit}; shorter is better, a mark is a target", size=12, colour="#57606a"),
        *(_bar(row, _TOP + number * (_BAR + _GAP), scale) for number, row in enumerate(rows)),
        _text(16, height - 12, footer, size=10, colour="#57606a"),
        "</svg>",
    ]
    return "\n".join(drawn) + "\n"


def _bar(row: Row, y: int, scale: float) -> str:
    low, high = (_NAMES + value * scale for value in row.quartiles)
    colour = "#1a7f37" if row.is_ours else "#8c959f"
    middle, end = y + _BAR / 2, _NAMES + row.median * scale
    name = f"ours: {row.name}" if row.is_ours else row.name
    parts = [
        _text(_NAMES - 8, y + 13, name, anchor="end", weight="bold" if row.is_ours else "normal"),
        f"<rect x='{_NAMES}' y='{y}' width='{row.median * scale:.1f}' height='{_BAR}' fill='{colour}'/>",
        f"<line x1='{low:.1f}' y1='{middle}' x2='{high:.1f}' y2='{middle}' stroke='#24292f'/>",
        _text(max(end, high) + 6, y + 13, f"{row.median:.2f}"),
    ]
    if row.target is not None:
        x = _NAMES + row.target * scale
        parts.append(
            f"<line x1='{x:.1f}' y1='{y - 3}' x2='{x:.1f}' y2='{y + _BAR + 3}' stroke='#cf222e' stroke-width='2'/>"
        )
    return "".join(parts)


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 11,
    anchor: str = "start",
    weight: str = "normal",
    colour: str = "#24292f",
) -> str:
    style = f"font-size='{size}' font-weight='{weight}' text-anchor='{anchor}' fill='{colour}'"
    return f"<text x='{x:.1f}' y='{y}' {_FONT} {style}>{escape(text)}</text>"

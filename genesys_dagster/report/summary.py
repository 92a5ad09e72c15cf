"""The report in small, for the materialization's metadata: a few figures and a drawing of the volumes."""

import base64
from collections.abc import Sequence

from genesys_dagster.report.window import ReportData
from genesys_dagster.report.words import day, duration, percent, whole

_WIDTH, _HEIGHT, _PLOT = 600, 130, 104


def summary(data: ReportData) -> str:
    """Markdown with a table of the main figures and a chart, which is part of the text."""
    now, before = data.now, data.before
    calls_now, calls_before = data.calls.now, data.calls.before
    rows = [
        (f"{data.days_now} days up to {day(data.window.last)}", "", f"{data.days_before} days before"),
        ("---", "---:", "---:"),
        ("Offered", whole(now.offered), whole(before.offered)),
        ("Service level", percent(now.service_level), percent(before.service_level)),
        ("Abandon rate", percent(now.abandon_rate), percent(before.abandon_rate)),
        ("Answer time of calls", duration(calls_now.answer_mean), duration(calls_before.answer_mean)),
        ("Handle time", duration(now.handle_mean), duration(before.handle_mean)),
    ]
    columns = 3 if data.days_before else 2  # nothing to compare with is not nothing offered
    table = "\n".join(f"| {' | '.join(row[:columns])} |" for row in rows)
    picture = base64.b64encode(svg(data).encode()).decode()
    return f"![Offered and service level by day](data:image/svg+xml;base64,{picture})\n\n{table}\n"


def svg(data: ReportData) -> str:
    """Offered interactions by day as bars, the service level as a line over them."""
    days = [data.by_day.get(day) for day in data.shown_days]
    most = max((figures.offered for figures in days if figures), default=0) or 1
    step = _WIDTH / len(days)
    bars = "".join(
        f'<rect x="{at * step + 2:.1f}" y="{_PLOT - height:.1f}" width="{step - 4:.1f}" height="{height:.1f}" rx="2"/>'
        for at, figures in enumerate(days)
        if figures and (height := _PLOT * figures.offered / most)
    )
    points = [
        None
        if figures is None or figures.service_level is None
        else f"{(at + 0.5) * step:.1f},{_PLOT * (1 - figures.service_level):.1f}"
        for at, figures in enumerate(days)
    ]
    label = "bars: offered by day, at most " + whole(most) + " · line: service level, 0 to 100 %"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 -6 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}">'
        f'<g fill="#a9c6fb">{bars}</g>'
        f'<g fill="none" stroke="#12a594" stroke-width="2.5" stroke-linejoin="round" stroke-linecap="round">{_lines(points)}</g>'
        f'<text x="2" y="{_PLOT + 16}" font-family="sans-serif" font-size="12" fill="#7a8794">{label}</text></svg>'
    )


def _lines(points: Sequence[str | None]) -> str:
    """A line for each stretch of days without a gap; a day alone is a dot."""
    stretches: list[list[str]] = [[]]
    for point in points:
        if point is None:
            stretches.append([])
        else:
            stretches[-1].append(point)
    # A line from a point to itself is drawn as a dot by round caps.
    return "".join(f'<polyline points="{" ".join((s[0], *s))}"/>' for s in stretches if s)

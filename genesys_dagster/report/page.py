"""The report as one HTML page that needs nothing else: styles, Plotly and data are in it."""

from datetime import date
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING

from genesys_dagster.report import DAYS, tables
from genesys_dagster.report.window import ReportData
from genesys_dagster.report.words import day, percent, target, whole

if TYPE_CHECKING:
    import plotly.graph_objects as go  # type: ignore[import-untyped, unused-ignore]

_HEAT_HEIGHT = 520


def render(data: ReportData, timezone: str) -> str:
    """Draw the page.

    Args:
        data: What to show.
        timezone: Name of the time zone in which the days are days.

    Returns:
        The text of the page; the same data give the same text.
    """
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped, unused-ignore]

    from genesys_dagster.report import charts

    minutes = agent_minutes(data)
    return Template(_file("page.html")).substitute(
        css=_file("page.css"),
        plotly=get_plotlyjs(),
        first_day=day(data.window.first),
        last_day=day(data.window.last),
        days=DAYS,
        fewest=charts.FEWEST,
        notice=_notice(data),
        timezone=escape(timezone),
        targets=_targets(data),
        tiles=tables.tiles(data),
        volumes=_chart("volumes", charts.volumes(data), 330),
        service_level=_chart("service-level", charts.service_level(data), 230),
        abandon_rate=_chart("abandon-rate", charts.abandon_rate(data), 230),
        handle_time=_chart("handle-time", charts.handle_time(data), 230),
        busy=_chart("busy", charts.offered_by_half_hour(data), _HEAT_HEIGHT),
        in_time=_chart("in-time", charts.service_level_by_half_hour(data), _HEAT_HEIGHT),
        queues=tables.queues(data),
        media=tables.media(data),
        weeks=tables.weeks(data),
        agents=_chart("agents", charts.agents(minutes), 230) if minutes else _NO_AGENTS,
        agents_note=_agents_note(data, len(minutes)),
    )


_NO_AGENTS = '<p class="nothing">Nobody handled an interaction on these days.</p>'


def agent_minutes(data: ReportData) -> list[float]:
    """Each agent's mean handle time over the report's days, in minutes, ascending: nobody can be told from it."""
    rows = data.agents[data.agents["day"] >= data.window.first]
    sums = rows.groupby("user_id")[["handled", "handle_seconds"]].sum()
    sums = sums[sums["handled"] > 0]
    return sorted((sums["handle_seconds"] / sums["handled"] / 60).tolist())


def _agents_note(data: ReportData, active: int) -> str:
    rows = data.agents[data.agents["day"] >= data.window.first]
    alerted, missed = int(rows["alerted"].sum()), int(rows["not_responding"].sum())
    share = percent(missed / alerted if alerted else None)
    return f"{whole(active)} agents by their mean handle time; {share} of alerts were not answered."


def _chart(name: str, figure: "go.Figure", height: int) -> str:
    html: str = figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=name,
        default_height=f"{height}px",
        config={"responsive": True, "displayModeBar": False},
    )
    return f'<div class="chart">{html}</div>'


def _notice(data: ReportData) -> str:
    said = []
    if missing := DAYS - data.days_now:
        said.append(f"{missing} of these {DAYS} days are not in the lake yet: unknown, not zero.")
    if data.outdated:
        first, last = (day(date.fromisoformat(key)) for key in (data.outdated[0], data.outdated[-1]))
        said.append(
            f"{len(data.outdated)} days from {first} to {last} lack what older conversations did on them, as they were "
            "computed by a version before: materialize queue_performance and agent_performance of them again."
        )
    return "".join(f'<p class="notice">{sentence}</p>' for sentence in said)


def _targets(data: ReportData) -> str:
    """The targets in the rows: one, or the range where queues differ."""
    targets = sorted(data.now_rows["target_seconds"].dropna().unique())
    if not targets:
        return "the target of its queue"
    if len(targets) == 1:
        return target(targets[0])
    return f"the target of its queue, {target(targets[0])} to {target(targets[-1])}"


@cache
def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")

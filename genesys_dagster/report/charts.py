"""The report's charts, drawn by Plotly. Imported only when a report is made: Plotly takes a second."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go  # type: ignore[import-untyped, unused-ignore]

from genesys_dagster.report.figures import Figures
from genesys_dagster.report.window import ReportData

FEWEST = 5
"""Of fewer interactions no service level by half hour is shown: one caller at night would make it 0 or 100 %."""

BLUE, RED, GREY, TEAL, INK = "#2f6fed", "#e2574c", "#b8c0cc", "#12a594", "#1c2733"
_GRID = "#e8ecf1"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"
_HEAT = ((0.0, "#f3f6fb"), (0.35, "#a9c6fb"), (0.7, "#4b86f0"), (1.0, "#173e93"))
_GOOD_HIGH = ((0.0, "#e2574c"), (0.5, "#f6d98b"), (0.8, "#8fd3b6"), (1.0, "#12806f"))


def volumes(data: ReportData) -> go.Figure:
    """Interactions by day: what became of them, and what is usual on such a weekday."""
    days = data.shown_days
    figure = _figure(barmode="stack")
    for name, colour, value in (
        ("Answered", BLUE, lambda f: f.answered),
        ("Abandoned", RED, lambda f: f.abandoned),
        ("Flowed out", GREY, lambda f: f.flowed_out),
    ):
        figure.add_bar(x=days, y=_of_days(data, value), name=name, marker_color=colour)
    usual = [
        None if (sum_ := data.usual(day)) is None else sum_.offered / data.usual_days(day) for day in days
    ]
    figure.add_scatter(x=days, y=usual, name="Offered on this weekday, 4 weeks before", **_dotted())
    figure.update_layout(bargap=0.25)
    return figure


def service_level(data: ReportData) -> go.Figure:
    """Service level by day."""
    figure = _line(data, lambda f: f.service_level, TEAL, "Service level", scale=100)
    figure.update_yaxes(range=[0, 102], ticksuffix=" %")
    return figure


def abandon_rate(data: ReportData) -> go.Figure:
    """Abandon rate by day."""
    figure = _line(data, lambda f: f.abandon_rate, RED, "Abandon rate", scale=100)
    figure.update_yaxes(rangemode="tozero", ticksuffix=" %")
    return figure


def handle_time(data: ReportData) -> go.Figure:
    """Mean handle time by day, in minutes."""
    figure = _line(data, lambda f: f.handle_mean, BLUE, "Handle time", scale=1 / 60)
    figure.update_yaxes(rangemode="tozero", ticksuffix=" min")
    return figure


def offered_by_half_hour(data: ReportData) -> go.Figure:
    """Offered interactions of a mean day, by weekday and half hour."""

    def mean(weekday: int, figures: Figures | None) -> float | None:
        days = data.weekdays.get(weekday, 0)
        return (figures.offered if figures else 0) / days if days else None

    return _heat_map(data, mean, _HEAT, "%{z:.1f} offered")


def service_level_by_half_hour(data: ReportData) -> go.Figure:
    """Service level by weekday and half hour."""

    def share(_weekday: int, figures: Figures | None) -> float | None:
        if figures is None or figures.service_level_base < FEWEST or figures.service_level is None:
            return None
        return 100 * figures.service_level

    figure = _heat_map(data, share, _GOOD_HIGH, "%{z:.0f} %")
    figure.update_traces(zmin=0, zmax=100)
    return figure


def agents(handle_minutes: Sequence[float]) -> go.Figure:
    """How agents' mean handle times are spread; nobody is named."""
    figure = _figure()
    figure.add_histogram(x=list(handle_minutes), marker_color=BLUE, nbinsx=24, name="Agents")
    figure.update_traces(hovertemplate="%{x} min: %{y} agents<extra></extra>")
    figure.update_xaxes(ticksuffix=" min")
    figure.update_layout(bargap=0.06, showlegend=False, hovermode="closest")
    return figure


def _figure(**layout: Any) -> go.Figure:
    axis = {"gridcolor": _GRID, "zeroline": False, "linecolor": _GRID, "fixedrange": True}
    return go.Figure(
        layout={
            "template": "none",
            "font": {"family": _FONT, "size": 12, "color": INK},
            "margin": {"l": 48, "r": 12, "t": 8, "b": 32},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
            "hovermode": "x unified",
            "xaxis": {**axis, "showgrid": False},
            "yaxis": {**axis, "separatethousands": True},
            **layout,
        }
    )


def _dotted() -> dict[str, Any]:
    line = {"color": INK, "width": 1.5, "dash": "dot"}
    return {"mode": "lines", "line": line, "connectgaps": False, "hovertemplate": "%{y:.1f}"}


def _of_days(data: ReportData, value: Callable[[Figures], float | None]) -> list[float | None]:
    return [value(data.by_day[day]) if day in data.by_day else None for day in data.shown_days]


def _line(
    data: ReportData, value: Callable[[Figures], float | None], colour: str, name: str, *, scale: float
) -> go.Figure:
    days = data.shown_days
    usual = [None if (figures := data.usual(day)) is None else _scaled(value(figures), scale) for day in days]
    figure = _figure()
    figure.add_scatter(x=days, y=usual, name="4 weeks before", **_dotted())
    figure.add_scatter(
        x=days,
        y=[_scaled(share, scale) for share in _of_days(data, value)],
        name=name,
        mode="lines+markers",
        line={"color": colour, "width": 2.5},
        marker={"size": 5},
        hovertemplate="%{y:.1f}",
    )
    return figure


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


def _heat_map(
    data: ReportData,
    value: Callable[[int, Figures | None], float | None],
    colours: Sequence[tuple[float, str]],
    hover: str,
) -> go.Figure:
    """Weekdays across, half hours down: readable on a phone too."""
    cells: Mapping[tuple[int, str], Figures] = data.by_half_hour
    half_hours = _span(half_hour for _, half_hour in cells)
    figure = _figure()
    figure.add_heatmap(
        x=_WEEKDAYS,
        y=half_hours,
        z=[[value(weekday, cells.get((weekday, slot))) for weekday in range(7)] for slot in half_hours],
        colorscale=[list(stop) for stop in colours],
        xgap=2,
        ygap=1,
        hoverongaps=False,
        hovertemplate=f"%{{x}} %{{y}}: {hover}<extra></extra>",
        colorbar={"thickness": 10, "outlinewidth": 0},
    )
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False, nticks=16)
    figure.update_xaxes(side="top", type="category")
    figure.update_layout(hovermode="closest", margin={"l": 48, "r": 8, "t": 28, "b": 8})
    return figure


def _span(half_hours: Any) -> list[str]:
    """Every half hour from the first to the last that has something."""
    every = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 30)]
    found = {half_hour for half_hour in half_hours if half_hour in every}
    if not found:
        return every
    return every[every.index(min(found)) : every.index(max(found)) + 1]

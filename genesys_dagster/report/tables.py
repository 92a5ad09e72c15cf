"""The report's tables and tiles, as HTML. Every value is escaped here."""

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from genesys_dagster.report import DAYS
from genesys_dagster.report.figures import Figures
from genesys_dagster.report.window import ReportData
from genesys_dagster.report.words import UNKNOWN, duration, percent, short_day, whole

_HEAD = ("Offered", "Service level", "Abandon rate", "Answer time", "Handle time")


def tiles(data: ReportData) -> str:
    """The figures of all days together, each with its change against the days before."""
    now, before = data.now, data.before
    daily = now.offered / data.days_now if data.days_now else None
    daily_before = before.offered / data.days_before if data.days_before else None
    compared = bool(data.days_before)
    return "".join(
        (
            _tile("Offered", whole(now.offered), f"{whole(daily)} a day", _change(daily, daily_before)),
            _tile(
                "Service level",
                percent(now.service_level),
                f"{whole(now.answered_in_target if now.service_level_base else None)} answered in time",
                _points(now.service_level, before.service_level if compared else None, good=1),
            ),
            _tile(
                "Abandon rate",
                percent(now.abandon_rate),
                f"{whole(now.abandoned)} abandoned",
                _points(now.abandon_rate, before.abandon_rate if compared else None, good=-1),
            ),
            _tile(
                "Answer time",
                duration(data.calls.now.answer_mean),
                "mean wait of calls",
                _change(data.calls.now.answer_mean, data.calls.before.answer_mean, good=-1),
            ),
            _tile(
                "Handle time",
                duration(now.handle_mean),
                f"mean of {whole(now.handled)} handled",
                _change(now.handle_mean, before.handle_mean),
            ),
            _tile(
                "Transfers",
                percent(now.transfer_rate),
                "per handled interaction",
                _points(now.transfer_rate, before.transfer_rate if compared else None, good=-1),
            ),
        )
    )


def queues(data: ReportData) -> str:
    """One line per queue and medium, the busiest first; the medium is named where a queue has several."""
    media = Counter(queue for queue, _ in data.by_queue)
    lines = [
        (_queue_name(data, queue, medium if media[queue] > 1 else ""), figures)
        for (queue, medium), figures in data.by_queue.items()
    ]
    return _table("Queue", _ranked(lines))


def _queue_name(data: ReportData, queue: str, medium: str | None) -> str:
    name = str(data.queue_names.get(queue, queue))
    return name if medium == "" else f"{name}, {medium or 'unknown'}"


def media(data: ReportData) -> str:
    """One line per medium, the busiest first."""
    lines = [(str(medium or "unknown"), f) for medium, f in Figures.by(data.now_rows, ["media_type"]).items()]
    return _table("Medium", _ranked(lines))


def weeks(data: ReportData) -> str:
    """One line per week, the latest first, of the report and the weeks before; the answer time is that of calls."""
    lines, calls = [], []
    for monday, (days, figures) in sorted(data.by_week.items(), reverse=True):
        name = f"Week of {short_day(monday)}" + (f" ({days} of 7 days)" if days < 7 else "")
        lines.append((name, figures))
        calls.append(data.calls.by_week[monday][1].answer_mean)
    return _table("Week", lines, calls)


def _ranked(lines: Iterable[tuple[str, Figures]]) -> list[tuple[str, Figures]]:
    return sorted(lines, key=lambda line: (-line[1].offered, -line[1].handled, line[0]))


def _table(
    first: str, lines: Sequence[tuple[str, Figures]], answer_times: Sequence[float | None] | None = None
) -> str:
    if not lines:
        return '<p class="nothing">Nothing happened on these days.</p>'
    most = max(figures.offered for _, figures in lines) or 1
    head = "".join(f"<th>{name}</th>" for name in (first, *_HEAD))
    waits = [figures.answer_mean for _, figures in lines] if answer_times is None else answer_times
    body = "".join(
        _line(name, figures, figures.offered / most, wait)
        for (name, figures), wait in zip(lines, waits, strict=True)
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _line(name: str, figures: Figures, share: float, wait: float | None) -> str:
    level = figures.service_level
    cells = (
        f'<td class="bar"><i style="width:{100 * share:.1f}%"></i><b>{whole(figures.offered)}</b></td>',
        f'<td class="{_grade(level)}">{percent(level)}</td>',
        f"<td>{percent(figures.abandon_rate)}</td>",
        f"<td>{duration(wait)}</td>",
        f"<td>{duration(figures.handle_mean)}</td>",
    )
    return f'<tr><th scope="row">{escape(name)}</th>{"".join(cells)}</tr>'


def _grade(level: float | None) -> str:
    # 80 % is the share that Genesys Cloud sets at new queues (Genesys help, "Create queues").
    return "unknown" if level is None else "good" if level >= 0.8 else "poor" if level < 0.6 else "fair"


def _tile(name: str, value: str, note: str, change: str) -> str:
    return f'<div class="tile"><h3>{name}</h3><strong>{value}</strong>{change}<small>{note}</small></div>'


def _change(now: float | None, before: float | None, good: int = 0) -> str:
    """A change in per cent of what was before; `good` is the sign of a change for the better, 0 for neither."""
    if now is None or not before:
        return _no_change()
    change = now / before - 1
    return _arrow(change, f"{abs(100 * change):.1f} %", good)


def _points(now: float | None, before: float | None, good: int) -> str:
    """A change of shares, in percentage points."""
    if now is None or before is None:
        return _no_change()
    return _arrow(now - before, f"{abs(100 * (now - before)):.1f} points", good)


def _arrow(change: float, text: str, good: int) -> str:
    if abs(change) < 0.0005:
        return f'<em title="against the {DAYS} days before">unchanged</em>'
    kind = "" if not good else "better" if change * good > 0 else "worse"
    return (
        f'<em class="{kind}" title="against the {DAYS} days before">{"▲" if change > 0 else "▼"} {text}</em>'
    )


def _no_change() -> str:
    return f'<em title="nothing to compare with">{UNKNOWN}</em>'

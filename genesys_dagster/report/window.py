"""Which days the report is about, and the rows of those days."""

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from genesys_dagster.report import DAYS
from genesys_dagster.report.figures import SUMMED, Figures
from genesys_dagster.sql.figures import is_whole_day, rows_of_days

_USUAL_WEEKS = 4

QUEUE_COLUMNS = ("day", "half_hour", "queue_id", "queue_name", "media_type", "target_seconds", *SUMMED)
AGENT_COLUMNS = ("day", "user_id", "alerted", "not_responding", "handled", "handle_seconds")


@dataclass(frozen=True)
class Window:
    """The last days that the lake has, and as many before for comparison.

    Attributes:
        last: The last day.
        present: Days whose partition is in the lake. A day that is not is unknown, not zero.
    """

    last: date
    present: frozenset[date]

    @classmethod
    def of(cls, partitions: Collection[str]) -> "Window":
        """The window that ends with the last partition.

        Args:
            partitions: Keys of the partitions in the lake, YYYY-MM-DD; at least one.
        """
        days = frozenset(date.fromisoformat(key) for key in partitions)
        return cls(max(days), days)

    @property
    def first(self) -> date:
        """First day of the report."""
        return self.last - timedelta(days=DAYS - 1)

    @property
    def first_before(self) -> date:
        """First day of the comparison."""
        return self.first - timedelta(days=DAYS)

    @property
    def days(self) -> list[date]:
        """Every day of the report, present or not."""
        return [self.first + timedelta(days=number) for number in range(DAYS)]

    @property
    def known(self) -> list[date]:
        """Days of the report and the comparison that are in the lake, in order."""
        return sorted(day for day in self.present if self.first_before <= day <= self.last)

    def is_needed(self, partition: str) -> bool:
        """Whether a partition is a day of the report or of the comparison."""
        return self.first_before <= date.fromisoformat(partition) <= self.last


def rows(partitions: Mapping[str, ds.Dataset], columns: Sequence[str], window: Window) -> pd.DataFrame:
    """The rows of the window.

    Args:
        partitions: Partition key to rows.
        columns: Columns to read, `day` among them.
        window: The days to read.

    Returns:
        A frame with the columns.
    """
    known = {str(day) for day in window.known}
    batches = list(rows_of_days({key: day for key, day in partitions.items() if key in known}, columns))
    if not batches:
        return pd.DataFrame({name: [] for name in columns})
    frame: pd.DataFrame = pa.Table.from_batches(batches).to_pandas(date_as_object=True)
    return frame


def outdated(partitions: Mapping[str, ds.Dataset], window: Window) -> list[str]:
    """Days of the window in order that lack what older conversations did on them, as they were computed before."""
    known = {str(day) for day in window.known}
    return sorted(key for key, day in partitions.items() if key in known and not is_whole_day(day.schema))


@dataclass(frozen=True)
class ReportData:
    """Everything that the report shows.

    Attributes:
        window: The days.
        queues: Rows of `queue_performance`, of the known days of the report and the comparison.
        agents: Rows of `agent_performance` likewise.
        outdated: Days that lack what older conversations did on them.
    """

    window: Window
    queues: pd.DataFrame
    agents: pd.DataFrame
    outdated: Sequence[str] = ()

    @cached_property
    def now_rows(self) -> pd.DataFrame:
        """Rows of the report's days."""
        return self.queues[self.queues["day"] >= self.window.first]

    @cached_property
    def before_rows(self) -> pd.DataFrame:
        """Rows of the comparison's days."""
        return self.queues[self.queues["day"] < self.window.first]

    @cached_property
    def calls(self) -> "ReportData":
        """The voice part. A mean wait says something of calls; e-mails wait for hours and would drown them."""
        return ReportData(self.window, self.queues[self.queues["media_type"] == "voice"], self.agents)

    @cached_property
    def days_now(self) -> int:
        """How many of the report's days are in the lake."""
        return sum(self.window.first <= day <= self.window.last for day in self.window.present)

    @cached_property
    def days_before(self) -> int:
        """How many of the comparison's days are in the lake."""
        return sum(self.window.first_before <= day < self.window.first for day in self.window.present)

    @cached_property
    def shown_days(self) -> list[date]:
        """The report's days from the first one on that is in the lake: what charts of days show."""
        return [day for day in self.window.days if day >= min(self.window.present)]

    @cached_property
    def now(self) -> Figures:
        """All of the report's days together."""
        return Figures.of(self.now_rows)

    @cached_property
    def before(self) -> Figures:
        """All of the comparison's days together."""
        return Figures.of(self.before_rows)

    @cached_property
    def by_day(self) -> Mapping[date, Figures]:
        """Each present day of the report and the comparison; a day without rows has zeros."""
        found = Figures.by(self.queues, ["day"])
        return {day: found.get(day, Figures()) for day in self.window.known}

    def usual(self, day: date) -> Figures | None:
        """The sum of the same weekday in the four weeks before, as far as present; None if it is in none of them."""
        return self._summed([day - timedelta(weeks=week) for week in range(1, _USUAL_WEEKS + 1)])

    def usual_days(self, day: date) -> int:
        """Of how many days `usual` is the sum."""
        return sum(day - timedelta(weeks=week) in self.by_day for week in range(1, _USUAL_WEEKS + 1))

    @cached_property
    def by_week(self) -> Mapping[date, tuple[int, Figures]]:
        """Monday to number of present days and figures, of the report and the comparison."""
        mondays: dict[date, list[date]] = {}
        for day in self.by_day:
            mondays.setdefault(day - timedelta(days=day.weekday()), []).append(day)
        return {monday: (len(days), self._summed(days) or Figures()) for monday, days in mondays.items()}

    @cached_property
    def by_half_hour(self) -> Mapping[tuple[int, str], Figures]:
        """Weekday (Monday is 0) and half hour to figures, of the report's days."""
        weekdays = self.now_rows.assign(weekday=[day.weekday() for day in self.now_rows["day"]])
        return Figures.by(weekdays, ["weekday", "half_hour"])  # type: ignore[return-value]

    @cached_property
    def by_queue(self) -> Mapping[tuple[str, str | None], Figures]:
        """Queue and medium to figures, of the report's days."""
        return Figures.by(self.now_rows, ["queue_id", "media_type"])  # type: ignore[return-value]

    @cached_property
    def weekdays(self) -> Mapping[int, int]:
        """Weekday to the number of the report's days that are in the lake."""
        return Counter(day.weekday() for day in self.window.days if day in self.window.present)

    @cached_property
    def queue_names(self) -> Mapping[Hashable, str]:
        """Queue to the name that it had last; its id where there is none."""
        named = self.queues.dropna(subset=["queue_name"]).sort_values("day", kind="stable")
        return dict(zip(named["queue_id"], named["queue_name"], strict=True))

    def _summed(self, days: Sequence[date]) -> Figures | None:
        known = [self.by_day[day] for day in days if day in self.by_day]
        if not known:
            return None
        return Figures(**{name: sum(getattr(figures, name) for figures in known) for name in SUMMED})

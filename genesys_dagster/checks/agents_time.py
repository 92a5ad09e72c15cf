"""A day's seconds of agents against Genesys Cloud's own sums: what is compared, and what counts as different.

Compared are a user's seconds in each system presence, presence definition and routing status, both ways. Three things are
no difference:

- Time in a status that has not ended: Genesys Cloud counts a status once it has (see `genesys.user_aggregates`), so its
  figure lies between the ended periods alone and all of them.
- One status through the whole day of which nothing is known here: it may be missing from the details of the day (Genesys
  developer docs, "User detail query": stored under its start day and its end day).
- Offline: a published client that compares the same leaves it out, because most such periods are of that kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.user_aggregates import DEFINITION, PRESENCE, ROUTING, Category, UserAggregates
from genesys_dagster.lazy import pa, pc
from genesys_dagster.sql.columns.agents_time import PRESENCE_SECONDS, ROUTING_SECONDS

# As that client has them (laggyzee/genesys-mcp, _user_details.py, `_reconcile`), per user and status.
TOLERANCE_SECONDS, TOLERANCE_SHARE = 120.0, 0.02
_A_SECOND = 1.0
# The same in every org (published answers of three).
_OFFLINE = "ccf3c10a-aa2c-4845-8e8d-f59fa48c58e5"
_UNKNOWN = {
    PRESENCE: "unknown_presence_seconds",
    DEFINITION: "unknown_presence_seconds",
    ROUTING: "unknown_routing_seconds",
}
ALL = ""
"""Stands for all users together."""


@dataclass(slots=True)
class Ours:
    """What the figures of a day say.

    Attributes:
        seconds: Time by user and category.
        open: How much of it Genesys Cloud need not count yet.
        unknown: Time of which nothing is known, by user and metric.
        offline: Ids of presence definitions that mean offline.
    """

    seconds: dict[Category, float] = field(default_factory=dict)
    open: dict[Category, float] = field(default_factory=dict)
    unknown: dict[tuple[str, str], float] = field(default_factory=dict)
    offline: set[str] = field(default_factory=lambda: {_OFFLINE})

    @property
    def users(self) -> set[str]:
        """Whose time it is."""
        return {user for user, _ in self.unknown}


class Value(NamedTuple):
    """One compared value, in seconds.

    Attributes:
        category: Of whom, and what.
        ours: All of our time.
        ended: What of it is of periods that have ended.
        theirs: What Genesys Cloud counts.
        is_judged: Whether a difference is held against the day.
    """

    category: Category
    ours: float
    ended: float
    theirs: float
    is_judged: bool

    @property
    def tolerance(self) -> float:
        """How much more or less is no difference."""
        return max(TOLERANCE_SECONDS, TOLERANCE_SHARE * max(self.ours, self.theirs))

    @property
    def excess(self) -> float:
        """By how much Genesys Cloud counts more than all, or less than the ended part."""
        return max(self.theirs - self.ours, self.ended - self.theirs, 0.0)

    @property
    def agrees(self) -> bool:
        """Whether both sides say the same."""
        return self.excess <= self.tolerance

    @property
    def is_lost(self) -> bool:
        """Whether one side has nothing of it at all."""
        return not min(self.ours, self.theirs) and self.excess > _A_SECOND


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome.

    Attributes:
        compared: How many values of single users were compared.
        differences: Those that differ, the greatest first.
        categories: The sums over all users, offline among them.
        missing: Users of whom Genesys Cloud counts time of which nothing is known here.
        only_theirs: Users who have time in Genesys Cloud's sums alone.
        only_ours: Users who have none there.
        whole_days: How many users had one status through the day that is not known here.
    """

    compared: int
    differences: list[Value]
    categories: list[Value]
    missing: list[str]
    only_theirs: list[str]
    only_ours: list[str]
    whole_days: int


def our_time(daily: pa.Table, presence: pa.Table, routing: pa.Table, late: pa.Table, day: Interval) -> Ours:
    """Take the figures of a day, and what of them is of periods that are open.

    Args:
        daily: `agent_status_daily`.
        presence: The day's `user_presence`.
        routing: The day's `user_routing_status`.
        late: The day's `late_user_status`.
        day: The day.
    """
    ours = Ours()
    for row in daily.to_pylist():
        user = row["user_id"]
        times = [(PRESENCE, status, row[column]) for status, column in PRESENCE_SECONDS.items()]
        times += [(ROUTING, status, row[column]) for status, column in ROUTING_SECONDS.items()]
        times += [(DEFINITION, name, seconds) for name, seconds in row["presence_definition_seconds"] or ()]
        ours.seconds |= {Category(user, metric, name): seconds for metric, name, seconds in times if seconds}
        ours.unknown |= {(user, metric): row[column] for metric, column in _UNKNOWN.items()}
    of_presence = {PRESENCE: "system_presence", DEFINITION: "organization_presence_id"}
    for kind, table, names in (
        ("presence", presence, of_presence),
        ("routing_status", routing, {ROUTING: "routing_status"}),
    ):
        columns = ["user_id", "start_time", "end_time", *names.values()]
        periods = pa.concat_tables(
            [table.select(columns), late.filter(pc.equal(late["kind"], kind)).select(columns)]
        )
        _add_open(ours, periods, names, day)
    is_offline = pc.equal(presence["system_presence"], "OFFLINE")
    ours.offline.update(presence.filter(is_offline)["organization_presence_id"].drop_null().to_pylist())
    return ours


def _add_open(ours: Ours, periods: pa.Table, names: Mapping[str, str], day: Interval) -> None:
    """Note what is of open periods: the last one of a user if it has no end; and what lasts through the day."""
    last = periods.group_by("user_id").aggregate([("start_time", "max")])
    starts = dict(zip(last["user_id"].to_pylist(), last["start_time_max"].to_pylist(), strict=True))
    for row in periods.filter(pc.is_null(periods["end_time"])).to_pylist():
        if row["start_time"] is not None and row["start_time"] == starts[row["user_id"]]:
            seconds = (day.end - row["start_time"]).total_seconds()
            for metric, column in names.items():
                category = Category(row["user_id"], metric, str(row[column]))
                # One that began before the day is all there is of the category.
                ours.open[category] = min(seconds, ours.seconds.get(category, 0.0))
    for category, seconds in ours.seconds.items():
        if category.metric in names and category.user not in starts:
            ours.open[category] = seconds


def compare(ours: Ours, theirs: UserAggregates, day: Interval) -> Comparison:
    """Compare all categories of all users, each and together.

    A category of all users together is judged as one of a single user is, so that a status of which each has only a
    little is not lost unseen.
    """
    seconds = {category: time / 1_000 for category, time in theirs.milliseconds.items()}
    length = day.length.total_seconds()
    offline = ours.offline | theirs.definitions.get("OFFLINE", set())
    whole = set(_whole_days(ours, seconds, length))
    values = [
        Value(
            category,
            ours.seconds.get(category, 0.0),
            ours.seconds.get(category, 0.0) - ours.open.get(category, 0.0),
            seconds.get(category, 0.0),
            not is_offline(category, offline),
        )
        for category in sorted({*ours.seconds, *seconds})
        if category.metric not in theirs.refused and (category.user, category.metric) not in whole
    ]
    judged = [value for value in values if value.is_judged]
    categories = list(_together(values))
    differences = [value for value in judged if not value.agrees]
    missing = {
        value.category.user
        for value in differences
        if value.theirs > value.ours
        and ours.unknown.get((value.category.user, value.category.metric), length) > TOLERANCE_SECONDS
    }
    differences += [value for value in categories if value.is_judged and (value.is_lost or not value.agrees)]
    differences.sort(key=lambda value: -value.excess)
    have_time = {value.category.user for value in judged if value.theirs}
    ended = {value.category.user for value in judged if value.ended > _A_SECOND}
    return Comparison(
        len(judged),
        differences,
        categories,
        sorted(missing),
        sorted(have_time - ours.users),
        sorted(ended - {category.user for category in seconds}),
        len({user for user, _ in whole}),
    )


def is_offline(category: Category, definitions: Iterable[str]) -> bool:
    """Whether a category means offline."""
    if category.metric == DEFINITION:
        return category.value in definitions
    return category.metric == PRESENCE and category.value == "OFFLINE"


def _whole_days(ours: Ours, theirs: Mapping[Category, float], length: float) -> Iterator[tuple[str, str]]:
    """User and metric where nothing is known here, and Genesys Cloud has the whole day in one category."""
    for category, seconds in theirs.items():
        unknown = ours.unknown.get((category.user, category.metric), length)
        if min(unknown, seconds) > length - _A_SECOND:
            yield category.user, category.metric


def _together(values: Iterable[Value]) -> Iterator[Value]:
    """The sums over all users."""
    found: dict[tuple[str, str], list[Value]] = {}
    for value in values:
        found.setdefault((value.category.metric, value.category.value), []).append(value)
    for (metric, name), of_users in sorted(found.items()):
        yield Value(
            Category(ALL, metric, name),
            sum(value.ours for value in of_users),
            sum(value.ended for value in of_users),
            sum(value.theirs for value in of_users),
            of_users[0].is_judged,
        )

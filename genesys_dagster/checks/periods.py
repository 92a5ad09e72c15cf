"""Themes of periods of presence and routing status: each once, where it belongs, one after the other, of known values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import partial

import dagster as dg

from genesys_dagster.checks.finding import WARN, Finding
from genesys_dagster.checks.identity import Window
from genesys_dagster.checks.leaves import Rows
from genesys_dagster.checks.references import Names
from genesys_dagster.checks.state import OpenRecords, UnknownFields
from genesys_dagster.checks.themes import Day, Records, ThemeCheck
from genesys_dagster.lazy import np, pa, pc
from genesys_dagster.records.model.user_status import ROUTING_STATUSES, SYSTEM_PRESENCES

PERIODS = Records("periods", "user_id", "start_time", "end_time", "unknown_fields")
# An end equals the next start to the millisecond in published answers (GenesysCloudBlueprints, "Generate Analytics Detailed
# Record Metrics"); that it does everywhere is not documented, and a second makes no difference to a figure.
TOLERANCE_MS = 1_000
_KEY = [PERIODS.key, PERIODS.start]
_SHOWN = 10
_OPEN = 2**63 - 1


class UniquePeriods:
    """No user has two periods that began in the same millisecond."""

    def __init__(self, _: Day) -> None:
        from genesys_dagster.records.identities import IdentitySet

        self._seen = IdentitySet()
        self._rows = self._repeats = 0
        self._repeated: list[str] = []

    def see(self, rows: Rows) -> None:
        """Compare with all periods so far. Without a start nothing tells periods apart."""
        rows = Rows(rows.batch.filter(pc.is_valid(rows[PERIODS.start])))
        starts = pc.cast(pc.cast(rows[PERIODS.start], pa.int64()), pa.string())
        keys = pc.binary_join_element_wise(rows[PERIODS.key], starts, " ")
        is_repeated = pa.array(~self._seen.add(keys))
        self._rows += len(rows)
        self._repeats += is_repeated.true_count
        if len(self._repeated) < _SHOWN:
            self._repeated += rows[PERIODS.key].filter(is_repeated).to_pylist()

    def finding(self) -> Finding:
        """Say how many come again."""
        return Finding(
            passed=not self._repeats,
            summary=f"{self._repeats:,} of {self._rows:,} rows repeat a user_id and start_time."
            if self._repeats
            else f"All {self._rows:,} periods are different.",
            figures={"rows": self._rows, "repeated_users": ", ".join(self._repeated[:_SHOWN]) or "none"},
        )


class InOrder:
    """Periods end after they begin, and before the user's next one begins."""

    def __init__(self, _: Day) -> None:
        self._users: dict[str, int] = {}
        self._seen: list[np.ndarray] = []

    def see(self, rows: Rows) -> None:
        """Keep what is needed of each period: 24 bytes."""
        rows = Rows(rows.batch.filter(pc.is_valid(rows[PERIODS.start])))
        users = [self._users.setdefault(user, len(self._users)) for user in rows[PERIODS.key].to_pylist()]
        starts, ends = (pc.cast(rows[name], pa.int64()) for name in (PERIODS.start, PERIODS.end))
        self._seen.append(np.array([users, starts, pc.fill_null(ends, _OPEN)], np.int64))

    def finding(self) -> Finding:
        """Say how many do not."""
        seen = np.concatenate([np.empty((3, 0), np.int64), *self._seen], axis=1)
        users, starts, ends = seen[:, np.lexsort(seen[::-1])]
        backwards = int(np.count_nonzero(ends < starts))
        is_followed = users[1:] == users[:-1]
        still_open = int(np.count_nonzero(is_followed & (ends[:-1] == _OPEN)))
        excess = np.where(is_followed & (ends[:-1] != _OPEN), ends[:-1] - starts[1:], 0)
        overlaps = excess > TOLERANCE_MS
        faults = backwards + still_open + int(np.count_nonzero(overlaps))
        return Finding(
            passed=not faults,
            severity=WARN,
            summary=f"{faults:,} of {len(users):,} periods end before they begin, or not before the user's next one begins. "
            "Figures count a period until the next one begins."
            if faults
            else f"All {len(users):,} periods are in order.",
            figures={
                "periods": len(users),
                "end_before_start": backwards,
                "overlaps": int(np.count_nonzero(overlaps)),
                "overlapping_seconds": float(excess[overlaps].sum() / 1_000),
                "open_before_next": still_open,
                "tolerance_ms": TOLERANCE_MS,
            },
        )


class KnownValues:
    """A status is one of those that there are.

    Args:
        column: Where it stands.
        known: Which there are.
    """

    def __init__(self, _: Day, column: str, known: Collection[str]) -> None:
        self._column, self._known = column, known
        self._values: Counter[str | None] = Counter()

    def see(self, rows: Rows) -> None:
        """Count the values."""
        for entry in pc.value_counts(rows[self._column]).to_pylist():
            self._values[entry["values"]] += entry["counts"]

    def finding(self) -> Finding:
        """Name those that are new."""
        unknown = {
            value or "(none)": count
            for value, count in self._values.most_common()
            if value not in self._known
        }
        total = self._values.total()
        return Finding(
            passed=not unknown,
            severity=WARN,
            summary=f"{sum(unknown.values()):,} of {total:,} periods have no {self._column}, or one that this version does "
            "not know and has no figure for."
            if unknown
            else f"All {total:,} periods have a {self._column} that is known.",
            figures={"unknown_values": dg.MetadataValue.json(unknown)},
        )


def _of_status(column: str, known: Collection[str]) -> tuple[ThemeCheck, ...]:
    return (
        ThemeCheck(
            "unique_periods",
            "A `user_id` and `start_time` stand in the partition once: nothing else tells periods apart.",
            UniquePeriods,
            frozenset(_KEY),
            blocking=True,
        ),
        ThemeCheck(
            "window",
            "Each period began on the partition's day in the configured time zone. Otherwise it would be missing on its own "
            "day, or count twice.",
            partial(Window, of=PERIODS),
            frozenset(_KEY),
            blocking=True,
        ),
        ThemeCheck(
            "periods_in_order",
            "No period ends before it begins, or after the user's next one begins, give or take "
            f"{TOLERANCE_MS:,} ms. Figures count a period until the next one begins, whatever its end.",
            InOrder,
            frozenset([*_KEY, PERIODS.end]),
        ),
        ThemeCheck(
            "open_periods",
            "How many periods have no end as far as is known. Informs, never fails: ends are put in when they become known.",
            partial(OpenRecords, of=PERIODS),
            frozenset([PERIODS.end]),
        ),
        ThemeCheck(
            "unknown_fields",
            "Warns when Genesys Cloud sends fields, or types of values, that the columns do not hold. Nothing is lost: they "
            "stand in `unknown_fields`.",
            partial(UnknownFields, of=PERIODS),
            frozenset([PERIODS.unknown_fields]),
        ),
        ThemeCheck(
            "known_values",
            f"Every `{column}` is one that this version knows: {', '.join(known)}. Of others there are no figures.",
            partial(KnownValues, column=column, known=known),
            frozenset([column]),
        ),
    )


def _definitions(rows: Rows) -> pa.Array:
    return rows["organization_presence_id"]


PRESENCE = (
    *_of_status("system_presence", SYSTEM_PRESENCES),
    ThemeCheck(
        "presence_definitions_known",
        "Every `organization_presence_id` has a name in the latest snapshot of `presence_definitions`.",
        lambda day: Names(day, "presence_definitions", _definitions),
        frozenset(["organization_presence_id"]),
        names=True,
    ),
)
ROUTING = _of_status("routing_status", ROUTING_STATUSES)

"""The list of what is wanted, for people: each asker's part of it, noted by its ticks and read by a check."""

from collections.abc import Sequence
from datetime import UTC
from typing import NamedTuple

import dagster as dg

from genesys_dagster.memory.notes import note, recall
from genesys_dagster.memory.wanted.steps import Wish
from genesys_dagster.org.org import Org

# Whose part of the list it is: the names of the sensors, before they carry the org's.
NEW_DAYS = "export_new_days"
REFRESHES = "refresh_days"
SWEEPS = "sweep_late_activity_daily"
UPDATES = "update_from_late_activity"
CHECKS = "check_days"
NEW_STATUS = "export_user_status"
STATUS_UPDATES = "update_user_status"
STATUS_CHECKS = "check_user_status"
ASKERS = (NEW_DAYS, REFRESHES, SWEEPS, UPDATES, CHECKS, NEW_STATUS, STATUS_UPDATES, STATUS_CHECKS)
_MOST = 500  # lines per asker; the list is for people


class Line(NamedTuple):
    """One line of the list; instants in ISO 8601.

    Attributes:
        day: Partition key.
        kind: What is wanted of it.
        since: Since when.
        tries: Attempts that have ended without bringing it.
        next: When it is asked for next; None for at once.
        is_under_way: Whether a run for it is queued or running.
    """

    day: str
    kind: str
    since: str
    tries: int
    next: str | None
    is_under_way: bool

    @property
    def waits(self) -> bool:
        """Whether it was tried in vain and nothing is being done about it at the moment."""
        return self.tries > 0 and not self.is_under_way


def show(instance: dg.DagsterInstance, org: Org, asker: str, wishes: Sequence[Wish]) -> bool:
    """Puts an asker's part of the list in the place of what it said before; returns whether that was something else."""
    return note(instance, org, asker, [list(_line(wish)) for wish in wishes[:_MOST]])


def lines(instance: dg.DagsterInstance, org: Org, *askers: str) -> list[Line]:
    """The list, or the parts of some askers, the oldest wish first."""
    noted = recall(instance, org, *(askers or ASKERS))
    return sorted((Line(*line) for part in noted.values() for line in part), key=lambda line: line.since)


def _line(wish: Wish) -> Line:
    step, tried = wish.step, wish.attempts
    next_at = wish.next_at.astimezone(UTC).isoformat(timespec="seconds") if wish.next_at else None
    since = step.since.astimezone(UTC).isoformat(timespec="seconds")
    return Line(step.day, step.kind, since, tried.ended, next_at, tried.is_under_way)

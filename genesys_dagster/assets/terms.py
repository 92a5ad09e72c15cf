"""The terms on which a day's rows are committed: what is stored, what the new version is, and the rules between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import dagster as dg

from genesys_dagster.assets.failures import as_failure
from genesys_dagster.extract.commit import Candidate, Policy, Source, judge
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.memory.pulls import DETAILS, latest_pulls
from genesys_dagster.org.org import Org
from genesys_dagster.records.columns import CONVERSATION_COLUMNS
from genesys_dagster.records.field import Columns

if TYPE_CHECKING:
    from genesys_dagster.lake.stored import StoredVersion
    from genesys_dagster.lake.terms import Finished, Span, Terms

_FACT = "genesys_dagster."
_SOURCE, _START, _END, _MISSING = (_FACT + name for name in ("source", "start", "end", "announced_missing"))


@dataclass(frozen=True, slots=True)
class Rows:
    """What the rows of a day are.

    Attributes:
        noun: In the plural.
        key: What tells them apart.
        at: The column by whose instant a stored row is one of the day's, which a new version should have; None if all are.
        without: Whether rows without that instant are.
    """

    noun: str
    key: tuple[str, ...]
    at: str | None
    without: bool = True

    def span(self, window: Interval) -> Span | None:
        """Which stored rows a new version should have."""
        from genesys_dagster.lake.terms import Span

        return Span(self.at, window.start, window.end, self.without) if self.at else None


_START_COLUMN = "conversationStart"
CONVERSATIONS = Rows("conversations", ("conversationId",), _START_COLUMN)
OLDER_CONVERSATIONS = Rows("conversations", ("conversationId",), None)


@dataclass(frozen=True, slots=True)
class Came:
    """What a new version is made of.

    Attributes:
        source: Where its rows were pulled from; None if the instance does not know.
        announced: How many conversations were announced for what was asked; None if that is unknown.
        received: How many different ones came.
        missing: How many were missing before, of a version that was not pulled.
    """

    source: str | None = None
    announced: int | None = None
    received: int = 0
    missing: int = 0


def stored_day(
    context: dg.AssetExecutionContext,
    org: Org,
    day: str,
    asset: str = DETAILS,
    columns: Columns = CONVERSATION_COLUMNS,
) -> StoredVersion | None:
    """The stored version of a day, as it is before anything is asked of Genesys Cloud; None if there is none.

    With another IO manager than ours nothing is known of it.
    """
    lake = getattr(context.resources, org.lake)
    if not isinstance(lake, S3ParquetIOManager):
        return None
    return lake.stored(org.key(asset), org.days.partitions, day, columns.schema)


def source_of(
    instance: dg.DagsterInstance, org: Org, day: str, stored: StoredVersion | None
) -> Source | None:
    """Where the rows of a stored version come from, by the object, else by the instance that remembers its pull."""
    if stored is None or stored.rows is None:
        return None
    said = stored.facts.get(_SOURCE)
    if said is None:
        pull = latest_pulls(instance, org, [day]).get(day)
        said = str(pull.metadata["source"].value) if pull and "source" in pull.metadata else None
    return cast("Source", said) if said in ("job", "query") else None


def window_of_ended(org: Org, day: str) -> Interval:
    """The bounds of a day.

    Raises:
        dagster.Failure: It is not over yet.
    """
    window = org.days.window(day)
    if window.end > datetime.now(UTC):
        raise dg.Failure(
            f"{day} is not over yet: it can be exported from {window.end.isoformat()} on.",
            allow_retries=False,
        )
    return window


def window_of_stored(stored: StoredVersion) -> Interval | None:
    """The bounds by which a stored version was cut; None for an object of before they travelled with it."""
    return window_of(stored.facts)


def window_of(facts: Mapping[str, str]) -> Interval | None:
    """The same, by what travels with an object."""
    start, end = facts.get(_START), facts.get(_END)
    return Interval(datetime.fromisoformat(start), datetime.fromisoformat(end)) if start and end else None


def said_of(facts: Mapping[str, str]) -> Mapping[str, Any]:
    """What else travels with an object, under the names that materializations have for it."""
    missing = {"announced_missing": int(facts[_MISSING])} if _MISSING in facts else {}
    return {**({"source": facts[_SOURCE]} if _SOURCE in facts else {}), **missing}


def is_updatable(stored: StoredVersion | None, window: Interval) -> TypeGuard[StoredVersion]:
    """Whether later news can be put into a stored day: it is there, has the columns and bounds of now."""
    return stored is not None and stored.has_schema() and not _was_cut_otherwise(stored, window)


def _was_cut_otherwise(stored: StoredVersion, window: Interval) -> bool:
    """Whether a stored day was cut by other bounds, as before a change of the time zone."""
    cut_by = window_of_stored(stored)
    if cut_by is not None:
        return cut_by != window
    bounds = stored.bounds(_START_COLUMN)
    return bounds is not None and not (window.start <= bounds[0] and bounds[1] < window.end)


def terms(  # noqa: PLR0913 - what a judgement needs
    day: str,
    window: Interval,
    stored: StoredVersion | None,
    policy: Policy,
    came: Callable[[], Came],
    *,
    stored_source: Source | None = None,
    rows: Rows = CONVERSATIONS,
) -> Terms:
    """The terms for one day.

    Args:
        day: Partition key.
        window: By which bounds its rows are chosen.
        stored: The stored version.
        policy: What passes.
        came: What the new version is made of; called when its rows are complete.
        stored_source: Where the stored rows come from.
        rows: What they are.
    """
    from genesys_dagster.lake.terms import Terms

    remembered: dict[str, Any] = {}

    def judged(finished: Finished) -> Mapping[str, Any]:
        new, changes = came(), finished.changes
        candidate = Candidate(
            day=day,
            noun=rows.noun,
            rows=finished.rows,
            source=cast("Source | None", new.source),
            announced=new.announced,
            received=new.received,
            stored=None if changes is None else changes.kept + changes.removed,
            removed=0 if changes is None else changes.removed,
            stored_source=stored_source,
        )
        with as_failure():
            verdict = judge(candidate, policy)
        remembered.update(verdict, source=new.source)
        remembered["announced_missing"] = missing = max(int(verdict["announced_missing"]), new.missing)
        return {**verdict, "announced_missing": missing}

    def facts() -> Mapping[str, str]:
        said = {
            _SOURCE: remembered["source"],
            _START: window.start.isoformat(),
            _END: window.end.isoformat(),
            _MISSING: str(remembered["announced_missing"]),
        }
        return {name: value for name, value in said.items() if value is not None}

    return Terms(stored, rows.key, rows.span(window), judged, facts)

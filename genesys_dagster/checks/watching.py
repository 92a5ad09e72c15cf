"""Rows seen on their way to the writer, so that the checks of the same run need not fetch what it has just stored.

What was seen counts for an object only if the store's own digests prove that it holds the bytes that were sent, if it is
still the one that lies there, and if its footer counts as many values of each leaf that was looked at: that the encoder
left something out is what looking before it cannot see. Otherwise, and in every other process, the object is read.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg

from genesys_dagster.checks.finding import Finding
from genesys_dagster.checks.leaves import Rows, count_entries, stored_entries
from genesys_dagster.checks.themes import Day, Theme, ThemeCheck
from genesys_dagster.lazy import ds, pa
from genesys_dagster.org.org import Org

logger = logging.getLogger(__name__)

_IN_THIS_PROCESS = ("in_process", "execute_in_process_executor")

Known = Callable[[str], Collection[str] | None]


class Watched:
    """One partition as it passed by.

    Args:
        day: Which one.
        checks: What is looked for.
        keep: Takes it when its object is stored.
    """

    def __init__(self, day: Day, checks: Sequence[ThemeCheck], keep: Callable[[Watched], None]) -> None:
        self._checks = checks
        self._keep = keep
        self._known: Known | None = None
        self._day = Day(day.key, day.start, day.end, self._names)
        self._themes: dict[str, Theme] = {check.name: check.make(self._day) for check in checks}
        self._findings: dict[str, Finding] = {}
        self._leaves = frozenset[str]().union(*(check.leaves for check in checks))
        self._entries: Counter[str] = Counter()
        self._is_whole = True
        self.etag = ""

    def see(self, rows: pa.Table) -> None:
        """Look at some rows."""
        with self._unless_it_fails() as is_whole:
            for batch in map(Rows, rows.to_batches() if is_whole else ()):
                self._entries.update(count_entries(batch, self._leaves))
                for theme in self._themes.values():
                    theme.see(batch)

    def stored(self, etag: str) -> None:
        """Keep what was found, and of the themes only those that have yet to ask for names."""
        with self._unless_it_fails() as is_whole:
            if is_whole:
                said = [check.name for check in self._checks if not check.names]
                self._findings = {name: self._themes.pop(name).finding() for name in said}
                self.etag = etag
                self._keep(self)

    @contextmanager
    def _unless_it_fails(self) -> Iterator[bool]:
        """What fails here is left to those who read the object: it must not cost the partition."""
        try:
            yield self._is_whole
        except Exception:
            logger.exception("%s was not looked at while it was written", self._day.key)
            self._is_whole = False

    def differences(self, dataset: ds.Dataset) -> Mapping[str, str]:
        """Compare with the footer of what lies there: leaf to how the numbers of its values differ."""
        stored = stored_entries(dataset, self._leaves)
        return {
            leaf: f"has {stored.get(leaf, 0):,} values instead of {written:,}"
            for leaf, written in sorted(self._entries.items())
            if stored.get(leaf, 0) not in (None, written)
        }

    def look(self, names: Collection[str], known: Known) -> dict[str, Finding]:
        """What some checks found."""
        self._known = known
        found = self._findings | {name: theme.finding() for name, theme in self._themes.items()}
        return {name: found[name] for name in names}

    def _names(self, asset: str) -> Collection[str] | None:
        return self._known(asset) if self._known else None


class Watching:
    """What passed by in this process, until the checks of the same run ask for it.

    Args:
        org: Whose.
        asset: Of which asset.
        checks: What is looked for.

    Attributes:
        step: Name of the checks' step.
    """

    def __init__(self, org: Org, asset: str, checks: Sequence[ThemeCheck]) -> None:
        self._org = org
        self._key = org.key(asset)
        self.step = org.label(f"{asset}_contents")
        self._checks = checks
        self._kept: dict[tuple[str, str], Watched] = {}

    def begin(self, context: dg.AssetExecutionContext, day: str) -> Watched | None:
        """A look at a partition that is about to be written; None if no check of this process will ask for it."""
        job = context.job_def
        if job.executor_def.name not in _IN_THIS_PROCESS or not job.has_node_named(self.step):
            return None
        window = self._org.days.window(day)
        place = (context.run.run_id, day)
        self._kept.pop(place, None)
        return Watched(
            Day(day, window.start, window.end, lambda _: None),
            self._checks,
            lambda watched: self._kept.update({place: watched}),
        )

    def take(self, context: dg.AssetCheckExecutionContext, day: str) -> Watched | None:
        """What was seen of a partition in this run, if what was seen is what lies there."""
        watched = self._kept.pop((context.run.run_id, day), None)
        lake: Any = getattr(context.resources, self._org.lake)
        if watched is None:
            return None
        etag = lake.current_etag(self._key, self._org.days.partitions, day)
        return watched if etag == watched.etag else None

"""Bulk jobs remembered in the Dagster instance, so that a run that died leaves neither work nor rubbish behind.

The run that takes its place reads the job that was already submitted; what nobody takes over is deleted by
`automation/orphans.py`. Kept in the instance's key-value store: one entry per window of an export.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import dagster as dg

from genesys_dagster.genesys.interval import Interval

_log = logging.getLogger(__name__)
_PREFIX = "genesys_dagster/bulk_jobs/"
_KEYS_AT_ONCE = 500  # databases limit the length of a list of keys


@dataclass(frozen=True, slots=True)
class Entry:
    """The bulk jobs that a run has submitted for one window and not deleted.

    Attributes:
        run_id: The run.
        jobs: Job id and time of submission (seconds since 1970) by what was asked for.
    """

    run_id: str
    jobs: Mapping[str, tuple[str, float]]


class InstanceLedger:
    """Notes the bulk jobs of one export in the instance.

    A store that fails costs the memory, never the export: the log says so.

    Args:
        instance: Where to note.
        run_id: The run that exports.
        window: What it exports.
        now: Seconds since 1970.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        run_id: str,
        window: Interval,
        *,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._instance = instance
        self._run_id = run_id
        self._window = window
        self._now = now

    def recall(self, question: str, max_age: float) -> str | None:
        """Returns the job that an earlier run submitted with the same question, at most `max_age` seconds ago."""
        job_id, submitted = self._jobs().get(question, ("", 0.0))
        return job_id if job_id and self._now() - submitted <= max_age else None

    def note(self, question: str, job_id: str) -> None:
        """Remembers a job that was just submitted."""
        self._write({**self._jobs(), question: (job_id, self._now())})

    def forget(self, question: str) -> None:
        """Drops the job of a question."""
        jobs = self._jobs()
        if jobs.pop(question, None):
            self._write(jobs)

    def _jobs(self) -> dict[str, tuple[str, float]]:
        try:
            entry = entries(self._instance, [self._window]).get(self._window)
        except Exception:  # noqa: BLE001 - whatever a store may raise
            _log.warning("the instance does not tell which bulk jobs were submitted before", exc_info=True)
            return {}
        return dict(entry.jobs) if entry else {}

    def _write(self, jobs: Mapping[str, tuple[str, float]]) -> None:
        try:
            write(self._instance, self._window, Entry(self._run_id, jobs) if jobs else None)
        except Exception:  # noqa: BLE001 - whatever a store may raise
            _log.warning("the instance does not remember which bulk jobs were submitted", exc_info=True)


def entries(instance: dg.DagsterInstance, windows: Iterable[Interval]) -> dict[Interval, Entry]:
    """The entries of some windows; those without one are left out."""
    by_key = {_key(window): window for window in windows}
    keys = list(by_key)
    found: dict[Interval, Entry] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        values = instance.run_storage.get_cursor_values(set(keys[start : start + _KEYS_AT_ONCE]))
        found |= {by_key[key]: _read(text) for key, text in values.items() if text}
    return found


def write(instance: dg.DagsterInstance, window: Interval, entry: Entry | None) -> None:
    """Replaces the entry of a window; None empties it."""
    text = json.dumps({"run_id": entry.run_id, "jobs": entry.jobs}) if entry else ""
    # One key at a time: of several, the store may leave out those that are new.
    instance.run_storage.set_cursor_values({_key(window): text})


def _key(window: Interval) -> str:
    return _PREFIX + window.as_text()


def _read(text: str) -> Entry:
    said = json.loads(text)
    jobs = {question: (str(job_id), float(at)) for question, (job_id, at) in said["jobs"].items()}
    return Entry(str(said["run_id"]), jobs)

"""Bulk jobs remembered in the Dagster instance, so that a run that died leaves neither work nor rubbish behind.

The run that takes its place reads the job that was already submitted; what nobody takes over is deleted by
`automation/housekeeping.py`. Kept in the instance's key-value store: one entry per org, window and kind of job.
"""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, get_args

import dagster as dg

from genesys_dagster.dagster_private import note_values, recall_values
from genesys_dagster.genesys.interval import Interval, parse_instant
from genesys_dagster.genesys.job_memory import RememberedJob
from genesys_dagster.org.org import Org

_log = logging.getLogger(__name__)
_KEYS_AT_ONCE = 500  # databases limit the length of a list of keys

Kind = Literal["export", "sweep", "user_status"]


class Place(NamedTuple):
    """Where jobs are noted: what for, and for which window."""

    window: Interval
    kind: Kind = "export"


@dataclass(frozen=True, slots=True)
class Noted:
    """A bulk job that a run has submitted, or taken over, and not deleted.

    Attributes:
        job_id: The job.
        submitted: When (seconds since 1970).
        run_id: The run that submitted it or took it over last.
        known_until: The watermark at that time, if it was noted.
        is_awaited: Whether that run went without it because it took too long: the next one is to have it.
    """

    job_id: str
    submitted: float
    run_id: str
    known_until: datetime | None = None
    is_awaited: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """The bulk jobs of one place.

    Attributes:
        jobs: By what was asked for.
        left: Jobs that are of no use any more and could not be deleted.
    """

    jobs: Mapping[str, Noted] = field(default_factory=dict)
    left: tuple[Noted, ...] = ()


class InstanceLedger:
    """Notes the bulk jobs of one export or sweep in the instance.

    A store that fails costs the memory, never the export: the log says so.

    Args:
        instance: Where to note.
        org: Whose jobs.
        run_id: The run that exports.
        window: What it exports.
        kind: What for.
        now: Seconds since 1970.
    """

    def __init__(  # noqa: PLR0913 - whose jobs, whose run, what for
        self,
        instance: dg.DagsterInstance,
        org: Org,
        run_id: str,
        window: Interval,
        *,
        kind: Kind = "export",
        now: Callable[[], float] = time.time,
    ) -> None:
        self._instance = instance
        self._org = org
        self._run_id = run_id
        self._place = Place(window, kind)
        self._now = now

    def recall(self, question: str) -> RememberedJob | None:
        """Returns the job that an earlier run submitted with the same question and did not forget."""
        entry = self._entry()
        job = entry.jobs.get(self._slot(entry, question))
        if job is None:
            return None
        known_until = job.known_until or datetime.fromtimestamp(job.submitted, UTC)
        return RememberedJob(job.job_id, self._now() - job.submitted, known_until, job.is_awaited)

    def note(self, question: str, job_id: str, known_until: datetime) -> None:
        """Remembers a job that was just submitted; one that is still noted for the same question is left over."""
        entry = self._without(question, keep=True)
        job = Noted(job_id, self._now(), self._run_id, known_until)
        self._write(replace(entry, jobs={**entry.jobs, self._slot(entry, question): job}))

    def keep(self, question: str, *, awaited: bool) -> None:
        """Remembers that the job is this run's now, or that this run leaves it to the next."""
        entry = self._entry()
        slot = self._slot(entry, question)
        if job := entry.jobs.get(slot):
            job = replace(job, run_id=self._run_id, is_awaited=awaited)
            self._write(replace(entry, jobs={**entry.jobs, slot: job}))

    def leave(self, question: str) -> None:
        """Remembers of a job only that it is still to be deleted."""
        self._write(self._without(question, keep=True))

    def forget(self, question: str) -> None:
        """Drops the job of a question."""
        self._write(self._without(question, keep=False))

    def _without(self, question: str, *, keep: bool) -> Entry:
        entry = self._entry()
        jobs = dict(entry.jobs)
        job = jobs.pop(self._slot(entry, question), None)
        return Entry(jobs, (*entry.left, job) if keep and job else entry.left)

    def _slot(self, entry: Entry, question: str) -> str:
        """Where a question's job is noted: apart, while another run is reading one of its own for the same."""
        own, noted = f"{question} {self._run_id}", entry.jobs.get(question)
        if own in entry.jobs:
            return own
        is_free = noted is None or noted.run_id == self._run_id or has_ended(self._instance, noted.run_id)
        return question if is_free else own

    def _entry(self) -> Entry:
        try:
            return entries(self._instance, self._org, [self._place]).get(self._place, Entry())
        except Exception:  # noqa: BLE001 - whatever a store may raise
            _warn("the instance does not tell which bulk jobs were submitted before")
            return Entry()

    def _write(self, entry: Entry) -> None:
        try:
            write(self._instance, self._org, self._place, entry)
        except Exception:  # noqa: BLE001 - whatever a store may raise
            _warn("the instance does not remember which bulk jobs were submitted")


def _warn(words: str) -> None:
    """Say it, unless the log goes to the store that has just failed: Dagster's handler raises then."""
    with suppress(Exception):
        _log.warning(words, exc_info=True)


def has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run is over, or unknown."""
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def places(windows: Iterable[Interval]) -> list[Place]:
    """Everywhere where jobs of these windows may be noted."""
    return [Place(window, kind) for window in windows for kind in get_args(Kind)]


def entries(instance: dg.DagsterInstance, org: Org, wanted: Iterable[Place]) -> dict[Place, Entry]:
    """The entries of some places; those without one are left out."""
    by_key = {_key(org, place): place for place in wanted}
    keys = list(by_key)
    found: dict[Place, Entry] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        values = recall_values(instance, keys[start : start + _KEYS_AT_ONCE])
        found |= {by_key[key]: _read(text) for key, text in values.items() if text}
    return found


def write(instance: dg.DagsterInstance, org: Org, place: Place, entry: Entry) -> None:
    """Replaces the entry of a place."""
    said = {
        "jobs": {question: _said(job) for question, job in entry.jobs.items()},
        "left": [_said(job) for job in entry.left],
    }
    text = json.dumps(said) if entry.jobs or entry.left else ""
    # One key at a time: of several, the store may leave out those that are new.
    note_values(instance, {_key(org, place): text})


def drop(instance: dg.DagsterInstance, org: Org, place: Place, job_id: str) -> None:
    """Forgets one job, whatever else is noted in its place meanwhile."""
    entry = entries(instance, org, [place]).get(place, Entry())
    jobs = {question: job for question, job in entry.jobs.items() if job.job_id != job_id}
    write(instance, org, place, Entry(jobs, tuple(job for job in entry.left if job.job_id != job_id)))


def _key(org: Org, place: Place) -> str:
    kind = "" if place.kind == "export" else f"{place.kind}/"
    return f"genesys_dagster/{org.folder}bulk_jobs/{kind}{place.window.as_text()}"


def _said(job: Noted) -> dict[str, Any]:
    known_until = job.known_until.isoformat() if job.known_until else None
    return {
        "id": job.job_id,
        "submitted": job.submitted,
        "run_id": job.run_id,
        "known_until": known_until,
        "awaited": job.is_awaited,
    }


def _read(text: str) -> Entry:
    said = json.loads(text)
    run_id = said.get("run_id", "")
    jobs = {question: _noted(job, run_id) for question, job in said["jobs"].items()}
    return Entry(jobs, tuple(_noted(job, run_id) for job in said.get("left", ())))


def _noted(said: Any, run_id: str) -> Noted:
    if isinstance(said, list):  # as versions before this one wrote it
        job_id, submitted = said
        return Noted(str(job_id), float(submitted), str(run_id))
    known_until = parse_instant(said["known_until"]) if said["known_until"] else None
    return Noted(said["id"], float(said["submitted"]), said["run_id"], known_until, bool(said["awaited"]))

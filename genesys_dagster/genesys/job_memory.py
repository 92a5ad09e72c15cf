"""What is remembered of bulk jobs beyond the life of a process, and by whom."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from genesys_dagster.genesys.interval import Interval


@dataclass(frozen=True, slots=True)
class RememberedJob:
    """A bulk job that was submitted.

    Attributes:
        job_id: Its id.
        age: Seconds since it was submitted.
        known_until: The watermark when it was submitted, or before; it cannot know more.
        is_awaited: Whether somebody waited for it in vain, so that its results are wanted however old it is.
        is_done: Whether its results are known to be there.
    """

    job_id: str
    age: float
    known_until: datetime
    is_awaited: bool = False
    is_done: bool = False


class JobLedger(Protocol):
    """Remembers submitted jobs; a question is what a job was asked."""

    def recall(self, question: str) -> RememberedJob | None:
        """The job of a question that was submitted and not forgotten."""

    def note(self, question: str, job_id: str, known_until: datetime) -> None:
        """A job was submitted by this process."""

    def keep(self, question: str, *, awaited: bool) -> None:
        """This process goes on with the job, or leaves it to the next one."""

    def leave(self, question: str) -> None:
        """The job is of no use any more but could not be deleted: somebody has to do it later."""

    def forget(self, question: str) -> None:
        """The job is deleted, or not ours to delete."""


class Later(NamedTuple):
    """An interval that is read after another, and where its job is remembered until then."""

    interval: Interval
    ledger: JobLedger


class NoLedger:
    """Remembers nothing."""

    def recall(self, question: str) -> RememberedJob | None:
        """Nothing."""

    def note(self, question: str, job_id: str, known_until: datetime) -> None:
        """Nothing."""

    def keep(self, question: str, *, awaited: bool) -> None:
        """Nothing."""

    def leave(self, question: str) -> None:
        """Nothing."""

    def forget(self, question: str) -> None:
        """Nothing."""

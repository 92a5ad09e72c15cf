"""Whether a finished version of a day may take the place of the stored one: a lake never gets worse.

The one place that decides it, from what is known before the new version becomes visible. Pure: no Dagster, no network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from genesys_dagster.genesys.whole import WOBBLE

Source = Literal["job", "query"]

DEFAULT_DELETIONS = 10
DEFAULT_DELETIONS_PERCENT = 1.0

# By how much an announced number may be off, besides the absolute bound: a lost page must be noticed on days of any size.
WOBBLE_SHARE = 0.001

_CAUSES = (
    "Likely causes, in this order: a division or a permission was taken from the roles of the OAuth client; the org's "
    "retention has deleted the day; they were deleted."
)
_ACCEPT = (
    "If that is how it is to be, materialize this one day with accept_loss: true in the launchpad's config."
)


class CommitRefusedError(Exception):
    """A version must not take the place of the stored one; the sentence says why and what to do.

    Attributes:
        retryable: Whether another attempt may well bring a better version.
    """

    def __init__(self, sentence: str, *, retryable: bool = False) -> None:
        super().__init__(sentence)
        self.retryable = retryable


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What passes.

    Attributes:
        deletions: Conversations that may be gone from a day without being asked about.
        deletions_percent: The same in percent of the day, if that is more.
        accept_loss: Whether somebody has said that this version is to be committed whatever it lacks.
        is_last_attempt: Whether a shortfall has shown before, so that asking again does not help.
    """

    deletions: int = DEFAULT_DELETIONS
    deletions_percent: float = DEFAULT_DELETIONS_PERCENT
    accept_loss: bool = False
    is_last_attempt: bool = False

    def allowed(self, stored: int) -> int:
        """How many of the stored conversations may be gone."""
        return max(self.deletions, int(stored * self.deletions_percent / 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is known of a finished version and of what it would replace.

    Attributes:
        day: Partition key, for the words.
        noun: What its rows are, in the plural.
        rows: How many it has.
        source: Where they come from; None for a version that was not pulled.
        announced: How many Genesys Cloud announced for what was asked; None if it did not say.
        received: How many different ones came, those outside the day included: what was announced covers them, too.
        stored: How many of the day's conversations the stored version has; None if there is none that can be read.
        removed: How many of those this version lacks.
        stored_source: Where the stored ones come from.
    """

    day: str
    rows: int
    source: Source | None = None
    announced: int | None = None
    received: int = 0
    stored: int | None = None
    removed: int = 0
    stored_source: Source | None = None
    noun: str = "conversations"

    @property
    def missing(self) -> int:
        """How many of the announced conversations did not come, beyond what the announcement is known to wobble."""
        if self.announced is None:
            return 0
        missing = self.announced - self.received
        return missing if missing > wobble(self.announced) else 0


def wobble(announced: int) -> int:
    """By how many conversations an announced number may be off."""
    return min(WOBBLE, int(announced * WOBBLE_SHARE))


def judge(new: Candidate, policy: Policy) -> Mapping[str, int | str]:
    """Decide whether a version may be committed.

    Args:
        new: The version.
        policy: What passes.

    Returns:
        What is to be remembered of it: `announced_missing`, and `accepted`, what somebody has overruled. What was
        accepted is no longer missed.

    Raises:
        CommitRefusedError: It may not.
    """
    refusals = [each for each in (_poorer(new), _less(new, policy), _short(new, policy)) if each is not None]
    if not refusals:
        return {"announced_missing": new.missing}
    if not policy.accept_loss:
        raise refusals[0]
    return {"announced_missing": 0, "accepted": " ".join(map(str, refusals))}


def _poorer(new: Candidate) -> CommitRefusedError | None:
    """What came from the query has no participant attributes: it never replaces what came from a job."""
    if not (new.stored_source == "job" and new.source == "query"):
        return None
    return CommitRefusedError(
        f"{new.day}: the stored version came from the bulk job, with participant attributes; this one is from the "
        'interactive query, which has none. Nothing was replaced. Use source="auto" or "job", which wait for the bulk '
        f"jobs' watermark. {_ACCEPT}"
    )


def _less(new: Candidate, policy: Policy) -> CommitRefusedError | None:
    if not new.stored or not new.removed:
        return None
    is_emptied = new.removed == new.stored
    if new.removed <= policy.allowed(new.stored) and not is_emptied:
        return None
    gone = "all" if is_emptied else f"{new.removed:,}"
    passes = "" if is_emptied else f" More than {policy.allowed(new.stored):,} do not pass as deletions."
    return CommitRefusedError(
        f"{new.day}: {gone} of the {new.stored:,} stored {new.noun} are gone from what Genesys Cloud "
        f"answers.{passes} Nothing was replaced. {_CAUSES} {_ACCEPT}"
    )


def _short(new: Candidate, policy: Policy) -> CommitRefusedError | None:
    """A shortfall is asked about again; one that persists is stored only where nothing fuller lies."""
    if not new.missing:
        return None
    short = f"{new.day}: {new.missing:,} of the {new.announced:,} announced {new.noun} did not come"
    if policy.accept_loss or not policy.is_last_attempt:
        return CommitRefusedError(f"{short}. Nothing was replaced; they are asked for again.", retryable=True)
    if new.removed:
        return CommitRefusedError(
            f"{short}, and the stored version has {new.removed:,} that this one lacks. Nothing was replaced; the day is "
            f"asked for again later. {_ACCEPT}"
        )
    return None

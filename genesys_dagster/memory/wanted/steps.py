"""Steps, attempts at them, and which may be asked for now. Pure: no Dagster instance, no network."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

NEW_DAY = "new day"
REFRESH = "refresh"
INCOMPLETE = "incomplete"
LATE_ACTIVITY = "late activity"
SWEEP = "sweep"
CHECKS = "checks"
NEW_STATUS = "user status"
LATE_STATUS = "end of user status"

_LONGEST_PAUSE = timedelta(days=1)
_FIRST_PAUSE = timedelta(hours=1)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is to be done for a day.

    Attributes:
        kind: Of the work, such as `refresh`.
        day: Partition key.
        name: What tells it apart from other steps of the kind for the day; attempts count for it alone.
        since: Since when it is wanted.
    """

    kind: str
    day: str
    name: str
    since: datetime = field(compare=False)

    @property
    def key(self) -> str:
        """The step in one text; runs carry it as a tag."""
        return f"{self.kind} {self.day}, {self.name}"


@dataclass(frozen=True, slots=True)
class Attempts:
    """What was tried for one step.

    Attributes:
        ended: How many runs for it have ended, however.
        last_end: When the last of them ended; None without one.
        last_run: Its id.
        is_under_way: Whether a run for it is queued or running.
    """

    ended: int = 0
    last_end: datetime | None = None
    last_run: str | None = None
    is_under_way: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """A step that is wanted, and what was tried for it."""

    step: Step
    attempts: Attempts = Attempts()

    @property
    def next_at(self) -> datetime | None:
        """When it is asked for next; None for at once, and while a run for it is under way."""
        tried = self.attempts
        return (
            tried.last_end + pause_after(tried.ended) if tried.last_end and not tried.is_under_way else None
        )

    @property
    def run_key(self) -> str:
        """Of the next run: the same until a further attempt has ended, so that no tick asks twice."""
        return f"{self.step.key}, after {self.attempts.last_run}" if self.attempts.last_run else self.step.key

    def is_ready(self, now: datetime) -> bool:
        """Whether it may be asked for."""
        return not self.attempts.is_under_way and (self.next_at is None or now >= self.next_at)


def pause_after(tries: int) -> timedelta:
    """How long to wait after a number of attempts that brought nothing: 1, 2, 4, 8, 16 hours, then a day each time."""
    return min(_FIRST_PAUSE * (1 << min(max(tries, 1) - 1, 10)), _LONGEST_PAUSE)


def ready(wishes: Iterable[Wish], busy: Collection[str], now: datetime, most: int) -> list[Wish]:
    """The wishes to ask for now, in the order given.

    Args:
        wishes: What is wanted.
        busy: Days that a run is about to write; whatever else is wanted for them comes after it.
        now: The present moment.
        most: How many at once.
    """
    chosen: dict[str, Wish] = {}
    for wish in wishes:
        if len(chosen) < most and wish.step.day not in busy and wish.is_ready(now):
            chosen.setdefault(wish.step.day, wish)  # two steps of a day come one after the other
    return list(chosen.values())


def in_words(wishes: Sequence[Wish]) -> str:
    """What is wanted, in one line for a tick."""
    if not wishes:
        return "nothing is wanted"
    told = [_in_words(wish) for wish in wishes[:_SHOWN]]
    more = len(wishes) - len(told)
    return f"wanted: {'; '.join(told)}" + (f"; and {more} more" if more else "")


def _in_words(wish: Wish) -> str:
    tried = wish.attempts
    text = f"{wish.step.day} ({wish.step.kind}"
    text += f", tried {tried.ended} times" if tried.ended > 1 else ", tried once" if tried.ended else ""
    if tried.is_under_way:
        return f"{text}, under way)"
    return f"{text}, next {wish.next_at:%Y-%m-%d %H:%M} UTC)" if wish.next_at else f"{text})"

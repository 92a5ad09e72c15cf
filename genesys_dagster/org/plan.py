"""The refresh plan: when a day that was exported has to be pulled again. Pure: no Dagster instance, no network.

Genesys data is never final. Conversations stay open for weeks; evaluations, surveys and wrap-up codes arrive days
later; data older than two days is reprocessed at night (Genesys help, "Why can my data change?"); and no field
tells when a conversation was last modified. So days are pulled again on a plan.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

DEFAULT_AFTER_DAYS: tuple[int, ...] = (1, 4, 14)
DEFAULT_OPEN_EVERY_DAYS = 30
DEFAULT_OPEN_FOR_DAYS = 365


@dataclass(frozen=True, slots=True)
class RefreshPlan:
    """When days are pulled again, counted from the end of the day.

    Attributes:
        after_days: Every day is pulled again when this many days have passed, ascending.
        open_every_days: After the last of these a day is pulled again at this interval as long as it is not settled;
            0 for never.
        open_for_days: Age in days after which unsettled days are given up.

    Raises:
        ValueError: The numbers make no plan; the message says which.
    """

    after_days: tuple[int, ...] = DEFAULT_AFTER_DAYS
    open_every_days: int = DEFAULT_OPEN_EVERY_DAYS
    open_for_days: int = DEFAULT_OPEN_FOR_DAYS

    def __post_init__(self) -> None:
        if any(days < 1 for days in self.after_days) or list(self.after_days) != sorted(set(self.after_days)):
            raise ValueError("the days after which days are pulled again must be 1 or more and ascend")
        if self.open_every_days < 0 or self.open_for_days < 0:
            raise ValueError("the days for open conversations must not be negative")

    def is_settled(
        self, end: datetime, known_until: datetime, open_conversations: int, latest_end: datetime | None
    ) -> bool:
        """Returns whether all conversations of a day had ended long enough before its last pull.

        Evaluations and surveys follow the end of a conversation. Those of conversations that ended on the day itself
        or the day after are in by the last step that every day has; to one that ended later the same time is given.

        Args:
            end: End of the day.
            known_until: Everything that happened before this instant is in the last pull.
            open_conversations: Conversations without an end.
            latest_end: The latest end of a conversation; None if that is not known.
        """
        if open_conversations:
            return False
        ended_late = latest_end is not None and latest_end > end + timedelta(days=1)
        return not ended_late or latest_end + timedelta(days=self._last) <= known_until  # type: ignore[operator]

    def step_due(
        self, end: datetime, known_until: datetime, is_settled: bool, now: datetime
    ) -> datetime | None:
        """Returns the latest step of the plan that the last pull of a day does not yet cover.

        Steps that were missed together, because nothing ran for weeks, are one pull.

        Args:
            end: End of the day.
            known_until: Everything that happened before this instant is in the last pull.
            is_settled: Whether nothing more is expected of its conversations.
            now: Instant up to which a pull would know everything: the jobs' watermark.

        Returns:
            The instant of the step, or None if nothing has to be done.
        """
        step = self._latest_step(end, is_settled, now)
        return step if step is not None and known_until < step else None

    def is_over(self, end: datetime, known_until: datetime, is_settled: bool) -> bool:
        """Returns whether the plan will never ask for the day again, unless something calls for it."""
        last = end + timedelta(days=self._last)
        if known_until < last:
            return False
        gives_up = end + timedelta(days=self.open_for_days)
        return is_settled or not self.open_every_days or known_until >= gives_up

    @property
    def _last(self) -> int:
        return self.after_days[-1] if self.after_days else 0

    def _latest_step(self, end: datetime, is_settled: bool, now: datetime) -> datetime | None:
        steps = [end + timedelta(days=days) for days in self.after_days]
        come = [step for step in steps if step <= now]
        latest = come[-1] if come else None
        if not is_settled and self.open_every_days:
            since_last = min(now, end + timedelta(days=self.open_for_days)) - end - timedelta(days=self._last)
            times = since_last // timedelta(days=self.open_every_days)
            if times >= 1:
                latest = end + timedelta(days=self._last + times * self.open_every_days)
        return latest

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
        open_every_days: After the last of these a day is pulled again at this interval as long as it has
            conversations without an end; 0 for never.
        open_for_days: Age in days after which open conversations are given up.

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

    def step_due(
        self, end: datetime, known_until: datetime, open_conversations: int, now: datetime
    ) -> datetime | None:
        """Returns the latest step of the plan that the last pull of a day does not yet cover.

        Steps that were missed together, because nothing ran for weeks, are one pull.

        Args:
            end: End of the day.
            known_until: Everything that happened before this instant is in the last pull.
            open_conversations: Conversations without an end in the last pull.
            now: Instant up to which a pull would know everything: the jobs' watermark.

        Returns:
            The instant of the step, or None if nothing has to be done.
        """
        step = self._latest_step(end, open_conversations, now)
        return step if step is not None and known_until < step else None

    def is_over(self, end: datetime, known_until: datetime, open_conversations: int) -> bool:
        """Returns whether the plan will never ask for the day again, unless something calls for it."""
        last = end + timedelta(days=self._last)
        if known_until < last:
            return False
        gives_up = end + timedelta(days=self.open_for_days)
        return not open_conversations or not self.open_every_days or known_until >= gives_up

    @property
    def _last(self) -> int:
        return self.after_days[-1] if self.after_days else 0

    def _latest_step(self, end: datetime, open_conversations: int, now: datetime) -> datetime | None:
        steps = [end + timedelta(days=days) for days in self.after_days]
        come = [step for step in steps if step <= now]
        latest = come[-1] if come else None
        if open_conversations and self.open_every_days:
            since_last = min(now, end + timedelta(days=self.open_for_days)) - end - timedelta(days=self._last)
            times = since_last // timedelta(days=self.open_every_days)
            if times >= 1:
                latest = end + timedelta(days=self._last + times * self.open_every_days)
        return latest

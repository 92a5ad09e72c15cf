"""Which days are new or missing. Pure: no Dagster instance, no network."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

# Holes that automation finds when it is switched on; what lies before is for a person to backfill.
LOOK_BACK = timedelta(days=31)


@dataclass(frozen=True)
class NewDays:
    """What the sensor remembers: nothing else decides whether a day is new.

    Attributes:
        until: End of the last day that was taken up, ISO 8601; None before the first tick.
        watermark: The furthest watermark seen.
        open_days: Days taken up that are not there yet.
        since: The first day that it takes care of; None in what versions before this one remembered.
        looked: On which date it last looked for holes.
    """

    until: str | None = None
    watermark: str | None = None
    open_days: list[str] = field(default_factory=list)
    since: str | None = None
    looked: str | None = None

    @classmethod
    def read(cls, text: str | None) -> "NewDays":
        """Reads what a tick left; that of versions before this one, too."""
        known = cls.__dataclass_fields__
        said = json.loads(text) if text else {}
        return cls(**{name: value for name, value in said.items() if name in known})

    def text(self) -> str:
        """For the next tick."""
        return json.dumps(vars(self), separators=(",", ":"))

    def with_holes(self, days: Sequence[str], there: Collection[str], today: date) -> "NewDays":
        """Takes up the days of its care that were never pulled.

        Args:
            days: The days that it has looked at, oldest first; at least one.
            there: Those that were ever pulled.
            today: The date.
        """
        since = self.since or min([care_from(days[-1], there), *self.open_days])
        holes = {day for day in days if day >= since} - set(there)
        return replace(
            self, since=since, open_days=sorted({*self.open_days, *holes}), looked=today.isoformat()
        )


def care_from(latest: str, there: Collection[str]) -> str:
    """The first day that automation takes care of when it is switched on.

    Args:
        latest: The latest day that can be there in full.
        there: Days that were pulled before.

    Returns:
        The first day that was pulled, if that is not too long ago, so that holes since then are found; else the latest.
    """
    bound = (date.fromisoformat(latest) - LOOK_BACK).isoformat()
    recent = [day for day in there if bound <= day <= latest]
    if not recent:
        return latest
    return bound if any(day < bound for day in there) else min(recent)

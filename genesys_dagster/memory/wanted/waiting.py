"""Older days in which sweeps found something, and up to when they have to be brought up to date. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from datetime import datetime

_VERSION = 2


@dataclass(slots=True)
class WaitingDay:
    """An older day in which a sweep found something.

    Attributes:
        until: End of the latest sweep that did, in seconds since 1970.
        held_by: Where in the event log the materialization stands that holds it; 0 while none does.
    """

    until: float
    held_by: int = 0


@dataclass(slots=True)
class Waiting:
    """What the sensor remembers: a place in the event log, and the days that sweeps found of late."""

    place: int = 0
    days: dict[str, WaitingDay] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str | None) -> "Waiting":
        """Reads what a tick left; of that of versions before this one, all but their count of attempts."""
        if not text:
            return cls()
        said = json.loads(text)
        if said.get("version") != _VERSION:
            return cls(said["place"], {day: WaitingDay(values[0]) for day, values in said["waiting"].items()})
        return cls(said["place"], {day: WaitingDay(*values) for day, values in said["days"].items()})

    def text(self) -> str:
        """For the next tick."""
        days = {day: list(astuple(known)) for day, known in self.days.items()}
        return json.dumps({"version": _VERSION, "place": self.place, "days": days}, separators=(",", ":"))

    def found(self, days: Iterable[str], until: datetime) -> None:
        """Note the days in which a sweep found something."""
        for day in days:
            if day not in self.days or self.days[day].until < until.timestamp():
                self.days[day] = WaitingDay(until.timestamp())

    def to_look_at(self, places: Mapping[str, int]) -> list[str]:
        """The days whose latest materialization is not the one that is known to hold what was found."""
        return [day for day, place in places.items() if self.days[day].held_by != place]

    def forget(self, before: datetime) -> None:
        """Drop the days that hold what was found in sweeps that ended before an instant."""
        self.days = {
            day: known
            for day, known in self.days.items()
            if not known.held_by or known.until >= before.timestamp()
        }

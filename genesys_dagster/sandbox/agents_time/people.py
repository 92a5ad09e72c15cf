"""The users of the org, as far as their working hours go."""

from dataclasses import dataclass

from genesys_dagster.sandbox.dice import Dice, seed_for
from genesys_dagster.sandbox.directory import Directory
from genesys_dagster.sandbox.times import DAY, HOUR, MINUTE, from_iso

FIRST_DAY = from_iso("2024-02-05") // DAY
"""The day (number since 1970) on which the org opened."""

# Back on 2026-05-12 and every ten weeks before and after, to be away again three weeks later.
_BACK, _CYCLE, _AWAY = from_iso("2026-05-12") // DAY, 70, 50
_STAYS_ON, _TUESDAY = 5, 1


@dataclass(frozen=True)
class Person:
    """A user with working hours.

    Attributes:
        user_id: The user's id.
        seed: Chance of this user.
        begins: Usual start of the shift, ms after midnight UTC.
        takes_conversations: Whether ACD knows the user; if not there is no routing status.
        leaves: Away for fifty days at a time.
        stays_on: On queue from Monday's shift to Wednesday's.
    """

    user_id: str
    seed: int
    begins: int
    takes_conversations: bool = True
    leaves: bool = False
    stays_on: bool = False

    def shift(self, day: int) -> tuple[int, int] | None:
        """Start and end (ms) of the shift planned for a UTC day (number since 1970); it may end on the next one."""
        if weekday(day) >= 5 or (self.leaves and (_BACK - 1 - day) % _CYCLE < _AWAY):
            return None
        dice = Dice(seed_for("shift", self.seed, day))
        start = day * DAY + self.begins + dice.between(-12 * MINUTE, 9 * MINUTE)
        return start, start + 8 * HOUR + dice.between(10 * MINUTE, 50 * MINUTE)

    def stays_on_during(self, day: int) -> bool:
        """Whether the user does not leave the queue the whole day."""
        return self.stays_on and weekday(day) == _TUESDAY


def weekday(day: int) -> int:
    """The weekday of a day (number since 1970), 0 for Monday: 1970-01-01 was a Thursday."""
    return (day + 3) % 7


def people(directory: Directory, seed: int) -> dict[str, Person]:
    """Everybody who ever logged in, by id: agents work by day, every sixth until after midnight UTC."""
    found = [
        Person(agent.id, seed_for(seed, agent.id), _begins(number, seed), stays_on=number == _STAYS_ON)
        for number, agent in enumerate(directory.agents)
    ]
    for user_id in (directory.office_user, directory.absent_user):
        away = user_id == directory.absent_user
        found.append(
            Person(user_id, seed_for(seed, user_id), 8 * HOUR, takes_conversations=False, leaves=away)
        )
    return {person.user_id: person for person in found}


def _begins(number: int, seed: int) -> int:
    dice = Dice(seed_for("working hours", seed, number))
    if number % 6 == 3:
        return 16 * HOUR + dice.between(15 * MINUTE, 80 * MINUTE)
    return 6 * HOUR + dice.between(15 * MINUTE, 5 * HOUR)

"""A user's presence through one UTC day.

Planned shifts, breaks and meetings give way to what conversations ask: nobody is logged off while the org's
conversations have them ring or work, and nobody is off queue when they are rung.
"""

from genesys_dagster.sandbox.agents_time.people import Person, weekday
from genesys_dagster.sandbox.agents_time.presences import SYSTEM, Presence, Presences
from genesys_dagster.sandbox.agents_time.spans import Piece, Span, gaps, joined, merged, painted
from genesys_dagster.sandbox.agents_time.work import Work
from genesys_dagster.sandbox.dice import Dice, seed_for
from genesys_dagster.sandbox.times import DAY, HOUR, MINUTE, SECOND

_STAY = 30 * MINUTE  # who is asked again so soon does not log off in between
_LEAST = MINUTE

Plan = tuple[Presence, int, int]
"""A presence, the moment (ms) it is wanted from, and how long."""


def presence_of_day(
    person: Person, day: int, works: list[Work], presences: Presences
) -> list[Piece[Presence]]:
    """The user's presence from the day's first midnight to its last.

    Args:
        person: Who.
        day: The UTC day (number since 1970).
        works: What conversations ask that day.
        presences: The org's definitions.
    """
    start, end = day * DAY, (day + 1) * DAY
    dice = Dice(seed_for("presence", person.seed, day))
    usual = SYSTEM["ON_QUEUE" if person.takes_conversations else "AVAILABLE"]
    if person.stays_on_during(day):
        return [Piece(start, usual)]
    busy = joined((work.start, work.end) for work in works)
    stays = _stays(person, day, busy, dice)
    pieces = painted([Piece(start, SYSTEM["OFFLINE"])], stays, usual)
    for stay in stays:
        if person.takes_conversations and stay[0] > start:
            # Who logs in is available first (Genesys help, "Agent presence, status, and activity indicators").
            pieces = painted(
                pieces, [(stay[0], stay[0] + dice.between(5 * SECOND, 50 * SECOND))], SYSTEM["AVAILABLE"]
            )
    after = 0
    for plan in _plans(person, day, presences):
        if place := _place(plan, after, works=works, busy=busy, stays=stays, dice=dice):
            pieces = painted(pieces, [place], plan[0])
            after = place[1] + _LEAST
    return [piece for piece in merged(pieces) if piece.start < end]


def _stays(person: Person, day: int, busy: list[Span], dice: Dice) -> list[Span]:
    """When the user is logged in."""
    start, end = day * DAY, (day + 1) * DAY
    shifts = [shift for shift in (person.shift(day - 1), person.shift(day)) if shift]
    if person.stays_on_during(day + 1):
        shifts.append((shifts[-1][0], end))
    if person.stays_on_during(day - 1):
        shifts.append((start, shifts[-1][1]))
    in_day = [(max(start, begun), min(end, over)) for begun, over in shifts if over > start and begun < end]
    stays = [
        (begun - dice.between(MINUTE, 4 * MINUTE), over + dice.between(MINUTE, 4 * MINUTE))
        for begun, over in joined([*in_day, *busy], _STAY)
    ]
    return [(max(start, begun), min(end, over)) for begun, over in joined(stays)]


def _plans(person: Person, day: int, presences: Presences) -> list[Plan]:
    """What the user means to do besides the queue, in order; of the shift before, what falls on this day."""
    plans = [
        plan
        for of_day in (day - 1, day)
        if (shift := person.shift(of_day))
        for plan in _plans_of_shift(person, of_day, shift[0], presences)
        if plan[1] // DAY == day
    ]
    return sorted(plans, key=lambda plan: plan[1])


def _plans_of_shift(person: Person, day: int, start: int, presences: Presences) -> list[Plan]:
    dice = Dice(seed_for("plans", person.seed, day))
    short = presences.of_break(start) if dice.chance(0.5) else SYSTEM["BREAK"]

    def at(hours: float) -> int:
        return start + int(hours * HOUR) + dice.between(-10 * MINUTE, 10 * MINUTE)

    plans = [
        (short, at(2), dice.between(9, 16) * MINUTE + dice.between(0, 59_999)),
        (SYSTEM["MEAL"], at(4), dice.between(28, 44) * MINUTE + dice.between(0, 59_999)),
        (SYSTEM["BREAK"], at(6.3), dice.between(9, 16) * MINUTE + dice.between(0, 59_999)),
    ]
    if weekday(day) == 0:
        plans.append((presences.briefing, at(1), 30 * MINUTE + dice.between(0, 59_999)))
    for presence, chance, hours, length in (
        (SYSTEM["MEETING"], 0.2, 5.2, 40 * MINUTE),
        (SYSTEM["TRAINING"], 0.15, 3, 50 * MINUTE),
        (presences.paperwork, 0.25, 7.5, 12 * MINUTE),
        (SYSTEM["BUSY"], 0.2, 2.8, 6 * MINUTE),
        (SYSTEM["AWAY"], 0.3, 5, 5 * MINUTE),
        (SYSTEM["IDLE"], 0.2, 7, 11 * MINUTE),
        (SYSTEM["AVAILABLE"], 0.4, 1.5, 7 * MINUTE),
    ):
        if dice.chance(chance):
            plans.append((presence, at(hours), length + dice.between(0, 59_999)))
    return plans


def _place(  # noqa: PLR0913 - keywords
    plan: Plan, after: int, *, works: list[Work], busy: list[Span], stays: list[Span], dice: Dice
) -> Span | None:
    """When a plan comes true: in the next pause that has room, or from the end of the call before it."""
    wanted = max(plan[1], after)
    free_times = [gap for stay in stays for gap in gaps(busy, stay[0] + MINUTE, stay[1])]
    for least, latest in ((plan[2] * 3 // 4, plan[1] + HOUR), (_LEAST, stays[-1][1])):
        for free, over in free_times:
            begun = max(free, wanted)
            end = min(begun + plan[2], over - dice.between(2 * SECOND, 20 * SECOND))
            if end - begun >= least and begun < latest:
                return (_before_the_end(free, works, wanted, dice) if begun == free else begun), end
    return None


def _before_the_end(free: int, works: list[Work], wanted: int, dice: Dice) -> int:
    """The start of a break set while the last conversation before it went on, if nothing rang then.

    Such an agent stays INTERACTING (Genesys staff, developer forum, thread 327).
    """
    last = next((work for work in works if work.end == free and work.kind == "handle"), None)
    if last is None or dice.chance(0.5):
        return free
    early = max(wanted, (last.start + free) // 2, free - dice.between(10 * SECOND, 200 * SECOND))
    rings = any(work.kind in {"ring", "missed"} and work.end > early and work.start < free for work in works)
    return free if rings else min(early, free)

"""The made-up org: which conversations it had, on any day, as known at any moment.

Nothing is stored: every conversation follows from the org's seed and its place in time, so any day can be
asked for, in any order, and is the same every time.
"""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import accumulate
from threading import RLock
from typing import Any

from genesys_dagster.sandbox.conversations.draft import Draft
from genesys_dagster.sandbox.conversations.kinds import Kind, draw_kind
from genesys_dagster.sandbox.dice import Dice, seed_for
from genesys_dagster.sandbox.directory import Directory
from genesys_dagster.sandbox.reprocessing import night_of
from genesys_dagster.sandbox.rows import Row, decode
from genesys_dagster.sandbox.times import DAY, day_number, from_datetime, to_datetime, utc_now
from genesys_dagster.sandbox.volumes import SLOTS_PER_DAY, day_total, load, slot_totals

SLOT = DAY // SLOTS_PER_DAY

_BODIES_IN_MEMORY = 512 * 1024 * 1024
_ID_EPOCH = 16_436 * SLOTS_PER_DAY  # 2015-01-01: with 24 bits, ids reach to the year 2493


class Org:
    """A Genesys Cloud org with believable conversations.

    Args:
        seed: Same seed, same org.
        conversations_per_day: Volume of a Monday, the busiest day; other days have less.
        variation: Greatest random deviation of a day from its weekday's volume (0 for none).
        agents: The number of agents; believable for the volume if not given.
        reprocessed: Share of the conversations with agents that the nightly reprocessing changes, days after their
            end (see `reprocessing`); 0 for none.
        now: The org's clock: nothing starts after it, and what has not ended by then is still open.
        bodies_in_memory: Bytes of encoded records kept (records are about 10 kB); older ones are made anew.

    Attributes:
        directory: Users, queues, wrap-up codes and all other reference entities.
    """

    def __init__(  # noqa: PLR0913 - keywords
        self,
        seed: int = 7,
        conversations_per_day: int = 2_000,
        *,
        variation: float = 0.04,
        agents: int | None = None,
        reprocessed: float = 0.0,
        now: Callable[[], datetime] = utc_now,
        bodies_in_memory: int = _BODIES_IN_MEMORY,
    ) -> None:
        self.seed = seed
        self.conversations_per_day = conversations_per_day
        self.variation = variation
        self.reprocessed = reprocessed
        self.now = now
        self.directory = Directory(seed, conversations_per_day, agents)
        self._budget = bodies_in_memory
        self._used = 0
        self._rows: dict[int, list[Row]] = {}
        self._in_memory: OrderedDict[int, int] = OrderedDict()
        self._lock = RLock()
        self._plan = lru_cache(maxsize=512)(self._make_plan)

    def day(self, day: date, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """The conversation detail records that start on a UTC day, as job results carry them.

        Args:
            day: The UTC day.
            as_of: The moment of knowledge; the org's `now` if not given.

        Returns:
            Records in the order of `conversationStart`.
        """
        moment = from_datetime(as_of or self.now())
        return [
            decode(self.body(row, moment)) for row in self.rows_of_day(day_number(day)) if row.start <= moment
        ]

    def record(self, conversation_id: str, as_of: datetime | None = None) -> dict[str, Any] | None:
        """One conversation's record, None if there is no such conversation (yet)."""
        moment = from_datetime(as_of or self.now())
        row = self.find(conversation_id)
        return decode(self.body(row, moment)) if row and row.start <= moment else None

    def count(self, day: date) -> int:
        """The number of conversations that start on a UTC day (nothing is made for it)."""
        return day_total(self.seed, self.conversations_per_day, day, self.variation)

    def body(self, row: Row, as_of: int, *, attributes: bool = True) -> bytes:
        """A conversation's record at a moment (ms) as JSON bytes."""
        with self._lock:
            row = self._made(row)
            known = len(row.bodies)
            body = row.body(as_of, attributes=attributes)
            if len(row.bodies) > known:
                self._in_memory[row.slot] += len(body)
                self._used += len(body)
            return body

    def counted_in(self, row: Row) -> dict[str, Any]:
        """Where the metrics of a conversation's sessions count (see `Draft.counted_in`)."""
        with self._lock:
            return self._made(row).counted_in

    def rows_of_day(self, day: int, until: int | None = None) -> Iterator[Row]:
        """The conversations that start on a day (number since 1970), in order, before `until` (ms)."""
        first = day * SLOTS_PER_DAY
        for slot in range(first, first + SLOTS_PER_DAY):
            if until is not None and slot * SLOT >= until:
                return
            yield from self.rows_of_slot(slot)

    def rows_of_slot(self, slot: int) -> list[Row]:
        """The conversations that start in a quarter hour (number since 1970), in order."""
        with self._lock:
            if slot not in self._rows:
                self._make_slot(slot)
            return self._rows[slot]

    def long_rows(self, day: int, days: int) -> Iterator[Row]:
        """Those that start on a day and are of a kind that may last `days` or more."""
        for slot in range(day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY):
            with self._lock:
                rows = self._rows.get(slot)
                if rows is None:
                    rows = [row for row, _ in self._make(slot, lambda kind: kind.days >= days)]
            yield from (row for row in rows if row.end >= (day + days) * DAY)

    def long_records(
        self, day: int, days: int, as_of: int
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """The records of `long_rows`, as known at `as_of` (ms), and where their metrics count; nothing is remembered."""
        for slot in range(day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY):
            for row, record in self._make(slot, lambda kind: kind.days >= days):
                if row.end >= (day + days) * DAY:
                    yield row.known(record, as_of), row.counted_in

    def whole_records(self, day: int, days: int) -> Iterator[dict[str, Any]]:
        """The records, with all that will ever happen, that start on a day and are of a kind of `days` or more."""
        for slot in range(day * SLOTS_PER_DAY, (day + 1) * SLOTS_PER_DAY):
            with self._lock:
                bodies = (
                    [row.whole() for row in self._rows[slot]]
                    if slot in self._in_memory and days <= 1
                    else None
                )
            if bodies is not None:
                yield from map(decode, bodies)
            else:
                yield from (record for _, record in self._make(slot, lambda kind: kind.days >= days))

    def find(self, conversation_id: str) -> Row | None:
        """The conversation of an id, None if the org has none."""
        slot = _slot_of_id(conversation_id)
        if slot is None:
            return None
        return next((row for row in self.rows_of_slot(slot) if row.conversation_id == conversation_id), None)

    def _make_plan(self, day: int) -> tuple[list[int], list[int]]:
        """How many conversations start in each slot of a day, and how many before it."""
        of_day = to_datetime(day * DAY).date()
        totals = slot_totals(self.count(of_day), of_day)
        return totals, [0, *accumulate(totals)]

    def _make_slot(self, slot: int) -> None:
        """Make a slot's conversations up and keep their bodies, forgetting the longest unused ones."""
        made = list(self._make(slot, lambda _: True))
        rows = self._rows.setdefault(slot, [row for row, _ in made])
        size = sum(row.keep(record, one.counted_in) for row, (one, record) in zip(rows, made, strict=True))
        self._in_memory[slot] = size
        self._used += size
        while self._used > self._budget and len(self._in_memory) > 1:
            oldest, freed = self._in_memory.popitem(last=False)
            self._used -= freed
            for row in self._rows[oldest]:
                row.bodies.clear()

    def _made(self, row: Row) -> Row:
        """The row with its bodies."""
        if row.slot in self._in_memory:
            self._in_memory.move_to_end(row.slot)
        else:
            self._make_slot(row.slot)
        if row.bodies:
            return row
        # One of `long_rows`.
        return next(same for same in self._rows[row.slot] if same.conversation_id == row.conversation_id)

    def _make(self, slot: int, wanted: Callable[[Kind], bool]) -> Iterator[tuple[Row, dict[str, Any]]]:
        day, place = divmod(slot, SLOTS_PER_DAY)
        totals, before = self._plan(day)
        seed = seed_for(self.seed, slot)
        dice = Dice(seed)
        offsets = sorted(dice.between(0, SLOT - 1) for _ in range(totals[place]))
        busy = load(to_datetime(day * DAY).astimezone(UTC).date(), place)
        for number, offset in enumerate(offsets):
            # Each conversation has its own seed, so one can be made without those before it.
            dice.reseed(seed + number + 1)
            kind = draw_kind(dice.random())
            if not wanted(kind):
                continue
            conversation_id = _make_id(dice, slot)
            start = slot * SLOT + offset
            draft = Draft(
                self.directory,
                dice,
                conversation_id=conversation_id,
                start=start,
                turn=before[place] + number,
                load=busy,
            )
            kind.write(draft)
            record = draft.finish()
            night = night_of(record, draft.end, self.reprocessed) if self.reprocessed else None
            late = tuple(sorted(draft.late if night is None else [*draft.late, night]))
            yield (
                Row(
                    conversation_id,
                    start,
                    draft.end,
                    late,
                    slot,
                    reprocessed=night,
                    counted_in=draft.counted_in,
                ),
                record,
            )


def visible(rows: list[Row], as_of: int) -> int:
    """How many of the rows, ordered by start, have started at `as_of` (ms)."""
    return bisect_right(rows, as_of, key=lambda row: row.start)


def _make_id(dice: Dice, slot: int) -> str:
    """A UUID whose last six digits tell the slot, masked by its first six: so an id alone finds its day."""
    text = dice.uuid()
    return f"{text[:30]}{(slot - _ID_EPOCH) & 0xFFFFFF ^ int(text[:6], 16):06x}"


def _slot_of_id(conversation_id: str) -> int | None:
    try:
        return (int(conversation_id[:6], 16) ^ int(conversation_id[30:36], 16)) + _ID_EPOCH
    except ValueError:
        return None

"""How many conversations start when: the shape of a contact centre's day and week.

The day is cut into quarter hours (`SLOTS_PER_DAY`), the unit in which the org makes its conversations up.
"""

from datetime import date
from itertools import accumulate

from genesys_dagster.sandbox.dice import Dice, seed_for

SLOTS_PER_DAY = 96

# Share of a busy weekday's volume: Monday first. Monday is the peak nearly everywhere.
_WEEK = (1.0, 0.94, 0.91, 0.92, 0.96, 0.42, 0.27)

# Relative arrivals in each hour of the day (UTC): two peaks, a dip at lunch, a long quiet night.
_WEEKDAY_HOURS = (2, 1, 1, 1, 2, 5, 14, 38, 74, 97, 100, 92, 76, 82, 95, 93, 84, 66, 44, 30, 21, 14, 8, 4)
_WEEKEND_HOURS = (4, 3, 2, 2, 2, 4, 10, 24, 52, 78, 95, 100, 96, 88, 80, 76, 70, 60, 48, 38, 28, 20, 12, 7)
_PEAK = 100


def day_total(seed: int, conversations_per_day: int, day: date, variation: float) -> int:
    """The number of conversations that start on a UTC day.

    Args:
        seed: The org's seed.
        conversations_per_day: Volume of a Monday.
        day: The UTC day.
        variation: Greatest random deviation from the weekday's usual volume (0.04 is ±4 %).
    """
    deviation = Dice(seed_for("volume", seed, day.isoformat())).random() * 2 * variation - variation
    return round(conversations_per_day * _WEEK[day.weekday()] * (1 + deviation))


def slot_totals(total: int, day: date) -> list[int]:
    """Spread a day's conversations over its quarter hours, exactly `total` in all."""
    hours = _WEEKEND_HOURS if day.weekday() >= 5 else _WEEKDAY_HOURS
    reached = list(accumulate(_quarter_weights(hours)))
    bounds = [0, *(round(total * weight / reached[-1]) for weight in reached)]
    return [bounds[slot + 1] - bounds[slot] for slot in range(SLOTS_PER_DAY)]


def load(day: date, slot: int) -> float:
    """How busy a quarter hour is, 0 (empty) to 1 (peak): waiting times follow it."""
    hours = _WEEKEND_HOURS if day.weekday() >= 5 else _WEEKDAY_HOURS
    return hours[slot // 4] / _PEAK * _WEEK[day.weekday()]


def _quarter_weights(hours: tuple[int, ...]) -> list[float]:
    """Weights of the quarters, sliding from each hour towards the next so that there are no steps."""
    return [
        hours[hour] + (hours[(hour + 1) % 24] - hours[hour]) * (quarter - 1.5) / 8
        for hour in range(24)
        for quarter in range(4)
    ]

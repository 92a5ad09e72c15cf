"""Sums of performance rows, and the rates that follow from them."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import pandas as pd


@dataclass(frozen=True, slots=True)
class Figures:
    """What some rows of `queue_performance` add up to; counts, and times in seconds.

    Rates and means are None where there is nothing to take them of.
    """

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    flowed_out: int = 0
    answered_in_target: int = 0
    service_level_base: int = 0
    answer_seconds: float = 0.0
    handled: int = 0
    handle_seconds: float = 0.0
    transferred: int = 0

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Self:
        """Add up all rows."""
        return cls(**{name: _plain(rows[name].sum()) for name in SUMMED})

    @classmethod
    def by(cls, rows: pd.DataFrame, keys: Sequence[str]) -> Mapping[Hashable, Self]:
        """Add up the rows of each key; of several columns the key is a tuple. Null is a key too."""
        by = keys[0] if len(keys) == 1 else list(keys)
        sums = rows.groupby(by, dropna=False, sort=True)[list(SUMMED)].sum()
        return {
            _key(key): cls(**{name: _plain(value) for name, value in zip(SUMMED, row, strict=True)})
            for key, row in zip(sums.index, sums.itertuples(index=False), strict=True)
        }

    @property
    def service_level(self) -> float | None:
        """Share of interactions answered in time, 0 to 1."""
        return _ratio(self.answered_in_target, self.service_level_base)

    @property
    def abandon_rate(self) -> float | None:
        """Share of offered interactions that were abandoned."""
        return _ratio(self.abandoned, self.offered)

    @property
    def transfer_rate(self) -> float | None:
        """Transfers per handled interaction."""
        return _ratio(self.transferred, self.handled)

    @property
    def answer_mean(self) -> float | None:
        """Mean time that answered interactions waited, in seconds."""
        return _ratio(self.answer_seconds, self.answered)

    @property
    def handle_mean(self) -> float | None:
        """Mean time to handle an interaction, in seconds."""
        return _ratio(self.handle_seconds, self.handled)


SUMMED: tuple[str, ...] = tuple(field.name for field in fields(Figures))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _plain(value: Any) -> Any:
    """A Python number instead of numpy's."""
    return value.item() if hasattr(value, "item") else value


def _key(key: Any) -> Hashable:
    if isinstance(key, tuple):
        return tuple(_key(part) for part in key)
    return None if pd.isna(key) else key

"""Chance with a memory: every made-up value comes from a generator seeded by what it belongs to."""

import random
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


def seed_for(*parts: object) -> int:
    """A stable 64-bit seed from what it is for (`hash()` differs from process to process)."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=8).digest(), "big")


class Dice:
    """Draws of the kinds that conversations need; reseeded for each conversation."""

    __slots__ = ("bits", "random", "reseed", "rng")

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - made-up data
        # Bound once: a conversation makes hundreds of draws.
        self.random = self.rng.random
        self.bits = self.rng.getrandbits
        self.reseed = self.rng.seed

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[int(self.random() * len(options))]

    def between(self, low: int, high: int) -> int:
        """A whole number, low ≤ n ≤ high."""
        return low + int(self.random() * (high - low + 1))

    def around(self, median: float, spread: float = 0.5, at_most: float = 4.0) -> int:
        """A skewed duration as handling times are: half below the median, a tail up to `at_most` medians."""
        factor: float = self.rng.lognormvariate(0.0, spread)
        return max(1, int(median * min(factor, at_most)))

    def uuid(self) -> str:
        """A random version 4 UUID."""
        text = f"{self.bits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def hex(self, digits: int) -> str:
        """Random hexadecimal digits."""
        return f"{self.bits(4 * digits):0{digits}x}"

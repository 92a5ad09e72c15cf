"""Remembering what was made, up to a size; the least used is forgotten first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Memory(Generic[K, T]):
    """Values by key, of which the latest are kept, however large it is.

    Args:
        budget: Sum of the sizes that are kept.
    """

    def __init__(self, budget: int) -> None:
        self._kept: OrderedDict[K, tuple[T, int]] = OrderedDict()
        self._budget = budget
        self._used = 0

    def __contains__(self, key: K) -> bool:
        """Whether the value is still there."""
        return key in self._kept

    def get(self, key: K, make: Callable[[], tuple[T, int]]) -> T:
        """The value of a key; `make` gives it and its size if it is not there."""
        if key not in self._kept:
            self._kept[key] = made = make()
            self._used += made[1]
            while self._used > self._budget and len(self._kept) > 1:
                self._used -= self._kept.popitem(last=False)[1][1]
        else:
            self._kept.move_to_end(key)
        return self._kept[key][0]

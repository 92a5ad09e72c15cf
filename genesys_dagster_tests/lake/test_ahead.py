"""What is made ahead of its use: one item, in order, and closed with its user."""

import threading

import pytest

from genesys_dagster.lake.ahead import ahead


class Items:
    """Numbers, and which of them were made."""

    def __init__(self, count, error=None):
        self.made = [threading.Event() for _ in range(count)]
        self.is_closed = False
        self._error = error

    def __iter__(self):
        try:
            for at, made in enumerate(self.made):
                made.set()
                yield at
            if self._error:
                raise self._error
        finally:
            self.is_closed = True


def test_items_come_in_their_order_and_an_error_in_its_place():
    assert list(ahead(iter(Items(50)))) == [*range(50)]
    items, seen = Items(3, ValueError("the fourth")), []
    with pytest.raises(ValueError, match="the fourth"):
        seen.extend(ahead(iter(items)))
    assert seen == [0, 1, 2]
    assert items.is_closed


def test_the_next_item_is_made_while_one_is_used_and_no_other():
    items = Items(3)
    following = ahead(iter(items))
    assert next(following) == 0
    assert items.made[1].wait(10)
    assert not items.made[2].is_set()
    following.close()
    assert items.is_closed
    assert not items.made[2].is_set()

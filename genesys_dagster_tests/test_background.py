"""The bridge between asynchronous producers and synchronous consumers."""

import asyncio
import threading
from contextlib import suppress

import pytest

from genesys_dagster.background import BackgroundIterator


class Producer:
    """Counts up, and remembers how far it came and whether it was cleaned up."""

    def __init__(self, end=1000, error=None):
        self.end, self.error, self.made, self.is_closed = end, error, 0, False

    async def __call__(self):
        try:
            for number in range(self.end):
                self.made += 1
                yield number
                await asyncio.sleep(0)
            if self.error:
                raise self.error
        finally:
            await asyncio.sleep(0)  # clean-up may itself be asynchronous
            self.is_closed = True


def test_items_arrive_in_order_and_the_producer_is_cleaned_up():
    producer = Producer(50)
    assert list(BackgroundIterator(producer)) == list(range(50))
    assert producer.is_closed


def test_the_producer_is_never_more_than_the_read_ahead_in_front():
    producer = Producer()
    with BackgroundIterator(producer, read_ahead=2) as items:
        for number in items:
            assert producer.made - number <= 4  # taken, two waiting, one at the door
            if number == 100:
                break


def test_an_error_of_the_producer_reaches_the_consumer_after_its_items():
    items = BackgroundIterator(Producer(2, KeyError("lost")))
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(KeyError, match="lost"):
        next(items)
    with pytest.raises(StopIteration):
        next(items)


def test_closing_cancels_a_waiting_producer_and_waits_for_its_clean_up():
    async def forever():
        yield 1
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            closed.set()

    closed = threading.Event()
    with BackgroundIterator(forever) as items:
        assert next(items) == 1
    assert closed.is_set()
    items.close()


def test_an_error_of_the_consumer_closes_the_producer():
    producer = Producer()
    with suppress(ZeroDivisionError), BackgroundIterator(producer) as items:
        next(items)
        raise ZeroDivisionError
    assert producer.is_closed


def test_an_iterator_that_was_never_started_closes_without_work():
    producer = Producer()
    BackgroundIterator(producer).close()
    assert producer.made == 0

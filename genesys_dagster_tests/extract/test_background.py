"""The bridge between asynchronous producers and synchronous consumers."""

import asyncio
import signal
import threading
from contextlib import suppress

import pytest

from genesys_dagster.extract.background import BackgroundIterator, run_apart
from genesys_dagster.genesys.errors import GenesysError


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


@pytest.mark.parametrize("after", [0, 3])
def test_a_cancellation_that_nobody_asked_for_is_no_clean_end(after):
    async def cancelled():
        for number in range(after):
            yield number
        raise asyncio.CancelledError

    items = BackgroundIterator(cancelled)
    got = []
    with pytest.raises(GenesysError, match="cancelled") as caught:
        got.extend(items)
    assert caught.value.retryable


def test_a_task_that_is_cancelled_from_within_is_no_clean_end():
    async def cancels_itself():
        yield 1
        asyncio.current_task().cancel()
        await asyncio.sleep(0)
        yield 2

    items = BackgroundIterator(cancels_itself)
    with pytest.raises(GenesysError, match="cancelled"):
        list(items)


def closed_within(items, seconds):
    """Whether `close()` returns in time; in a thread, so that a hang fails instead of hanging."""
    closing = threading.Thread(target=items.close, daemon=True)
    closing.start()
    closing.join(seconds)
    return not closing.is_alive()


async def endless():
    number = 0
    while True:
        yield (number := number + 1)


@pytest.mark.parametrize("moment", ["while it starts", "before it starts"])
def test_an_interrupt_while_the_thread_starts_lets_close_return(monkeypatch, moment):
    items = BackgroundIterator(endless)
    start = items._thread.start

    def interrupted():
        if moment == "while it starts":
            start()
        raise KeyboardInterrupt

    monkeypatch.setattr(items._thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(items)
    assert closed_within(items, 5)


def test_a_producer_that_has_not_begun_when_it_is_closed_does_nothing(monkeypatch):
    made, may_begin = [], threading.Event()

    def make():
        made.append(1)
        return endless()

    items = BackgroundIterator(make)
    run = items._run
    monkeypatch.setattr(items._thread, "_target", lambda: (may_begin.wait(5), run()))
    items._thread.start()
    threading.Timer(0.1, may_begin.set).start()
    assert closed_within(items, 5)
    assert made == []


def test_a_producer_that_swallows_the_cancellation_is_stopped_too():
    async def stubborn():
        number = 0
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.001)
            yield (number := number + 1)

    items = BackgroundIterator(stubborn)
    assert next(items) == 1
    assert closed_within(items, 5)


class _InterruptedError(BaseException):
    """As Dagster's own."""


def test_an_interrupt_that_strikes_within_a_callback_is_not_forgotten():
    cleaned_up = []

    async def work():
        loop = asyncio.get_running_loop()
        loop.call_soon(signal.pthread_kill, threading.main_thread().ident, signal.SIGINT)
        try:
            await asyncio.sleep(5)
        finally:
            cleaned_up.append(True)

    def strike(*_):
        raise _InterruptedError

    before = signal.signal(signal.SIGINT, strike)
    try:
        with pytest.raises(_InterruptedError):
            run_apart(work())
    finally:
        signal.signal(signal.SIGINT, before)
    assert cleaned_up == [True]


def test_a_coroutine_run_apart_gives_its_result_or_raises_its_error():
    async def result():
        return 7

    async def error():
        raise KeyError("lost")

    assert run_apart(result()) == 7
    with pytest.raises(KeyError, match="lost"):
        run_apart(error())

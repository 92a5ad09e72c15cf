"""Time that passes only while everybody waits: minutes of latency in a moment, the same every time."""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class _Waiting(selectors.DefaultSelector):
    """Instead of waiting for the next timer, moves the time there. Nothing here may depend on threads or sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.time += timeout or 0.0
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._waiting = _Waiting()
        super().__init__(self._waiting)

    def time(self) -> float:
        return self._waiting.time


class VirtualClock:
    """The clock of the loop that runs."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Run a coroutine; returns its result and how many seconds it took in virtual time."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        result = runner.run(work)
        return result, runner.get_loop().time()

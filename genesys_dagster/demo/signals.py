"""Ctrl-C and SIGTERM end the demo within seconds, through the `finally` blocks that stop what was started."""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_AGAIN_SECONDS = 1.0


class Interrupts:
    """Whether somebody wants the demo to end.

    Dagster puts handlers of its own in place while it executes: an interrupt between two steps is forgotten with them
    (dagster 1.13.27, `capture_interrupts`), one in a check may become the check's result. So the signals are noted
    beside the handlers, and sent again until the run has ended; in a run they strike where Dagster's handlers let
    them, and nothing in between, such as the writing of an event.
    """

    def __init__(self, wakeup: socket.socket) -> None:
        self._wakeup = wakeup
        self._seen = threading.Event()
        threading.Thread(target=self._listen, name="interrupts", daemon=True).start()

    @contextmanager
    def ending_a_run(self) -> Iterator[None]:
        """Ends a run of Dagster's with KeyboardInterrupt after an interrupt, whatever became of it in the run."""
        over = threading.Event()
        outside = {number: signal.signal(number, lambda *_: None) for number in _SIGNALS}
        threading.Thread(target=self._again, args=(over,), daemon=True).start()
        try:
            yield
        except BaseException:
            if not self._seen.is_set():
                raise
        finally:
            over.set()
            for number, handler in outside.items():
                signal.signal(number, handler)
        if self._seen.is_set():
            raise KeyboardInterrupt

    def _again(self, over: threading.Event) -> None:
        while not over.wait(_AGAIN_SECONDS):
            if self._seen.is_set():
                os.kill(os.getpid(), signal.SIGINT)

    def _listen(self) -> None:
        while arrived := self._wakeup.recv(1):
            if arrived[0] in _SIGNALS:
                self._seen.set()
                # An interrupt may strike where nobody can pass it on, such as in a destructor: that is no news any more.
                sys.unraisablehook = lambda _: None
                logging.disable()


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Raise KeyboardInterrupt on SIGTERM, and on SIGINT even where a shell started the process with it ignored."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    read, write = socket.socketpair()
    write.setblocking(False)  # as `set_wakeup_fd` asks
    previous = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    wakeup = signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
    try:
        yield Interrupts(read)
    finally:
        sys.unraisablehook = sys.__unraisablehook__
        logging.disable(logging.NOTSET)
        signal.set_wakeup_fd(wakeup)
        for number, handler in previous.items():
            signal.signal(number, handler)
        write.close()  # ends the thread that listens

"""Whether an answer can be all that there is: pages are counted against what was announced.

An answer without rows before the announced end, or a page that lost its cursor, looks like the end of the data. Such
an answer is called malformed, so that the client asks again; how often depends on how much speaks against it.
"""

import logging
from collections.abc import Awaitable, Callable
from itertools import count

from genesys_dagster.genesys.errors import MalformedResponseError, RequestRejectedError
from genesys_dagster.genesys.pages import Envelope, Page, read_envelope
from genesys_dagster.genesys.responses import Response

_log = logging.getLogger(__name__)
# totalHits moves while data arrives (Genesys developer blog, "Analytics conversations API behavior", 2022-04-21); by
# how much is not documented: inferred.
WOBBLE = 5  # conversations
# Answers until one is believed that nothing speaks for but its repetition; a client must be allowed that many attempts.
ANSWERS = 3
_TWICE = 2
_NEVER = 10**9

Reader = Callable[[Response], Envelope]


class Chain:
    """The pages of one chain of cursors.

    Args:
        announced: How many records to expect; None if nobody said.
        is_end: Tells of a last page whether it can be, where no number will ever be known; None if any can that is
            not full, since the whole is counted.

    Attributes:
        page_size: How many records are asked for at a time.
    """

    def __init__(
        self, page_size: int, announced: int | None = None, is_end: Callable[[Page], bool] | None = None
    ) -> None:
        self.page_size = page_size
        self._announced = announced
        self._is_end = is_end or self._is_not_full
        self._is_counted_later = is_end is None
        self._rows = 0
        self._marks: set[int] = set()

    async def next(self, ask: Callable[[Reader, int], Awaitable[Envelope]]) -> Envelope:
        """Return the next page, as soon as it is credible; in smaller ones where the server finds it too large.

        Args:
            ask: Asks for it, given a `read` for `GenesysClient.fetch` and a page size.
        """
        while True:
            try:
                envelope = await ask(_reader(self._answers_needed), self.page_size)
                break
            except RequestRejectedError as error:
                if not is_too_large(error) or self.page_size == 1:
                    raise
            self.page_size //= 2
            _log.info("pages are too large for the server, going on with %d records each", self.page_size)
        self._take(envelope)
        return envelope

    def _take(self, envelope: Envelope) -> None:
        if self._announced is None:
            self._announced = envelope.total_hits
        self._rows += envelope.page.records
        if envelope.mark is not None:
            self._marks.add(envelope.mark)

    def _answers_needed(self, said: Envelope) -> int:
        if said.mark is not None and said.mark in self._marks:
            return _NEVER  # the records of a page that was read before, in the place of others
        announced = said.total_hits if self._announced is None else self._announced
        missing = None if announced is None else announced - self._rows - said.page.records
        if said.page.records:
            return self._with_records(said, missing)
        return self._leading_on(said, missing) if said.next_cursor else self._empty_end(said, missing)

    def _with_records(self, said: Envelope, missing: int | None) -> int:
        is_last = said.next_cursor is None
        if missing is None:
            return _TWICE if is_last and not self._is_end(said.page) else 1
        return _TWICE if is_last and missing > WOBBLE else 1

    def _leading_on(self, said: Envelope, missing: int | None) -> int:
        """Nothing ends here, but were there no records?"""
        if missing is not None:
            return 1 if missing <= 0 else ANSWERS
        # Where nobody announced a number, and nobody counts afterwards either, nothing else would notice.
        return _TWICE if said.has_list and self._is_counted_later else _NEVER

    def _empty_end(self, said: Envelope, missing: int | None) -> int:
        if missing is None:
            return ANSWERS
        if missing <= 0:
            return 1
        is_cut_down = missing > WOBBLE and not said.has_list
        return _NEVER if not self._rows or is_cut_down else ANSWERS

    def _is_not_full(self, page: Page) -> bool:
        return page.records < self.page_size


def is_too_large(error: RequestRejectedError) -> bool:
    """Tell whether a smaller page would do (platform-client-sdk-cli, x-inin-error-codes of the operation)."""
    return error.code == "response.entity.too.large"


def numbered(reached: int, announced: int | None, *, may_be_empty: bool = False) -> Reader:
    """A reader for a page that is asked for by its number.

    Args:
        reached: How many records come before it.
        announced: How many there are, as far as pages before it said; None if it is the first.
        may_be_empty: Whether a page may be empty although more follow; one answer alone is not believed that.
    """

    def answers_needed(said: Envelope) -> int:
        if said.page.records:
            return 1
        if said.total_hits is not None:  # the server's word on what there is, or is no more
            return 1 if said.total_hits <= reached else ANSWERS
        if announced is None:  # on an empty day the query answers `{}`
            return _TWICE
        if announced <= reached:
            return 1
        if may_be_empty:
            return ANSWERS
        return ANSWERS if announced <= reached + WOBBLE else _NEVER

    return _reader(answers_needed)


def counted() -> Reader:
    """A reader for an answer of which only the announcement matters."""
    return _reader(lambda said: 1 if said.total_hits is not None or said.page.records else _TWICE)


def _reader(answers_needed: Callable[[Envelope], int]) -> Reader:
    answers = count(1)

    def read(response: Response) -> Envelope:
        envelope = read_envelope(response)
        if next(answers) < answers_needed(envelope):
            raise MalformedResponseError(
                "the answer ends before the announced records have come, or does not say that there are none"
            )
        return envelope

    return read

"""Pages that wait for long, in a quarter of the memory."""

import asyncio
from dataclasses import dataclass, replace
from typing import Self

from isal import isal_zlib

from genesys_dagster.genesys.pages import Page

_FAST = 0  # isal's fastest level
_WORTH_A_THREAD = 16_384  # bytes; below, handing over costs more than the work


@dataclass(frozen=True, slots=True)
class PackedPage:
    """A page whose body is compressed.

    Attributes:
        page: The page, with the compressed body.
    """

    page: Page

    @classmethod
    async def of(cls, page: Page) -> Self:
        """Compress a page's body."""
        if len(page.body) < _WORTH_A_THREAD:
            return cls(replace(page, body=isal_zlib.compress(page.body, _FAST)))
        return cls(replace(page, body=await asyncio.to_thread(isal_zlib.compress, page.body, _FAST)))

    async def unpack(self) -> Page:
        """The page as it was."""
        if len(self.page.body) < _WORTH_A_THREAD:
            return replace(self.page, body=isal_zlib.decompress(self.page.body))
        return replace(self.page, body=await asyncio.to_thread(isal_zlib.decompress, self.page.body))

"""A day several times over, as one of many more conversations: the same pages again, with other ids.

Made page by page when asked for, so that a day of a million takes neither disk nor memory.
"""

import re
import zlib
from dataclasses import dataclass

from benchmarks.data import AVAILABLE_UNTIL, GZIP, Day

# xxxxxxxx-xxxx-4xxx-...: the version is the same in all ids of a day, so that another one makes another id of each.
_VERSION = re.compile(rb'("conversationId":"[0-9a-f]{8}-[0-9a-f]{4}-)4')


@dataclass(frozen=True)
class Repeated:
    day: Day
    times: int
    """At most nine."""
    is_plain: bool = True

    @property
    def conversations(self) -> int:
        return self.day.conversations * self.times

    def __len__(self) -> int:
        return len(self.day) * self.times

    def body(self, number: int) -> bytes:
        turn, place = divmod(number, len(self.day))
        body = zlib.decompress(self.day.body(place), wbits=GZIP)
        records, _, _ = _VERSION.sub(rb"\g<1>%d" % (turn + 1), body).rpartition(b"],")
        cursor = b'"cursor":"%d",' % (number + 1) if number + 1 < len(self) else b""
        until = f"{AVAILABLE_UNTIL:%Y-%m-%dT%H:%M:%S.000Z}".encode()
        return b'%s],%s"dataAvailabilityDate":"%s"}' % (records, cursor, until)

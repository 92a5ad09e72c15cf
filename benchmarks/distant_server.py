"""A Genesys Cloud API far away: every answer comes late, and at most so many requests a minute are answered.

Run as `python -m benchmarks.distant_server CONVERSATIONS SECONDS REQUESTS_PER_MINUTE`. Jobs are done at once.
Conversations have an id, a start and an end and nothing else, so that only waiting counts.
"""

import json
import random
import sys
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from benchmarks.data import AVAILABLE_UNTIL, window
from benchmarks.genesys_server import DETAILS, json_reply
from benchmarks.http_server import Reply, Request, serve

_MINUTE = 60
_BUSY_HOURS = (8, 20)
_BUSY_SHARE = 0.9


class DistantApi:
    """Answers the requests of a bulk job for a window.

    Args:
        starts: When the conversations begin, in order.
        seconds: How late every answer comes.
        per_minute: Requests that are answered in a minute of the clock; further ones get a 429.
    """

    def __init__(self, starts: Sequence[datetime], seconds: float, per_minute: int) -> None:
        self._starts = starts
        self._seconds = seconds
        self._per_minute = per_minute
        self._in_minute: Counter[int] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Reply:
        time.sleep(self._seconds)
        with self._lock:
            now = time.time()
            self._in_minute[int(now) // _MINUTE] += 1
            if self._in_minute[int(now) // _MINUTE] > self._per_minute:
                return _too_many(_MINUTE - int(now) % _MINUTE)
        if request.path == "/oauth/token":
            return json_reply({"access_token": "benchmark", "token_type": "bearer", "expires_in": 86_400})
        if request.path == f"{DETAILS}/query":
            return json_reply({"conversations": [], "totalHits": len(self._asked_for(request))})
        return self._jobs(request)

    def _jobs(self, request: Request) -> Reply:
        step = request.path.removeprefix(f"{DETAILS}/jobs")
        if step == "" and request.method == "POST":
            numbers = self._asked_for(request)
            return json_reply({"jobId": f"{numbers.start}-{numbers.stop}"}, 202)
        if step == "/availability":
            return json_reply({"dataAvailabilityDate": _text(AVAILABLE_UNTIL)})
        if step.endswith("/results"):
            return self._results(
                step.split("/")[1], int(request.query["pageSize"]), request.query.get("cursor")
            )
        return Reply(status=204) if request.method == "DELETE" else json_reply({"state": "FULFILLED"})

    def _asked_for(self, request: Request) -> range:
        """The conversations that begin in the interval of a question."""
        interval = json.loads(bytes(request.body))["interval"].split("/")
        return range(*(bisect_left(self._starts, datetime.fromisoformat(moment)) for moment in interval))

    def _results(self, job: str, size: int, cursor: str | None) -> Reply:
        first, last = map(int, job.split("-"))
        at = int(cursor or first)
        numbers = range(at, min(at + size, last))
        page: dict[str, object] = {"conversations": [self._record(number) for number in numbers]}
        page["dataAvailabilityDate"] = _text(AVAILABLE_UNTIL)
        if at + size < last:
            page["cursor"] = str(at + size)
        return json_reply(page)

    def _record(self, number: int) -> dict[str, str]:
        start = self._starts[number]
        return {
            "conversationId": f"00000000-0000-4000-8000-{number:012d}",
            "conversationStart": _text(start),
            "conversationEnd": _text(start + timedelta(minutes=5)),
        }


def day_starts(count: int) -> list[datetime]:
    """The starts of a day on which nine tenths of the conversations begin in the busy hours."""
    midnight, _ = window()
    opening, closing = (timedelta(hours=hour) for hour in _BUSY_HOURS)
    busy, night = closing - opening, timedelta(days=1) - (closing - opening)
    # Evenly spread, slices would hold whole pages only, of which the last is asked for twice.
    chance = random.Random(count)
    starts = []
    for number in range(count):
        is_busy = number < count * _BUSY_SHARE
        at = chance.random() * (busy if is_busy else night)
        starts.append(midnight + at + (opening if is_busy else busy if at >= opening else timedelta()))
    return sorted(starts)


def _too_many(seconds: int) -> Reply:
    message = f"Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds"
    reply = json_reply({"code": "too.many.requests.retry.after", "message": message, "status": 429}, 429)
    return Reply(reply.body, 429, {**reply.headers, "Retry-After": str(seconds)})


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _main(conversations: str, seconds: str, per_minute: str) -> None:
    serve(DistantApi(day_starts(int(conversations)), float(seconds), int(per_minute)))


if __name__ == "__main__":
    _main(*sys.argv[1:])

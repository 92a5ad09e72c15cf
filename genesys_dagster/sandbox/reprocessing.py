"""What Genesys Cloud's nightly reprocessing does to conversations that have long ended.

It runs on data older than about 48 hours, and values may change three or more days later (Genesys help, "Why can my
data change?"); wrap-up segments were seen to come two days late (Genesys developer forum, thread 1611). Nothing in a
record tells that it was changed: no time of modification, no new timestamp.
"""

from collections.abc import Callable, Iterator
from typing import Any

from genesys_dagster.sandbox.dice import Dice, seed_for
from genesys_dagster.sandbox.times import DAY, HOUR, SECOND, from_iso, iso

Json = dict[str, Any]

# When it runs is not documented.
_HOUR_OF_NIGHT = 3 * HOUR
_SETTLED = 2 * DAY
_MOST_NIGHTS_LATER = 7
_LEAST_STRETCH = SECOND
_LONGEST_MOVE = 20 * SECOND


def last_night(at: int) -> int:
    """The latest reprocessing at or before a moment (ms)."""
    return (at - _HOUR_OF_NIGHT) // DAY * DAY + _HOUR_OF_NIGHT


def night_of(record: Json, end: int, share: float) -> int | None:
    """When a conversation is reprocessed (ms); None if it never is.

    Args:
        record: Its whole record.
        end: When it ended (ms).
        share: Share of the conversations with something to change that are reprocessed.
    """
    dice = Dice(seed_for("reprocessing", record["conversationId"]))
    if not dice.chance(share) or next(_changes(record), None) is None:
        return None
    return last_night(end + _SETTLED) + DAY * (1 + dice.between(0, _MOST_NIGHTS_LATER))


def reprocess(record: Json) -> None:
    """Change the record in place as reprocessing does, the same every time.

    An agent who skipped the wrap-up gets its segment after all; of another, some of the talk turns out to have been
    wrap-up, which changes the times of two segments and the values of three metrics. Sums stay right.
    """
    for session, change in list(_changes(record)):
        change(session)


def _changes(record: Json) -> Iterator[tuple[Json, Callable[[Json], None]]]:
    """The agents' sessions in which something can change, each with what changes it."""
    for participant in record["participants"]:
        for session in participant["sessions"] if participant["purpose"] == "agent" else ():
            kinds = [segment["segmentType"] for segment in session["segments"]]
            if session.get("acwSkipped"):
                yield session, _add_wrap_up
            elif kinds[-2:] == ["interact", "wrapup"] and _stretch(session) >= _LEAST_STRETCH:
                yield session, _begin_wrap_up_earlier


def _add_wrap_up(session: Json) -> None:
    last = session["segments"][-1]
    del session["acwSkipped"]
    late = {
        "segmentType": "wrapup",
        "segmentStart": last["segmentEnd"],
        "segmentEnd": last["segmentEnd"],
        "conference": False,
        "wrapUpCode": "ININ-WRAP-UP-TIMEOUT",
    }
    if "queueId" in last:
        late["queueId"] = last["queueId"]
    session["segments"].append(late)


def _begin_wrap_up_earlier(session: Json) -> None:
    talk, wrap_up = session["segments"][-2:]
    moved = min(_stretch(session) // 8, _LONGEST_MOVE)
    talk["segmentEnd"] = wrap_up["segmentStart"] = iso(from_iso(talk["segmentEnd"]) - moved)
    latest = {metric["name"]: metric for metric in session["metrics"]}
    for name, change in {"tTalk": -moved, "tTalkComplete": -moved, "tAcw": moved}.items():
        latest[name]["value"] += change


def _stretch(session: Json) -> int:
    """How long the last stretch of talk took (ms)."""
    talk = session["segments"][-2]
    return from_iso(talk["segmentEnd"]) - from_iso(talk["segmentStart"])

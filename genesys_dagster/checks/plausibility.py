"""Themes of plausibility: values and times that make sense in themselves."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

import dagster as dg

from genesys_dagster.checks.finding import WARN, Finding
from genesys_dagster.checks.leaves import Rows
from genesys_dagster.checks.themes import Day, ThemeCheck
from genesys_dagster.lazy import np, pa, pc

# Clocks of the services that write segments differ a little: a segment was seen to begin 13 ms before its conversation.
TOLERANCE_MS = 1_000
# Published records without conversationEnd whose segments have ended are nearly all of 2016; so a few prove nothing.
ENDLESS_SHARE = 0.1
_METRICS = "participants.sessions.metrics"
_SEGMENTS = "participants.sessions.segments"


class MetricSanity:
    """Every metric has a name and a value that is a number, none of them negative."""

    leaves: ClassVar = frozenset({f"{_METRICS}.name", f"{_METRICS}.value"})

    def __init__(self, _: Day) -> None:
        self._metrics = self._nameless = self._valueless = 0
        self._negative: Counter[str] = Counter()

    def see(self, rows: Rows) -> None:
        """Look at each metric's value."""
        metrics = rows.level("participants", "sessions", "metrics")
        names, values = metrics.get("name"), metrics.get("value")
        self._metrics += len(metrics)
        self._nameless += names.null_count
        is_number = pc.and_(pc.is_valid(values), pc.fill_null(pc.is_finite(values), False))
        self._valueless += len(values) - (pc.sum(is_number).as_py() or 0)
        self._negative.update(
            name or "(no name)" for name in names.filter(pc.fill_null(pc.less(values, 0), False)).to_pylist()
        )

    def finding(self) -> Finding:
        """Say how many make no sense."""
        faults = self._negative.total() + self._nameless + self._valueless
        return Finding(
            passed=not faults,
            severity=WARN,
            summary=f"{faults:,} of {self._metrics:,} metrics are negative, or lack a name or a value."
            if faults
            else f"All {self._metrics:,} metrics have a name and a value that is not negative.",
            figures={
                "metrics": self._metrics,
                "negative": dg.MetadataValue.json(dict(self._negative.most_common(20))),
                "without_name": self._nameless,
                "without_value": self._valueless,
            },
        )


class SegmentTimes:
    """Segments run forwards and lie within their conversation."""

    leaves: ClassVar = frozenset(
        {
            "conversationStart", "conversationEnd", f"{_SEGMENTS}.segmentStart", f"{_SEGMENTS}.segmentEnd",
            f"{_SEGMENTS}.segmentType",
        }
    )  # fmt: skip

    def __init__(self, _: Day) -> None:
        self._segments = 0
        self._faults: Counter[str] = Counter()

    def see(self, rows: Rows) -> None:
        """Compare each segment's times with its own and its conversation's."""
        segments = rows.level("participants", "sessions", "segments")
        self._segments += len(segments)
        start, end = _milliseconds(segments.get("segmentStart")), _milliseconds(segments.get("segmentEnd"))
        opened = _milliseconds(rows["conversationStart"])[segments.rows]
        closed = _milliseconds(rows["conversationEnd"])[segments.rows]
        # After-call work goes on when the conversation is over.
        is_wrapup = np.asarray(pc.fill_null(pc.equal(segments.get("segmentType"), "wrapup"), False), bool)
        with np.errstate(invalid="ignore"):  # comparisons with what is absent are false
            self._faults["end_before_start"] += int(np.count_nonzero(end < start))
            self._faults["before_conversation"] += int(np.count_nonzero(start < opened - TOLERANCE_MS))
            self._faults["after_conversation"] += int(
                np.count_nonzero((end > closed + TOLERANCE_MS) & ~is_wrapup)
            )

    def finding(self) -> Finding:
        """Say how many do not."""
        faults = self._faults.total()
        return Finding(
            passed=not faults,
            severity=WARN,
            summary=f"{faults:,} times of {self._segments:,} segments do not fit their segment or conversation."
            if faults
            else f"All {self._segments:,} segments run forwards and within their conversation.",
            figures={
                "segments": self._segments,
                "tolerance_ms": TOLERANCE_MS,
                **{
                    name: self._faults[name]
                    for name in ("end_before_start", "before_conversation", "after_conversation")
                },
            },
        )


class ConversationEnds:
    """Conversations of which every segment has ended have an end."""

    leaves: ClassVar = frozenset({"conversationEnd", f"{_SEGMENTS}.segmentStart", f"{_SEGMENTS}.segmentEnd"})

    def __init__(self, _: Day) -> None:
        self._finished = self._without = 0

    def see(self, rows: Rows) -> None:
        """Look for those that are over by their segments and have no end."""
        segments = rows.level("participants", "sessions", "segments")
        ended = np.asarray(pc.is_valid(segments.get("segmentEnd")), bool)
        known = np.bincount(segments.rows, minlength=len(rows))
        finished = (known > 0) & (known == np.bincount(segments.rows[ended], minlength=len(rows)))
        self._finished += int(np.count_nonzero(finished))
        self._without += int(
            np.count_nonzero(finished & np.asarray(pc.is_null(rows["conversationEnd"]), bool))
        )

    def finding(self) -> Finding:
        """Say how many lack it."""
        return Finding(
            passed=self._without <= ENDLESS_SHARE * self._finished,
            severity=WARN,
            summary=f"{self._without:,} of {self._finished:,} conversations whose segments have all ended lack "
            "conversationEnd."
            if self._without
            else f"All {self._finished:,} conversations whose segments have all ended have an end.",
            figures={"finished": self._finished, "without_end": self._without},
        )


def _milliseconds(times: pa.Array) -> np.ndarray:
    """Milliseconds as doubles (exact for any date), NaN where there is none."""
    return np.asarray(pc.cast(pc.cast(times, pa.int64()), pa.float64()).to_numpy(zero_copy_only=False))


PLAUSIBILITY = (
    ThemeCheck(
        "metric_sanity",
        "Every metric of a session has a name and a value, and no duration or count is negative.",
        MetricSanity,
        MetricSanity.leaves,
    ),
    ThemeCheck(
        "segment_times",
        "No segment ends before it begins, begins before its conversation or, after-call work aside, ends after it, "
        f"give or take {TOLERANCE_MS:,} ms.",
        SegmentTimes,
        SegmentTimes.leaves,
    ),
    ThemeCheck(
        "conversation_ends",
        f"Of the conversations whose segments have all ended, no more than {ENDLESS_SHARE:.0%} lack `conversationEnd`. "
        "Otherwise they would count as open, and be pulled again, for ever.",
        ConversationEnds,
        ConversationEnds.leaves,
    ),
)

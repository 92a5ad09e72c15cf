"""The org serves its customers as contact centres do: most in time, few lost, worst where the day is busiest."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from genesys_dagster.sandbox.emissions import emissions
from genesys_dagster.sandbox.org import Org

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("service"),
]  # what is made once, is made by one process

MONDAY = date(2026, 11, 16)
# media settings by media type of sessions
SETTINGS = {"voice": "call", "callback": "callback", "chat": "chat", "email": "email", "message": "message"}


class Service:
    """Offers, answers, answers in time and abandons of a selection of emissions."""

    def __init__(self, found):
        self.counts = Counter()
        for name, in_time in found:
            self.counts[name] += 1
            self.counts["in time"] += in_time

    @property
    def level(self):
        return self.counts["in time"] / (self.counts["tAnswered"] + self.counts["tAbandon"])

    @property
    def abandon_rate(self):
        return self.counts["tAbandon"] / self.counts["nOffered"]


@pytest.fixture(scope="module")
def week():
    """(media type, hour of start, metric, answered in time) of a working week, of conversations that have ended."""
    org = Org(conversations_per_day=2_000, now=lambda: datetime(2027, 6, 1, tzinfo=UTC))
    targets = {
        (queue["id"], medium): queue["mediaSettings"][setting]["serviceLevel"]["durationMs"]
        for queue in org.directory.queues
        for medium, setting in SETTINGS.items()
    }
    found = []
    for record in (record for day in range(5) for record in org.day(MONDAY + timedelta(days=day))):
        for each in emissions(org, record):
            medium, queue = each.dimensions["mediaType"], each.dimensions.get("queueId")
            if queue and each.name in {"nOffered", "tAnswered", "tAbandon", "nOverSla"}:
                in_time = each.name == "tAnswered" and each.value <= targets[queue, medium]
                found.append((medium, int(record["conversationStart"][11:13]), each.name, in_time))
    return found


def of(week, medium, hours=range(24)):
    return Service((name, ok) for m, hour, name, ok in week if m == medium and hour in hours)


def test_about_four_of_five_calls_are_answered_in_time_and_few_callers_give_up(week):
    assert 0.75 < of(week, "voice").level < 0.85
    assert 0.04 < of(week, "voice").abandon_rate < 0.08


def test_the_peaks_of_the_day_are_its_worst_hours(week):
    peak, shoulder, evening = (of(week, "voice", hours) for hours in ((10, 11), (7, 12, 13), range(18, 23)))
    assert 0.65 < peak.level < shoulder.level < evening.level < 0.97
    assert peak.abandon_rate > evening.abandon_rate


@pytest.mark.parametrize(
    ("medium", "level", "abandon_rate"),
    [
        ("callback", (0.85, 0.98), (0, 0)),
        ("chat", (0.75, 0.9), (0.01, 0.08)),
        ("message", (0.7, 0.9), (0.005, 0.05)),
        ("email", (0.85, 0.98), (0, 0)),
    ],
)
def test_other_media_have_targets_that_suit_them(week, medium, level, abandon_rate):
    service = of(week, medium)
    assert level[0] <= service.level <= level[1]
    assert abandon_rate[0] <= service.abandon_rate <= abandon_rate[1]


@pytest.mark.parametrize("medium", SETTINGS)
def test_answers_that_take_longer_than_the_queues_target_are_over_it_and_nothing_else_is(week, medium):
    counts = of(week, medium).counts
    assert counts["nOverSla"] == counts["tAnswered"] - counts["in time"]


def test_an_alert_runs_out_after_the_queues_time_for_it():
    org = Org(conversations_per_day=2_000, now=lambda: datetime(2027, 6, 1, tzinfo=UTC))
    (timeout,) = {
        settings["alertingTimeoutSeconds"] * 1_000
        for queue in org.directory.queues
        for settings in queue["mediaSettings"].values()
    }
    missed = [
        each.value
        for record in org.day(MONDAY)
        for each in emissions(org, record)
        if each.name == "tNotResponding"
    ]
    assert len(missed) > 10
    assert all(timeout / 2 <= value <= timeout for value in missed)

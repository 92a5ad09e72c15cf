"""Late activity is told from whatever records hold: fields may be missing, and timestamps unreadable."""

from contextlib import aclosing

import pytest

from genesys_dagster.extract.sweep import late_activity
from genesys_dagster_tests.genesys.fake_jobs import FakeJobs
from genesys_dagster_tests.genesys.fakes import DAY, FakeApi, FakeClock, reply, run

BEFORE, ON_THE_DAY, AFTER = "2026-11-12T09:00:00.000Z", "2026-11-20T09:00:00.000Z", "2026-11-21T09:00:00.000Z"


class Records(FakeJobs):
    """A job whose results are these records."""

    def __init__(self, *records):
        super().__init__()
        self._records = [{"conversationId": str(number)} | record for number, record in enumerate(records)]

    def results(self, request, job_id):
        return reply({"conversations": self._records, "dataAvailabilityDate": self.results_available})


def active(*records):
    """The ids of those records in which something happened on the day."""

    async def found():
        async with (
            FakeApi(Records(*records)).client(FakeClock()) as client,
            aclosing(late_activity(client, DAY)) as batches,
        ):
            return [identity async for batch in batches for identity in batch["conversationId"].to_pylist()]

    return run(found())


def talked(at, start=BEFORE):
    segments = [{"segmentStart": at}]
    return {"conversationStart": start, "participants": [{"sessions": [{"segments": segments}]}]}


@pytest.mark.parametrize(
    "happened",
    [
        talked(ON_THE_DAY),
        {"conversationStart": BEFORE, "conversationEnd": ON_THE_DAY},
        {"conversationStart": BEFORE, "surveys": [{"eventTime": ON_THE_DAY}]},
        {
            "conversationStart": BEFORE,
            "participants": [{"sessions": [{"metrics": [{"emitDate": ON_THE_DAY}]}]}],
        },
    ],
)
def test_whatever_has_a_time_on_the_day_is_activity(happened):
    assert active(happened, talked(BEFORE), talked(AFTER)) == ["0"]


@pytest.mark.parametrize("nothing", [{}, {"participants": None}, {"participants": [{"sessions": None}]}])
def test_records_in_which_nothing_is_told_are_not_active(nothing):
    assert active({"conversationStart": BEFORE} | nothing, talked(ON_THE_DAY)) == ["1"]


@pytest.mark.parametrize("start", [None, "2026-11-1T09:00:00.000Z", "soon"])
def test_a_conversation_whose_start_cannot_be_read_holds_up_no_other(start):
    assert active(talked(ON_THE_DAY, start), talked(ON_THE_DAY)) == ["1"]


def test_a_time_that_cannot_be_read_is_none():
    assert active(talked("2026-11-2T09:00:00.000Z"), talked(ON_THE_DAY)) == ["1"]


def test_an_instant_that_python_does_not_know_holds_up_no_other():
    assert active(talked(ON_THE_DAY, "0001-01-01T00:00:00+14:00"), talked(ON_THE_DAY)) == ["0", "1"]

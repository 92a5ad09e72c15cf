from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys import retries
from genesys_dagster.genesys.errors import MalformedResponseError, ServiceUnavailableError
from genesys_dagster.genesys.pauses import Pauses
from genesys_dagster.genesys.waits import LONGEST, pause_after_429, retry_after, window_left
from genesys_dagster_tests.genesys import fakes
from genesys_dagster_tests.genesys.test_rate_limit import ANY_HEADER

NOW = datetime(2026, 11, 22, tzinfo=UTC)
EPOCH = int(NOW.timestamp())


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "7"}, "Retry the request in [50] seconds", 7.0),
        ({"retry-after": "Sun, 22 Nov 2026 00:00:30 GMT"}, None, 30.0),
        ({"retry-after": "Sat, 21 Nov 2026 00:00:30 GMT"}, None, 0.0),
        ({"retry-after": "43200"}, None, 43200.0),
        ({"retry-after": "99999999999"}, None, LONGEST),
        ({"retry-after": "Sun, 22 Nov 2099 00:00:30 GMT"}, None, LONGEST),
        ({}, "Rate limit exceeded the maximum. Retry the request in [42] seconds", 42.0),
        ({}, "Rate limit exceeded the maximum. Retry the request in 3 seconds", 3.0),
        ({}, "Rate limit exceeded the maximum. Retry the request in 999999999 seconds", LONGEST),
        ({"retry-after": "soon"}, "no idea", 60.0),
        ({}, None, 60.0),
    ],
)
def test_the_wait_after_a_429_is_read_from_the_header_then_the_message_then_a_minute(
    headers, message, seconds
):
    assert pause_after_429(headers, message, NOW) == seconds


@settings(deadline=None)
@given(st.timedeltas(timedelta(0), timedelta(hours=24)))
def test_every_http_date_of_the_next_day_is_a_wait_of_that_length(ahead):
    when = (NOW + ahead).replace(microsecond=0)
    header = {"retry-after": when.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    assert pause_after_429(header, None, NOW) == (when - NOW).total_seconds()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("25", 25),
        ("0", 0),
        ("120", 120),
        (str(EPOCH + 25), 25),
        (str(EPOCH + 3600), 60),  # no window is that long
        (str(EPOCH - 5), 60),
        ("121", 60),
        ("-3", 60),
        ("soon", 60),
        (None, 60),
    ],
)
def test_a_window_ends_after_the_seconds_told_or_at_the_epoch_second_told_or_within_a_minute(header, seconds):
    assert window_left({} if header is None else {"inin-ratelimit-reset": header}, NOW) == seconds


@settings(deadline=None, max_examples=500)
@given(ANY_HEADER, st.none() | st.text() | ANY_HEADER.map("Retry the request in [{}] seconds".format))
def test_whatever_is_told_the_wait_is_between_nothing_and_a_day(header, message):
    headers = {"retry-after": header, "inin-ratelimit-reset": header}
    assert 0 <= pause_after_429(headers, message, NOW) <= LONGEST
    assert 0 <= (retry_after(headers, NOW) or 0) <= LONGEST
    assert 0 <= window_left(headers, NOW) <= 120


def failed(status, wait):
    return ServiceUnavailableError("x", method="GET", path="/x", status=status, retry_after=wait)


@settings(deadline=None, max_examples=300)
@given(ANY_HEADER, st.sampled_from([429, 503]), st.integers(1, 7))
def test_whatever_is_told_a_repeat_waits_at_least_the_own_pause_and_at_most_what_patience_allows(
    header, status, tried
):
    ours = fakes.settings(initial_backoff=0.5, max_backoff=60)
    seconds = retries.seconds_to_repeat(
        failed(status, retry_after({"retry-after": header}, NOW)), tried, ours
    )
    own = min(60, 0.5 * 2 ** (tried - 1))
    assert seconds is None or own <= seconds <= 900


def test_eight_attempts_take_a_minute_although_the_server_says_at_once():
    ours = fakes.settings(initial_backoff=0.5, max_backoff=60)
    waits = [retries.seconds_to_repeat(failed(503, 0.0), tried, ours) for tried in range(1, 9)]
    assert waits[-1] is None
    assert sum(waits[:-1]) > 60


def test_pauses_between_repeats_grow_with_jitter_up_to_the_limit():
    ours = fakes.settings(initial_backoff=0.5, max_backoff=8, max_attempts=10)
    for tried in range(1, 10):
        seconds = retries.seconds_to_repeat(MalformedResponseError("x"), tried, ours)
        assert min(8, 0.5 * 2 ** (tried - 1)) <= seconds <= min(8, 0.5 * 2 ** (tried - 1) + 0.5)


def test_pauses_say_every_half_minute_what_is_waited_for_however_short_they_are(caplog):
    caplog.set_level("INFO", "genesys_dagster")

    async def scenario():
        clock = fakes.FakeClock()
        pauses = Pauses(clock, first=10.0, longest=10.0, patience=100.0, what="a job to end")
        while await pauses.pause():
            pass
        return clock.time

    assert fakes.run(scenario()) == 1100
    assert [record.getMessage() for record in caplog.records] == [
        f"still waiting for a job to end, since 00:00:00 UTC ({seconds} s)" for seconds in (30, 60, 90)
    ]

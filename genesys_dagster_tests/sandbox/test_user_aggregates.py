"""Users' aggregates: time in each status, clipped, of what has ended."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from genesys_dagster.sandbox.times import to_datetime

PATH = "/api/v2/analytics/users/aggregates/query"
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = 1795186800000  # 2026-11-20T15:00Z
METRICS = ["tSystemPresence", "tOrganizationPresence", "tAgentRoutingStatus"]


def text(start, end):
    return f"{start.isoformat()}/{end.isoformat()}"


@pytest.fixture
def ask(api):
    def post(start=MONDAY, end=MONDAY + DAY, **fields):
        body = {"interval": text(start, end), "groupBy": ["userId"], "metrics": METRICS, **fields}
        return api.http.post(PATH, json=body)

    return post


def cells(answer):
    """(user, start of the subinterval, metric, qualifier) → ms."""
    assert answer.status_code == 200, answer.text
    return {
        (result["group"].get("userId"), datetime.fromisoformat(data["interval"].split("/")[0]),
         metric["metric"], metric["qualifier"]): metric["stats"]["sum"]
        for result in answer.json()["results"]
        for data in result["data"]
        for metric in data["metrics"]
    }  # fmt: skip


@pytest.fixture
def records(api, server):
    """(user, metric, qualifier, start, end) of everything ended in the days around, from a job."""
    server.settings.user_availability = timedelta(0)
    interval = text(MONDAY - 4 * DAY, MONDAY + 4 * DAY)
    job = api.http.post("/api/v2/analytics/users/details/jobs", json={"interval": interval}).json()["jobId"]
    found, params = [], {"pageSize": 2000}
    while True:
        path = f"/api/v2/analytics/users/details/jobs/{job}/results"
        page = api.http.get(path, params=params).json()
        for user in page["userDetails"]:
            for clock in ("primaryPresence", "routingStatus"):
                for record in user.get(clock, ()):
                    if "endTime" in record:
                        found += _parts(user["userId"], record)
        if "cursor" not in page:
            return found
        params["cursor"] = page["cursor"]


def _parts(user, record):
    span = datetime.fromisoformat(record["startTime"]), datetime.fromisoformat(record["endTime"])
    if "routingStatus" in record:
        yield user, "tAgentRoutingStatus", record["routingStatus"], *span
    else:
        yield user, "tSystemPresence", record["systemPresence"], *span
        yield user, "tOrganizationPresence", record["organizationPresenceId"], *span


def sums(records, edges):
    """The same cells from records: each clipped to each subinterval."""
    found = defaultdict(float)
    for start, end in pairwise(edges):
        for user, metric, qualifier, begun, over in records:
            if begun < end and over > start:
                clipped = min(over, end) - max(begun, start)
                found[user, start, metric, qualifier] += clipped / timedelta(milliseconds=1)
    return dict(found)


def without(cells, user):
    """The user who is away the whole time has no record to compare with."""
    return {key: value for key, value in cells.items() if key[0] != user}


@pytest.mark.parametrize(
    ("granularity", "step"), [(None, DAY), ("P1D", DAY), ("PT1H", DAY / 24), ("PT30M", DAY / 48)]
)
def test_they_are_the_clipped_sums_of_the_details(ask, server, records, granularity, step):
    fields = {"granularity": granularity} if granularity else {}
    found = without(cells(ask(**fields)), server.org.directory.absent_user)
    edges = [MONDAY + number * step for number in range(DAY // step + 1)]
    assert found == pytest.approx(sums(records, edges))
    assert len(found) > 300


def test_a_closed_day_adds_up_to_its_length_on_both_clocks(ask, server):
    totals = Counter()
    for (user, _, metric, _), length in cells(ask(granularity="P1D")).items():
        totals[user, metric] += length
    assert set(totals.values()) == {86_400_000}
    absent = {server.org.directory.absent_user}  # the leave has not ended yet, so that it does not count
    assert {user for user, _ in totals} == {*server.time.user_ids} - absent
    assert Counter(metric for _, metric in totals) == {
        "tSystemPresence": len(server.time.user_ids) - 1,
        "tOrganizationPresence": len(server.time.user_ids) - 1,
        "tAgentRoutingStatus": len(server.org.directory.agents),
    }


def test_days_of_a_time_zone_and_the_intervals_offset_count(ask, server, records):
    # Clocks in Berlin went back on 25 October 2026; without a time zone days have 24 hours.
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    hours = {}
    for zone in ("Europe/Berlin", "UTC"):
        found = cells(
            ask(
                start,
                start + timedelta(hours=49),
                granularity="P1D",
                timeZone=zone,
                metrics=["tSystemPresence"],
            )
        )
        totals = Counter()
        for (user, at, *_), length in found.items():
            totals[user, at] += length / 3_600_000
        user = server.time.user_ids[0]
        hours[zone] = [round(totals[user, at]) for each, at in sorted(totals) if each == user]
    assert hours == {"Europe/Berlin": [25, 24], "UTC": [24, 24, 1]}
    offset = MONDAY.replace(tzinfo=datetime.fromisoformat("2026-11-16T00:00:00-05:00").tzinfo)
    found = without(cells(ask(offset, offset + DAY)), server.org.directory.absent_user)
    assert found == pytest.approx(sums(records, [offset, offset + DAY]))


def test_a_status_counts_once_it_has_ended(ask, server):
    user = server.time.user_ids[3]
    period = next(
        each
        for each in server.time.periods(user, "primaryPresence", 1794816000000, 1794873600000, LATER)
        if each.status == "ON_QUEUE"
    )

    def on_queue(moment):
        server.settings.now = lambda: to_datetime(moment)
        found = cells(ask(metrics=["tSystemPresence"]))
        return sum(v for (who, *_, status), v in found.items() if (who, status) == (user, "ON_QUEUE"))

    assert on_queue(period.end) - on_queue(period.end - 1) == period.end - period.start


def test_without_grouping_everybody_is_one(ask):
    whole = cells(ask(groupBy=[]))
    assert {user for user, *_ in whole} == {None}
    grouped = Counter()
    for (_, *rest), length in cells(ask()).items():
        grouped[tuple(rest)] += length
    assert {tuple(rest): length for (_, *rest), length in whole.items()} == pytest.approx(dict(grouped))


def users(*ids, kind="or"):
    return {"type": kind, "predicates": [{"dimension": "userId", "value": user} for user in ids]}


def test_a_hundred_users_may_be_filtered_and_no_more(ask, server):
    two = server.time.user_ids[:2]
    for filter_ in (users(*two), {"type": "and", "clauses": [users(*two)]}):
        assert {user for user, *_ in cells(ask(filter=filter_))} == set(two)
    unknown = [f"u{number}" for number in range(99)]
    assert {user for user, *_ in cells(ask(filter=users(two[0], *unknown)))} == {two[0]}
    refused = ask(filter={"type": "and", "clauses": [users(*unknown), users(*two)]})
    assert refused.status_code == 400
    assert "100" in refused.json()["message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"metrics": ["tHandle"]},
        {"metrics": ["tOnQueueTime"]},
        {"metrics": []},
        {"groupBy": ["userId", "routingStatus"]},
        {"filter": {"type": "or", "predicates": [{"dimension": "divisionId", "value": "d"}]}},
        {"filter": "all"},
        {"granularity": "half an hour"},
        {"timeZone": "Mars/North"},
        {"interval": "yesterday"},
        {"interval": "2024-01-01T00:00:00Z/2026-01-01T00:00:00Z"},
        {"views": [{"name": "v"}]},
    ],
)
def test_questions_that_make_no_sense_are_refused(ask, fields):
    assert ask(**fields).status_code == 400


def test_system_presences_are_mapped_to_definitions(ask, server):
    mappings = ask().json()["systemToOrganizationMappings"]
    presences = server.time.presences
    assert len(mappings) == 10
    assert set(mappings["BREAK"]) > {presences.coffee.definition_id, presences.short.definition_id}
    assert mappings["OFFLINE"] == ["ccf3c10a-aa2c-4845-8e8d-f59fa48c58e5"]


def test_nothing_is_known_of_times_before_the_org_and_after_now(ask):
    for year in (2020, 2030):
        start = datetime(year, 1, 1, tzinfo=UTC)
        assert cells(ask(start, start + DAY)) == {}


def test_a_metric_can_be_refused_and_the_permission_is_needed(ask, server):
    server.faults.refused_metrics = ("tSystemPresence",)
    assert ask().json()["message"] == "Invalid metric: tSystemPresence"
    server.settings.permissions.discard("analytics:userAggregate:view")
    answer = ask()
    assert answer.status_code == 403
    assert "analytics:userAggregate:view" in answer.json()["message"]

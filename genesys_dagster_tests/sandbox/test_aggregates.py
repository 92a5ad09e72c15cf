"""Conversation aggregates: sums of what was emitted, by dimensions and subintervals."""

from collections import Counter
from datetime import timedelta

import pytest

from genesys_dagster.sandbox.emissions import emissions
from genesys_dagster.sandbox.periods import read_period
from genesys_dagster.sandbox.times import DAY as MILLISECONDS
from genesys_dagster.sandbox.times import day_number, from_iso
from genesys_dagster_tests.sandbox.test_query import MONDAY

PATH = "/api/v2/analytics/conversations/aggregates/query"
INTERVAL = f"{MONDAY}T00:00:00.000Z/{MONDAY + timedelta(days=1)}T00:00:00.000Z"
START = day_number(MONDAY) * MILLISECONDS


@pytest.fixture
def ask(api):
    def post(**fields):
        return api.http.post(PATH, json={"interval": INTERVAL, "metrics": ["nOffered", "tTalk"], **fields})

    return post


def cells(answer):
    """Group values and metric to stats, for answers without granularity."""
    return {
        (*sorted(result["group"].items()), metric["metric"]): metric["stats"]
        for result in answer.json().get("results", ())
        for data in result["data"]
        for metric in data["metrics"]
    }


def emitted(server, name, days=60):
    """Everything emitted on Monday, by conversations of that day and of the weeks before."""
    for back in range(days):
        for record in server.org.day(MONDAY - timedelta(days=back)):
            for emission in emissions(server.org, record):
                if emission.name == name and START <= emission.at < START + MILLISECONDS:
                    yield emission


def test_metrics_count_where_they_were_emitted_whenever_their_conversation_began(ask, server):
    found = cells(ask())
    talks = [emission.value for emission in emitted(server, "tTalk")]
    today = {record["conversationId"] for record in server.org.day(MONDAY)}
    assert found["tTalk",] == {
        "count": len(talks), "sum": sum(talks), "min": min(talks), "max": max(talks),
    }  # fmt: skip
    assert any(e.dimensions["conversationId"] not in today for e in emitted(server, "tTalk"))


def test_counters_have_a_count_only(ask, server):
    assert cells(ask())["nOffered",] == {"count": sum(e.value for e in emitted(server, "nOffered"))}


def test_groups_add_up_to_the_whole_and_absent_dimensions_are_absent(ask, server):
    grouped = ask(groupBy=["queueId", "mediaType"], metrics=["nOffered"])
    expected = Counter(
        (e.dimensions["mediaType"], e.dimensions["queueId"]) for e in emitted(server, "nOffered")
    )
    assert cells(grouped) == {
        (("mediaType", media), ("queueId", queue), "nOffered"): {"count": count}
        for (media, queue), count in expected.items()
    }
    groups = [result["group"] for result in ask(groupBy=["queueId"], metrics=["tIvr"]).json()["results"]]
    assert groups == [{}]  # nobody is in a queue while in the IVR


@pytest.mark.parametrize("granularity", ["PT30M", "PT1H", "PT7H", "P1D"])
def test_a_granularity_cuts_the_interval_and_loses_nothing(ask, granularity):
    (result,) = ask(granularity=granularity, metrics=["nOffered"]).json()["results"]
    spans = [tuple(map(from_iso, data["interval"].split("/"))) for data in result["data"]]
    assert spans == sorted(set(spans))
    step = read_period(granularity) // timedelta(milliseconds=1)
    assert all((start - START) % step == 0 and end - start <= step for start, end in spans)
    total = sum(data["metrics"][0]["stats"]["count"] for data in result["data"])
    assert {"count": total} == cells(ask())["nOffered",]


def test_whole_days_follow_the_clock_of_the_time_zone(api, server):
    # Clocks in Berlin went back on 25 October 2026: that Sunday had 25 hours.
    body = {
        "interval": "2026-10-24T22:00:00Z/2026-10-26T23:00:00Z", "granularity": "P1D", "timeZone": "Europe/Berlin",
        "metrics": ["nConnected"],
    }  # fmt: skip
    (result,) = api.http.post(PATH, json=body).json()["results"]
    assert [data["interval"] for data in result["data"]] == [
        "2026-10-24T22:00:00.000Z/2026-10-25T23:00:00.000Z",
        "2026-10-25T23:00:00.000Z/2026-10-26T23:00:00.000Z",
    ]


def test_filters_narrow_what_counts(ask, server):
    queue = server.org.directory.queues[0]["id"]
    inbound = {"type": "dimension", "dimension": "queueId", "value": queue}
    narrowed = ask(filter={"type": "and", "predicates": [inbound]}, metrics=["nOffered"])
    grouped = cells(ask(groupBy=["queueId"], metrics=["nOffered"]))
    assert cells(narrowed)["nOffered",] == grouped[("queueId", queue), "nOffered"]
    nobody = ask(filter={"type": "and", "predicates": [{"dimension": "queueId", "operator": "notExists"}]})
    assert ("nOffered",) not in cells(nobody)


def test_an_interval_without_metrics_has_an_answer_without_results(ask):
    assert ask(interval="2027-01-01T00:00:00Z/2027-01-02T00:00:00Z").text == "{}"


def test_what_has_not_happened_yet_does_not_count(ask, server):
    whole = cells(ask(interval="2026-11-20T00:00:00Z/2026-11-21T00:00:00Z"))
    assert whole == cells(ask(interval="2026-11-20T00:00:00Z/2026-11-20T15:00:00.001Z"))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"interval": None}, "constraint.validation"),
        ({"interval": "yesterday"}, "invalid.date"),
        ({"metrics": []}, "constraint.validation"),
        ({"metrics": ["offered"]}, "invalid.value"),
        ({"metrics": "nOffered"}, "invalid.value"),
        ({"groupBy": ["queue"]}, "invalid.value"),
        ({"granularity": "half an hour"}, "invalid.value"),
        ({"granularity": "P1M"}, "invalid.value"),
        ({"granularity": "PT0S"}, "invalid.value"),
        ({"granularity": "PT0.001S"}, "invalid.value"),
        ({"timeZone": "Mars/North"}, "invalid.value"),
        ({"filter": ["queueId"]}, "invalid.value"),
        ({"filter": {"type": "and", "predicates": [{"value": "x"}]}}, "constraint.validation"),
        ({"views": [{"name": "v"}]}, "invalid.property"),
        ({"queryType": "topN"}, "invalid.value"),
    ],
)
def test_questions_that_make_no_sense_are_refused(ask, fields, code):
    answer = ask(**fields)
    assert answer.status_code == 400
    assert answer.json()["code"] == code


def test_the_permission_is_needed(ask, server):
    server.settings.permissions.discard("analytics:conversationAggregate:view")
    answer = ask()
    assert answer.status_code == 403
    assert "analytics:conversationAggregate:view" in answer.json()["message"]


def test_teams_are_paged_by_a_cursor(api, server):
    names, uri = [], "/api/v2/teams?pageSize=4"
    while uri:
        page = api.http.get(uri).json()
        names += [team["name"] for team in page["entities"]]
        assert "pageCount" not in page
        uri = page.get("nextUri")
    assert len(names) == len(set(names)) == 6


def test_teams_groups_and_flows_name_what_conversations_refer_to(api, server):
    def ids(path, **params):
        page = api.http.get(path, params={"pageSize": 500, **params}).json()
        return {entity["id"] for entity in page["entities"]}

    teams, flows = ids("/api/v2/teams"), ids("/api/v2/flows")
    for record in server.org.day(MONDAY):
        for participant in record["participants"]:
            assert participant.get("teamId") in {None, *teams}
            for session in participant["sessions"]:
                assert session.get("flow", {}).get("flowId") in {None, *flows}
    assert ids("/api/v2/groups")
    assert len(ids("/api/v2/flows", deleted="true")) == len(flows) + 1


def test_a_metric_can_be_refused_by_its_name(ask, server):
    server.faults.refused_metrics = ("tTalk",)
    answer = ask()
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid metric: tTalk")
    assert ask(metrics=["nOffered"]).status_code == 200


LEVEL = ["oServiceLevel", "tAnswered", "tAbandon", "tFlowOut", "nOverSla", "tShortAbandon"]


@pytest.mark.parametrize(
    "base",
    [
        {"tAnswered": 1, "tAbandon": 1},
        {"tAnswered": 1, "tAbandon": 1, "tShortAbandon": -1},
        {"tAnswered": 1, "tAbandon": 1, "tFlowOut": 1},
    ],
)
def test_the_service_level_has_its_parts_and_the_target_of_its_queue(ask, server, base):
    server.settings.service_level = base
    by_queue = cells(ask(groupBy=["queueId", "mediaType"], metrics=LEVEL))
    levels = {key[:-1]: stats for key, stats in by_queue.items() if key[-1] == "oServiceLevel"}
    assert len(levels) > 10
    for group, stats in levels.items():
        count = {name: by_queue.get((*group, name), {"count": 0})["count"] for name in LEVEL[1:]}
        assert stats["numerator"] == count["tAnswered"] - count["nOverSla"]
        assert stats["denominator"] == sum(sign * count[name] for name, sign in base.items()) > 0
        assert stats["ratio"] == stats["numerator"] / stats["denominator"]
        assert stats["target"] == 0.8
    assert cells(ask(groupBy=["queueId", "mediaType"], metrics=["oServiceLevel"])) == {
        (*group, "oServiceLevel"): stats for group, stats in levels.items()
    }


def test_inbound_connections_count_in_no_queue_and_outbound_ones_in_theirs(ask):
    found = cells(ask(groupBy=["direction", "mediaType", "queueId"], metrics=["nConnected"]))
    queued = {group for group in found if any(name == "queueId" for name, _ in group[:-1])}
    assert {dict(group[:-1])["direction"] for group in queued} == {"outbound"}
    assert {dict(group[:-1])["direction"] for group in set(found) - queued} >= {"inbound"}


def test_what_is_offered_to_a_queue_is_answered_abandoned_or_flows_out_but_for_web_messages(ask):
    names = ["nOffered", "tAnswered", "tAbandon", "tFlowOut"]
    found = cells(
        ask(
            groupBy=["mediaType", "messageType"],
            metrics=names,
            interval="2026-11-02T00:00:00Z/2026-11-16T00:00:00Z",
        )
    )
    left = Counter()
    for key, stats in found.items():
        left[key[:-1]] += stats["count"] * (1 if key[-1] == "nOffered" else -1)
    web = (("mediaType", "message"), ("messageType", "webmessaging"))
    assert left[web] > 0
    assert all(abs(count) <= 2 for group, count in left.items() if group != web), left  # about midnight
    assert found[("mediaType", "voice"), "tFlowOut"]["count"] > 3

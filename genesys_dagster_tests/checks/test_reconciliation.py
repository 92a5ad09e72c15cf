"""The proof against Genesys Cloud's own aggregates: what is missing is found, what is of other days is explained."""

from datetime import timedelta

import pyarrow as pa
import pytest

from genesys_dagster.checks import explanation
from genesys_dagster.genesys.aggregates import AGGREGATES_PATH, PERMISSION
from genesys_dagster.sandbox.emissions import emissions
from genesys_dagster.sandbox.times import DAY as MILLISECONDS
from genesys_dagster.sandbox.times import day_number
from genesys_dagster_tests.checks.tables import changed
from genesys_dagster_tests.conftest import DAY


def test_conversations_of_other_days_are_taken_out_and_everything_agrees(pulled):
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "passed"
    said = checked["reconciliation"].description
    assert "in other queues" not in said
    assert "in another direction" not in said
    figures = checked.figures("reconciliation")
    assert figures["values_compared"] > 200
    assert figures["conversations_of_other_days"] > 5
    assert figures["missing_conversations"] == figures["values_that_differ"] == 0


def test_a_missing_conversation_is_an_error_and_named(pulled, sandbox):
    taken = pulled.table()["conversationId"][7].as_py()
    pulled.change(
        lambda table: table.filter([identity.as_py() != taken for identity in table["conversationId"]])
    )
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "ERROR"
    assert checked.figures("reconciliation")["missing_ids"] == taken
    assert _has_metrics(sandbox.org, taken)


def _has_metrics(org, taken):
    return any(True for _ in emissions(org, org.record(taken)))


def test_a_changed_value_is_a_warning_that_says_where(pulled):
    row = _with_talk(pulled.table())

    def change(record):
        _metric(record, "tTalk")["value"] += 5_000

    pulled.change(lambda table: changed(table, row, change))
    checked = pulled.check("reconciliation")
    assert checked.success
    assert checked.verdict("reconciliation") == "WARN"
    (difference,) = checked.differences()
    assert difference["metric"] == "tTalk"
    assert difference["sum_here"] - difference["sum_genesys"] == pytest.approx(5_000)
    assert difference["count_here"] == difference["count_genesys"]


def _with_talk(table):
    for row, record in enumerate(table.to_pylist()):
        if _metric(record, "tTalk"):
            return row
    raise AssertionError("nobody talked")


def _metric(record, name):
    day = day_number(DAY) * MILLISECONDS
    for participant in record["participants"]:
        for session in participant["sessions"]:
            for metric in session["metrics"] or ():
                emitted = metric["emitDate"].timestamp() * 1_000
                if metric["name"] == name and day <= emitted < day + MILLISECONDS:
                    return metric
    return None


def test_a_metric_that_vanished_from_all_conversations_is_a_warning_that_names_it(pulled):
    def without_abandons(_, session):
        session["metrics"] = [metric for metric in session["metrics"] or () if metric["name"] != "tAbandon"]

    pulled.change(in_all_sessions(without_abandons))
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "WARN"
    assert "no conversation of the partition carries them: tAbandon." in checked["reconciliation"].description
    assert {each["metric"] for each in checked.differences()} == {"tAbandon"}


def in_all_sessions(change):
    """A change of a table that changes every participant and session in place."""

    def changed_table(table):
        records = table.to_pylist()
        for record in records:
            for participant in record["participants"]:
                for session in participant["sessions"]:
                    change(participant, session)
        return pa.Table.from_pylist(records, schema=table.schema)

    return changed_table


def _an_hour_later(_, session):
    for metric in session["metrics"] or ():
        if 2 <= metric["emitDate"].hour < 22:
            metric["emitDate"] += timedelta(hours=1)


def _flipped(_, session):
    session["direction"] = {"inbound": "outbound", "outbound": "inbound"}.get(session["direction"])


def _of_the_next_agent(agents):
    following = dict(zip(agents, [*agents[1:], agents[0]], strict=True))

    def change(participant, _):
        participant["userId"] = following.get(participant["userId"])

    return change


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("hour", "by half hour and direction are more than Genesys Cloud's"),
        ("direction", "by half hour and direction are more than Genesys Cloud's"),
        ("user", "by agent are more than Genesys Cloud's"),
    ],
)
def test_what_agrees_by_queue_and_lies_in_another_place_is_a_warning(pulled, sandbox, fault, words):
    faults = {
        "hour": _an_hour_later,
        "direction": _flipped,
        "user": _of_the_next_agent([user["id"] for user in sandbox.org.directory.users]),
    }
    pulled.change(in_all_sessions(faults[fault]))
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "WARN"
    assert words in checked["reconciliation"].description
    assert len(checked.differences(table="misplaced")) > 50
    if fault != "direction":  # nConnected is in a queue by the direction of its session
        assert checked.figures("reconciliation")["values_that_differ"] == 0


@pytest.mark.parametrize("fault", ["half hour", "user"])
def test_one_conversation_in_a_wrong_place_is_enough(pulled, fault):
    row = _with_talk(pulled.table())

    def change(record):
        for participant in record["participants"]:
            if fault == "user" and participant["userId"]:
                participant["userId"] = "another"
            for session in participant["sessions"]:
                for metric in session["metrics"] if fault == "half hour" else ():
                    metric["emitDate"] = metric["emitDate"].replace(hour=3)

    pulled.change(lambda table: changed(table, row, change))
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "WARN"
    assert checked.differences(table="misplaced")


def test_a_day_that_agrees_says_how_it_was_looked_at(pulled):
    figures = pulled.check("reconciliation").figures("reconciliation")
    assert figures["values_by_half_hour"] > 1_000
    assert figures["values_by_agent"] > 100
    assert figures["service_levels"] > 10
    assert figures["service_level_base"] == "answered + abandoned"


def test_the_base_that_an_org_has_chosen_for_its_service_level_is_told(pulled, sandbox):
    sandbox.settings.service_level = {"tAnswered": 1, "tAbandon": 1, "tFlowOut": 1}
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "passed"
    assert checked.figures("reconciliation")["service_level_base"] == "answered + abandoned + flow-outs"


def test_a_service_level_that_counts_otherwise_is_a_warning(pulled, sandbox, monkeypatch):
    from genesys_dagster.sandbox.api import aggregates

    told = aggregates._told

    def in_time_too(*args):
        for metric in told(*args):
            if metric["metric"] == "oServiceLevel":
                metric["stats"]["numerator"] += 1
            yield metric

    monkeypatch.setattr(aggregates, "_told", in_time_too)
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "WARN"
    assert "service levels of Genesys Cloud do not count" in checked["reconciliation"].description
    assert checked.figures("reconciliation")["values_that_differ"] == 0


@pytest.mark.parametrize(("dimension", "what"), [("direction", "by half hour"), ("userId", "by agent")])
def test_a_server_that_does_not_group_so_leaves_that_uncompared_and_says_so(
    pulled, monkeypatch, dimension, what
):
    from genesys_dagster.sandbox.api import aggregates

    monkeypatch.setattr(aggregates, "DIMENSIONS", aggregates.DIMENSIONS - {dimension})
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "passed"
    assert f"Not compared {what}: " in checked["reconciliation"].description


def test_a_duplicated_conversation_is_a_warning(pulled):
    pulled.change(lambda table: pa.concat_tables([table, table.slice(7, 1)]))
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "WARN"
    assert all(each["count_here"] > each["count_genesys"] for each in checked.differences())


def test_an_empty_partition_of_a_busy_day_misses_everything(pulled, sandbox):
    pulled.change(lambda table: table.slice(0, 0))
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "ERROR"
    assert checked.figures("reconciliation")["missing_conversations"] > 300


def test_without_the_permission_nothing_is_compared_and_the_run_goes_on(pulled, sandbox):
    sandbox.settings.permissions.discard(PERMISSION)
    try:
        checked = pulled.check("reconciliation")
    finally:
        sandbox.settings.permissions.add(PERMISSION)
    assert checked.success
    assert checked.verdict("reconciliation") == "WARN"
    assert PERMISSION in checked["reconciliation"].description
    assert "Not compared" in checked["reconciliation"].description


def test_an_outage_is_a_warning_and_no_failure(pulled, sandbox):
    sandbox.faults.fail_next(1_000, "503", path=AGGREGATES_PATH)
    checked = pulled.check("reconciliation", max_attempts=1)
    assert checked.success
    assert checked.verdict("reconciliation") == "WARN"


def test_a_server_that_does_not_name_conversations_leaves_the_difference_unexplained(
    pulled, sandbox, monkeypatch
):
    from genesys_dagster.sandbox.api import aggregates

    monkeypatch.setattr(aggregates, "DIMENSIONS", aggregates.DIMENSIONS - {"conversationId"})
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "WARN"
    assert "conversationId" in checked.figures("reconciliation")["limit"]


def test_all_queues_are_asked_for_at_once(pulled, sandbox):
    checked = pulled.check("reconciliation")
    asked = [request for request in sandbox.requests if request.path == AGGREGATES_PATH]
    assert checked.verdict("reconciliation") == "passed"
    assert len(asked) == 4  # by queue, why there is more, by half hour, by agent


def test_the_number_of_conversations_looked_up_has_a_limit_that_is_told(pulled, monkeypatch):
    monkeypatch.setattr(explanation, "MOST_CONVERSATIONS", 3)
    checked = pulled.check("reconciliation")
    assert "Only 3 of" in checked.figures("reconciliation")["limit"]
    assert checked.verdict("reconciliation") == "WARN"


def test_a_refused_metric_is_left_out_and_named_and_the_others_are_compared(pulled, sandbox):
    sandbox.faults.refused_metrics = ("tPark", "tTalk", "oServiceLevel")
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "passed"
    figures = checked.figures("reconciliation")
    assert figures["metrics_refused"] == "oServiceLevel, tPark, tTalk"
    assert figures["service_levels"] == 0
    assert figures["values_compared"] > 200
    assert "oServiceLevel, tPark, tTalk" in checked["reconciliation"].description

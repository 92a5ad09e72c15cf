"""The proof against Genesys Cloud's own aggregates: what is missing is found, what is of other days is explained."""

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
    def without_abandons(table):
        records = table.to_pylist()
        for record in records:
            for participant in record["participants"]:
                for session in participant["sessions"]:
                    session["metrics"] = [
                        metric for metric in session["metrics"] or () if metric["name"] != "tAbandon"
                    ]
        return pa.Table.from_pylist(records, schema=table.schema)

    pulled.change(without_abandons)
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "WARN"
    assert "no conversation of the partition carries them: tAbandon." in checked["reconciliation"].description
    assert {each["metric"] for each in checked.differences()} == {"tAbandon"}


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
    assert len(asked) == 2


def test_the_number_of_conversations_looked_up_has_a_limit_that_is_told(pulled, monkeypatch):
    monkeypatch.setattr(explanation, "MOST_CONVERSATIONS", 3)
    checked = pulled.check("reconciliation")
    assert "Only 3 of" in checked.figures("reconciliation")["limit"]
    assert checked.verdict("reconciliation") == "WARN"


def test_a_refused_metric_is_left_out_and_named_and_the_others_are_compared(pulled, sandbox):
    sandbox.faults.refused_metrics = ("tPark", "tTalk")
    checked = pulled.check("reconciliation")
    assert checked.verdict("reconciliation") == "passed"
    figures = checked.figures("reconciliation")
    assert figures["metrics_refused"] == "tPark, tTalk"
    assert figures["values_compared"] > 200
    assert "tPark, tTalk" in checked["reconciliation"].description

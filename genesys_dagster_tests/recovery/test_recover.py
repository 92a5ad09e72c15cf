"""An instance whose database is lost knows from the objects what is there, and claims no more than is certain."""

import io
import re
from collections import Counter
from datetime import timedelta
from functools import partial

import dagster as dg
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from genesys_dagster.automation import knowledge
from genesys_dagster.automation.late_activity import update_user_status
from genesys_dagster.automation.new_days import export_user_status
from genesys_dagster.cli import main
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.lake import listing
from genesys_dagster.lake.errors import StorageError
from genesys_dagster.memory.pulls import latest_pulls, sweeps_naming
from genesys_dagster.recovery import recover as recovery
from genesys_dagster.recovery.recover import recover
from genesys_dagster_tests.automation.conftest import utc
from genesys_dagster_tests.default_org import (
    JOBS,
    ORG,
    check_days,
    end_of,
    export_new_days,
    refresh_days,
    start_of,
    sweep_late_activity_daily,
    update_from_late_activity,
)
from genesys_dagster_tests.recovery.conftest import EXPORTED

DAY = "2026-05-12"
DETAILS = ORG.key("conversation_details")


@pytest.fixture
def recovered(lost, instance):
    """The results by asset, of the first recovery."""
    return by_name(recover(instance, GenesysCloud.from_environment()))


def by_name(results):
    return {result.asset.path[-1]: result for result in results}


def said(instance, name, day, org=ORG):
    """What the instance knows of a partition."""
    key = org.key(name)
    events = instance.fetch_materializations(key, limit=100).records
    (event,) = [event.asset_materialization for event in events if event.partition_key == day]
    return {name: value.value for name, value in event.metadata.items()}, event


def events(instance):
    return sum(
        len(instance.fetch_materializations(key, limit=100).records) for key in instance.all_asset_keys()
    )


def days_in(lost, asset, day, column):
    """The days on which the rows of an object began, read from its bytes."""
    body = lost.objects[f"genesys/{asset}/date={day}/data.parquet"]
    return {str(start.date()) for start in pq.read_table(io.BytesIO(body))[column].to_pylist()}


def test_every_object_is_reported_once_without_a_request_or_a_write(recovered, instance, lost, sandbox, lake):
    found = Counter(name for name, _ in lost.said)
    assert {name: result.reported for name, result in recovered.items() if result.found} == found
    assert events(instance) == len(lost.objects) == found.total()
    again = recover(instance, GenesysCloud.from_environment())
    assert {(result.reported, result.found - result.known) for result in again} == {(0, 0)}
    assert events(instance) == len(lost.objects)
    assert not sandbox.requests
    assert lake.objects() == lost.objects


def test_what_is_said_is_what_was_said_before_the_loss_and_claims_no_more(recovered, instance, lost):
    same = (
        "source", "announced_missing", "open_conversations", "latest_end", "days", "dagster/partition_row_count",
        "dagster/row_count", "dagster/uri", "bytes_written",
    )  # fmt: skip
    for (name, day), before in lost.said.items():
        now, event = said(instance, name, day)
        assert {of: now[of] for of in same if of in before} == {
            of: before[of] for of in same if of in before
        }, name
        assert now["recovered"] is True
        assert event.tags["dagster/data_version"].startswith("etag:")  # equal to no digest
        if "known_until" in before:
            assert now["known_until"] == end_of(day).timestamp() <= before["known_until"]


def test_nothing_that_is_there_is_new_and_the_missing_day_is(recovered, desk):
    assert desk.days(export_new_days) == ["2026-05-09"]
    desk.cursor = None
    assert desk.days(sweep_late_activity_daily) == []
    assert "swept" in desk.skipped
    desk.cursor = None
    assert desk.days(check_days) == []
    desk.cursor = None
    assert desk.days(export_user_status(JOBS)) == []


def test_what_late_activity_found_is_put_in_again(recovered, desk, lost):
    found = {
        day
        for sweep in ("2026-05-11", DAY)
        for day in days_in(lost, "late_activity", sweep, "conversationStart")
    }
    exported = set(EXPORTED)
    assert {"2026-05-10", "2026-05-11"} <= found
    assert set(desk.days(update_from_late_activity)) == found & exported
    assert sweeps_naming(desk.instance, ORG, "2026-05-11", end_of("2026-05-11")) == ["2026-05-12"]
    desk.cursor = None
    assert desk.days(update_user_status(JOBS)) == ["2026-05-11"]


def test_an_update_works_on_what_was_recovered_and_asks_nothing(recovered, instance, sandbox):
    definitions = GenesysCloud.from_environment().definitions()
    config = {"ops": {"conversation_details": {"config": {"from_late_activity": True}}}}
    result = dg.materialize(
        definitions.assets,
        selection=[DETAILS],
        instance=instance,
        partition_key="2026-05-11",
        run_config=config,
        resources=definitions.resources,
    )
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["updated_from"].value == ["2026-05-12"]
    assert event.materialization.metadata["source"].value == "job"
    assert not sandbox.requests


def test_what_follows_is_not_computed_again(recovered, instance):
    definitions = GenesysCloud.from_environment().definitions()
    cursor, requested = None, []
    for _ in range(2):
        result = dg.evaluate_automation_conditions(definitions, instance, cursor=cursor)
        cursor = result.cursor
        requested += [each.key.path[-1] for each in result.results if each.true_subset.size]
    assert not {"conversations", "queues", "participants", "queue_performance"} & set(requested)
    assert "users" in requested  # which is not in the lake


def test_the_refresh_plan_goes_on(recovered, desk, sandbox, monkeypatch):
    assert desk.days(refresh_days) == ["2026-05-11", "2026-05-10", "2026-05-08"]
    for day in EXPORTED[:-1]:
        desk.pulled(day, utc("2026-05-13T04:00"))
    assert desk.days(refresh_days) == []
    sandbox.settings.availability = utc("2026-05-14T04:00")
    monkeypatch.setattr(knowledge, "now", lambda: utc("2026-05-14T06:00"))
    assert desk.days(refresh_days) == [DAY]


def test_no_step_is_repeated_that_was_taken_as_far_as_somebody_knows(lost, desk, sandbox, monkeypatch):
    recover(desk.instance, GenesysCloud.from_environment(), refreshed_until=utc("2026-05-13T02:00"))
    known = {day: pull.known_until for day, pull in latest_pulls(desk.instance, ORG, EXPORTED).items()}
    steps = {"2026-05-08": 4, "2026-05-10": 1, "2026-05-11": 1, DAY: 0}
    assert known == {day: end_of(day) + timedelta(days=days) for day, days in steps.items()}
    assert desk.days(refresh_days) == []
    sandbox.settings.availability = utc("2026-05-14T04:00")
    monkeypatch.setattr(knowledge, "now", lambda: utc("2026-05-14T06:00"))
    assert desk.days(refresh_days) == [DAY]


def test_an_object_that_is_older_than_a_step_tells_that_it_was_not_taken(lost, instance, monkeypatch):
    written = utc("2026-05-11T23:00")
    real = listing.listed
    monkeypatch.setattr(
        recovery, "listed", lambda *asked: (each._replace(modified=written) for each in real(*asked))
    )
    recover(instance, GenesysCloud.from_environment(), refreshed_until=utc("2026-05-13T02:00"))
    known = {day: pull.known_until for day, pull in latest_pulls(instance, ORG, EXPORTED).items()}
    steps = {"2026-05-08": 1, "2026-05-10": 0, "2026-05-11": 0, DAY: 0}
    assert known == {day: end_of(day) + timedelta(days=days) for day, days in steps.items()}


def test_an_object_that_cannot_be_read_is_named_and_skipped(desk, lake, lost):
    lake.put("2026-05-10")
    lake.put(
        "2026-05-11",
        lost.objects[lake.key("2026-05-11")][:-1000] + bytes(992) + lost.objects[lake.key("2026-05-11")][-8:],
    )
    details = by_name(recover(desk.instance, GenesysCloud.from_environment()))["conversation_details"]
    assert (details.found, details.reported) == (4, 2)
    assert [sentence for sentence in details.unreadable if "date=2026-05-10" in sentence]
    assert [sentence for sentence in details.unreadable if "date=2026-05-11" in sentence]
    assert sorted(desk.instance.get_materialized_partitions(DETAILS)) == ["2026-05-08", DAY]
    assert set(desk.days(export_new_days)) == {"2026-05-09", "2026-05-10", "2026-05-11"}


def test_an_outage_ends_it_and_the_next_goes_on(lost, instance, monkeypatch):
    real, left = recovery.stored_version, iter(range(3))

    def silent(*asked):
        if next(left, None) is None:
            raise StorageError("S3 does not answer.", permanent=False)
        return real(*asked)

    with monkeypatch.context() as patch:
        patch.setattr(recovery, "stored_version", silent)
        with pytest.raises(StorageError, match="does not answer"):
            recover(instance, GenesysCloud.from_environment())
    assert events(instance) <= 3
    recover(instance, GenesysCloud.from_environment())
    assert events(instance) == len(lost.objects)


@pytest.mark.parametrize("kept", [{}, {b"genesys_dagster.source": b"job"}], ids=["no facts", "no bounds"])
def test_of_an_object_without_facts_nothing_is_claimed_and_its_day_is_asked_for(desk, lake, lost, kept):
    rows = pq.read_table(io.BytesIO(lost.objects[lake.key(DAY)]))
    body = io.BytesIO()
    pq.write_table(rows.replace_schema_metadata(kept), body)
    lake.put(DAY, body.getvalue())
    recover(desk.instance, GenesysCloud.from_environment())
    pull = latest_pulls(desk.instance, ORG, [DAY])[DAY]
    assert pull.known_until == start_of(DAY)
    assert pull.is_from_job == bool(kept)
    assert desk.days(export_new_days) == ["2026-05-09", DAY]


def test_days_that_were_cut_by_other_bounds_are_not_known(lost, instance, environment):
    org = GenesysCloud.from_environment(timezone="Europe/Berlin")
    recover(instance, org)
    pull = latest_pulls(instance, org, [DAY])[DAY]
    assert pull.known_until == org.days.start_of(DAY)


def test_a_named_org_is_found_below_its_own_prefix(lost, instance, lake):
    lake.clear()
    for key, body in lost.objects.items():
        lake.client.put_object(Bucket=lake.bucket, Key=key.replace("genesys/", "genesys/emea/"), Body=body)
    emea = GenesysCloud(name="emea", bucket=lake.bucket)
    assert sum(result.reported for result in recover(instance, GenesysCloud.from_environment())) == 0
    assert sum(result.reported for result in recover(instance, emea)) == len(lost.objects)
    assert {key.path[0] for key in instance.all_asset_keys()} == {"emea"}
    assert sorted(latest_pulls(instance, emea, EXPORTED)) == list(EXPORTED)


def test_the_command_tells_of_each_asset_and_fails_if_something_cannot_be_read(
    lost, lake, tmp_path, environment
):
    run = partial(CliRunner().invoke, main, ["recover", "--env-file", str(tmp_path / "none")])
    assert (run().exit_code, "DAGSTER_HOME" in run().stderr) == (1, True)
    environment.setenv("DAGSTER_HOME", str(tmp_path))
    lake.put("2026-05-10")
    done = run()
    assert (done.exit_code, done.stderr) == (1, "")
    assert re.search(r"^conversation_details +4 +3 +0 +1$", done.stdout, re.MULTILINE)
    assert f"  s3://{lake.bucket}/{lake.key('2026-05-10')} is no Parquet." in done.stdout
    lake.clear()
    lake.put(body=lost.objects[lake.key(DAY)])
    done = run()
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.search(r"^conversation_details +1 +0 +1 +0$", done.stdout, re.MULTILINE)

"""Two orgs with different time zones in one Dagster instance: neither sees the other, also while one of them fails."""

import io
from datetime import UTC, date, datetime

import dagster as dg
import pyarrow.parquet as pq
import pytest

from genesys_dagster.automation import knowledge
from genesys_dagster.automation.alerts import concerns
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.memory.job_ledger import InstanceLedger
from genesys_dagster.memory.notes import note, recall
from genesys_dagster.memory.pulls import latest_pulls
from genesys_dagster.memory.runs import days_in_progress
from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.server import SandboxServer
from genesys_dagster_tests.conftest import NOW
from genesys_dagster_tests.default_org import resources_of, sensors

DAY = "2026-05-12"


@pytest.fixture(scope="module")
def _apac_server():
    with SandboxServer(Org(seed=11, conversations_per_day=150, now=lambda: NOW)) as server:
        yield server


@pytest.fixture
def servers(sandbox, _apac_server):
    _apac_server.reset()
    yield {"emea": sandbox, "apac": _apac_server}
    _apac_server.reset()


@pytest.fixture
def orgs(environment, servers, lake):
    """One in Berlin, one in Tokyo, each with an org, a client and a prefix of its own."""
    made = {}
    for name, zone in {"emea": "Europe/Berlin", "apac": "Asia/Tokyo"}.items():
        environment.setenv(f"{name.upper()}_ID", servers[name].settings.client_id)
        environment.setenv(f"{name.upper()}_SECRET", servers[name].settings.client_secret)
        made[name] = GenesysCloud(
            name=name,
            client_id=dg.EnvVar(f"{name.upper()}_ID"),
            client_secret=dg.EnvVar(f"{name.upper()}_SECRET"),
            api_url=servers[name].url,
            login_url=servers[name].url,
            bucket=lake.bucket,
            timezone=zone,
            automation=True,
            client_options={"max_attempts": 1},
        )
    return made


@pytest.fixture(scope="module")
def _kept():
    """The definitions of both orgs, each for itself and together, which are the same for all tests."""
    return {}


@pytest.fixture(params=["one location", "two locations"])
def run(request, orgs, instance, _kept):
    """Runs a day's export job of an org, as the code location that both share does, or one for each."""
    if not _kept:
        _kept.update({name: org.definitions() for name, org in orgs.items()})
        _kept["one location"] = dg.Definitions.merge(*_kept.values())

    def run(name, day=DAY):
        defs = _kept.get(request.param) or _kept[name]
        job = defs.resolve_job_def(f"{name}_export_conversation_details")
        return job.execute_in_process(instance=instance, partition_key=day, raise_on_error=False)

    return run


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as it:
        yield it


def stored(lake, name):
    body = lake.client.get_object(
        Bucket=lake.bucket, Key=f"genesys/{name}/conversation_details/date={DAY}/data.parquet"
    )["Body"].read()
    return pq.read_table(io.BytesIO(body))["conversationId"].to_pylist()


def truth(server, start, end):
    """What the org has between two instants, told by the org itself."""
    days = [date(2026, 5, 11), date(2026, 5, 12)]
    records = [record for day in days for record in server.org.day(day, server.settings.watermark)]
    instants = {
        record["conversationId"]: datetime.fromisoformat(record["conversationStart"]) for record in records
    }
    return {identity for identity, at in instants.items() if start <= at < end}


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_each_has_its_own_days_of_its_own_org_below_its_own_prefix(run, lake, servers):
    assert run("emea").success
    assert run("apac").success
    emea, apac = stored(lake, "emea"), stored(lake, "apac")
    assert set(emea) == truth(servers["emea"], utc("2026-05-11T22:00"), utc("2026-05-12T22:00"))
    assert set(apac) == truth(servers["apac"], utc("2026-05-11T15:00"), utc("2026-05-12T15:00"))
    assert len(emea) == len(set(emea)) > 100
    assert not set(emea) & set(apac)


def test_what_one_pulled_is_nothing_that_the_other_knows(run, orgs, instance):
    assert run("emea").success
    assert list(latest_pulls(instance, orgs["emea"], [DAY])) == [DAY]
    assert latest_pulls(instance, orgs["apac"], [DAY]) == {}
    assert {key.path[0] for key in instance.all_asset_keys()} == {"emea"}


def test_one_that_fails_holds_up_only_itself(run, orgs, servers, instance, lake):
    servers["apac"].faults.fail_next(10_000, "503")
    assert not run("apac").success
    servers["emea"].requests.clear()
    assert run("emea").success
    assert {record.status for record in instance.get_runs()} == {
        dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE,
    }  # fmt: skip
    assert lake.keys() == [f"genesys/emea/conversation_details/date={DAY}/data.parquet"]


def test_a_failed_run_concerns_whoever_it_belongs_to(run, orgs, servers, instance):
    servers["apac"].faults.fail_next(10_000, "503")
    result = run("apac")
    context = dg.build_run_status_sensor_context(
        "alerts", result.get_run_failure_event(), instance, result.dagster_run
    ).for_run_failure()
    assert concerns(orgs["apac"], context)
    assert not concerns(orgs["emea"], context)


@pytest.fixture
def tick(orgs, instance, monkeypatch):
    """A tick of an org's sensor for new days; returns the days that are requested."""
    monkeypatch.setattr(knowledge, "now", lambda: NOW)
    sensor_of = {name: sensors(org)[f"{name}_export_new_days"] for name, org in orgs.items()}

    def tick(name):
        org = orgs[name]
        resources = {org.genesys: resources_of(org)[org.genesys]}
        with dg.build_sensor_context(instance=instance, resources=resources) as context:
            return sensor_of[name]._raw_fn(context).run_requests or []

    return tick


def test_attempts_and_lists_are_each_ones_own(tick, orgs, instance):
    (of_emea,) = tick("emea")
    run = dg.DagsterRun(
        job_name="emea_export_conversation_details",
        status=dg.DagsterRunStatus.FAILURE,
        tags=dict(of_emea.tags),
    )
    instance.add_run(run)
    assert tick("emea") == []  # tried in vain a moment ago: not before an hour has passed
    (of_apac,) = tick("apac")
    assert of_emea.tags["genesys/org"] == "emea"
    assert of_apac.tags["genesys/org"] == "apac"
    assert of_emea.tags["genesys/step"] != of_apac.tags["genesys/step"]


def test_a_run_of_one_keeps_no_day_of_the_other_waiting(tick, orgs, instance):
    for tags, selection in (
        ({"genesys/org": "apac"}, None),
        ({}, frozenset({orgs["apac"].key("conversation_details")})),
    ):
        run = dg.DagsterRun(
            job_name="j", status=dg.DagsterRunStatus.STARTED, tags={"dagster/partition": DAY, **tags},
            asset_selection=selection,
        )  # fmt: skip
        instance.add_run(run)
    assert days_in_progress(instance, orgs["emea"], [DAY]) == set()
    assert days_in_progress(instance, orgs["apac"], [DAY]) == {DAY}


def test_jobs_under_way_and_notes_are_kept_apart(orgs, instance):
    ledgers = {
        name: InstanceLedger(instance, org, "run", GenesysCloud().days.window(DAY))
        for name, org in orgs.items()
    }
    ledgers["emea"].note("question", "job-1", NOW)
    assert ledgers["apac"].recall("question") is None
    assert ledgers["emea"].recall("question").job_id == "job-1"
    note(instance, orgs["emea"], "care_since", DAY)
    assert recall(instance, orgs["apac"], "care_since") == {}


def test_a_setting_that_makes_no_sense_fails_that_orgs_runs_and_nothing_else(orgs, instance, caplog):
    wrong = orgs["apac"].model_copy(update={"timezone": "Asia/Tokio"}).definitions()
    defs = dg.Definitions.merge(orgs["emea"].definitions(), wrong)
    dg.Definitions.validate_loadable(defs)
    sentence = "Org apac: timezone='Asia/Tokio' is not a time zone: write an IANA name such as Europe/Berlin."
    assert sentence in caplog.text
    for name in ("apac_require_yesterday", None):
        job = defs.resolve_job_def(name) if name else defs.resolve_implicit_global_asset_job_def()
        selection = None if name else [dg.AssetKey(["apac", "conversation_details"])]
        result = job.execute_in_process(instance=instance, raise_on_error=False, asset_selection=selection)
        (event,) = result.filter_events(lambda event: event.is_step_failure)
        assert event.step_failure_data.user_failure_data.description == sentence
    assert defs.resolve_job_def("emea_export_conversation_details")


def test_what_is_missing_is_named_as_that_org_calls_it(run, environment, lake):
    environment.delenv("APAC_SECRET")
    result = run("apac")
    (event,) = result.filter_events(lambda event: event.is_step_failure)
    said = event.step_failure_data.user_failure_data.description
    assert "APAC_SECRET is empty" in said
    assert "GENESYSCLOUD" not in said
    assert run("emea").success

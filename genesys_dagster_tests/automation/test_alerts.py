"""Alerts say in one sentence what failed and what to do, and cost nothing where nobody asked for them."""

import sys

import dagster as dg
import pytest

from genesys_dagster.automation.alerts import alert_sensors, sentence
from genesys_dagster.cloud import GenesysCloud

VARIABLES = ("GENESYS_ALERT_SLACK_TOKEN", "GENESYS_ALERT_SLACK_CHANNEL", "GENESYS_ALERT_TEAMS_WEBHOOK")


@pytest.fixture(autouse=True)
def no_alerts(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


def test_without_configuration_there_are_no_alerts():
    assert alert_sensors(GenesysCloud.from_environment(), []) == []


def test_slack_and_teams_are_told_where_they_are_configured(monkeypatch):
    monkeypatch.setenv("GENESYS_ALERT_SLACK_TOKEN", "xoxb-not-a-token")
    monkeypatch.setenv("GENESYS_ALERT_SLACK_CHANNEL", "#data")
    monkeypatch.setenv("GENESYS_ALERT_TEAMS_WEBHOOK", "https://example.org/hook")
    sensors = alert_sensors(GenesysCloud.from_environment(), [])
    assert [sensor.name for sensor in sensors] == [
        "alert_on_slack",
        "alert_on_slack_of_checks",
        "alert_on_teams",
        "alert_on_teams_of_checks",
    ]
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.RUNNING}


@pytest.mark.parametrize(
    ("given", "missing"),
    [(VARIABLES[0], VARIABLES[1]), (VARIABLES[1], VARIABLES[0])],
    ids=["token", "channel"],
)
def test_half_a_configuration_names_the_other_half(monkeypatch, given, missing):
    monkeypatch.setenv(given, "secret-value")
    with pytest.raises(dg.DagsterInvalidDefinitionError, match=missing) as caught:
        GenesysCloud.from_environment().check()
    assert "secret-value" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "module", "extra"),
    [(VARIABLES[0], "dagster_slack", "slack"), (VARIABLES[2], "dagster_msteams", "teams")],
)
def test_a_package_that_is_missing_is_named_with_what_to_install(monkeypatch, variable, module, extra):
    monkeypatch.setenv(VARIABLES[1], "#data") if extra == "slack" else None
    monkeypatch.setenv(variable, "x")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(dg.DagsterInvalidDefinitionError, match=rf"{variable}.*genesys-dagster\[{extra}\]"):
        alert_sensors(GenesysCloud.from_environment(), [])


def told(error, first="2026-05-12", last=None):
    """What would be sent about a run whose step raises the error."""
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}

    @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-05-01"))
    def some_asset():
        raise error

    job = dg.define_asset_job("export_conversation_details", [some_asset])
    with dg.DagsterInstance.ephemeral() as instance:
        result = (
            dg.Definitions([some_asset], jobs=[job])
            .resolve_job_def("export_conversation_details")
            .execute_in_process(
                instance=instance,
                partition_key=None if last else first,
                tags=tags if last else None,
                raise_on_error=False,
            )
        )
        context = dg.build_run_status_sensor_context(
            "alerts", result.get_run_failure_event(), instance, result.dagster_run
        ).for_run_failure()
        return sentence(context)


def test_a_failure_is_told_in_its_own_words_which_say_what_to_do():
    text = told(dg.Failure("The bucket 'lake' does not exist:\n set GENESYS_S3_BUCKET", allow_retries=False))
    assert text == (
        "export_conversation_details of 2026-05-12 failed: The bucket 'lake' does not exist: set GENESYS_S3_BUCKET"
    )


def test_a_failure_of_a_run_over_a_range_names_the_range():
    text = told(dg.Failure("Too many days."), "2026-05-12", "2026-05-14")
    assert text == "export_conversation_details of 2026-05-12 to 2026-05-14 failed: Too many days."


def test_an_unexpected_error_is_told_without_its_stack():
    text = told(ZeroDivisionError("division by zero"))
    assert text.endswith("division by zero")
    assert "\n" not in text
    assert "Traceback" not in text


def test_a_long_message_is_cut():
    assert len(told(dg.Failure("x" * 5000, allow_retries=False))) < 700

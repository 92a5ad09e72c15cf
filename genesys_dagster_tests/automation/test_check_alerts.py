"""Failed checks of severity ERROR are told once each, to whoever is told of failed runs."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from uuid import uuid4

import dagster as dg
import pytest

from genesys_dagster.automation.alerts import alert_sensors
from genesys_dagster.automation.check_alerts import check_alert
from genesys_dagster.cloud import GenesysCloud
from genesys_dagster_tests.default_org import ASSET_KEY, CHECKS, ORG

KEYS = [key for check in CHECKS.definitions for key in check.check_keys]


class Told:
    """Ticks the sensor on an instance, as the daemon does, and keeps what is sent."""

    def __init__(self, instance):
        self.instance, self.cursor, self.sent, self.is_down = instance, None, [], False
        self._sensor = check_alert("alerts", self._send, KEYS)

    def _send(self, text):
        if self.is_down:
            raise ConnectionError("no route to host")
        self.sent.append(text)

    def tick(self):
        before = len(self.sent)
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            self.cursor = self._sensor(context).cursor
        return [line for text in self.sent[before:] for line in text.splitlines()]

    def evaluated(
        self,
        day="2026-05-12",
        *,
        passed=False,
        severity="ERROR",
        name="completeness",
        asset=ASSET_KEY,
        **metadata,
    ):
        evaluation = dg.AssetCheckEvaluation(
            asset_key=asset,
            check_name=name,
            passed=passed,
            severity=dg.AssetCheckSeverity[severity],
            partition=day,
            description="40 conversations are missing: pull\nthe partition again.",
            metadata=metadata,
        )
        event = dg.DagsterEvent("ASSET_CHECK_EVALUATION", "a_job", event_specific_data=evaluation)
        self.instance.report_dagster_event(event, run_id=str(uuid4()))


@pytest.fixture
def told(instance):
    told = Told(instance)
    told.evaluated("2026-05-01")
    assert told.tick() == []  # what lies before the first tick is history
    return told


SENTENCE = "The check completeness of conversation_details 2026-05-12 failed: 40 conversations are missing: pull the partition again."


def test_a_failed_check_is_told_in_one_sentence_and_once(told):
    told.evaluated()
    assert told.tick() == [SENTENCE]
    assert told.tick() == []


def test_a_check_that_fails_again_is_told_again(told):
    told.evaluated()
    told.tick()
    told.evaluated()
    assert told.tick() == [SENTENCE]


def test_checks_of_the_same_name_on_several_assets_are_told_once_each(told):
    for asset in (ASSET_KEY, ORG.key("user_presence"), ORG.key("user_routing_status")):
        told.evaluated(name="schema", asset=asset)
    assert len(told.tick()) == 3
    assert told.tick() == []


def test_the_cursor_of_an_older_version_is_carried_on(told):
    cursor = {key.split(":")[1]: ids for key, ids in json.loads(told.cursor).items() if ids}
    assert list(cursor) == ["completeness"]
    told.cursor = json.dumps(cursor)
    told.evaluated()
    assert told.tick() == [SENTENCE]


def test_each_day_and_check_has_its_sentence(told):
    told.evaluated("2026-05-11")
    told.evaluated("2026-05-12")
    told.evaluated("2026-05-12", name="unique_ids")
    lines = told.tick()
    assert len(told.sent) == 1
    assert [line.split(" failed")[0] for line in lines] == [
        "The check completeness of conversation_details 2026-05-11",
        "The check completeness of conversation_details 2026-05-12",
        "The check unique_ids of conversation_details 2026-05-12",
    ]


def test_warnings_and_what_passed_and_the_summary_of_several_days_are_not_told(told):
    told.evaluated(severity="WARN")
    told.evaluated(passed=True)
    told.evaluated(None, partitions="two days")
    told.evaluated(name="somebody_elses")
    assert told.tick() == []


def test_a_message_that_cannot_be_sent_is_sent_by_the_next_tick(told):
    told.evaluated()
    told.is_down = True
    with pytest.raises(ConnectionError):
        told.tick()
    told.is_down = False
    assert told.tick() == [SENTENCE]


def test_many_failures_at_once_are_one_message_that_says_how_many(told):
    for number in range(60):
        told.evaluated(f"2026-04-{number % 28 + 1:02d}")
    lines = told.tick()
    assert (len(told.sent), len(lines), lines[-1]) == (1, 21, "… and 40 more.")
    assert told.tick() == []


def test_a_check_whose_run_began_before_others_failed_is_told_when_it_fails():
    """Evaluations stand in the event log where their run began; on disk, as in a deployment."""
    partitions = dg.DailyPartitionsDefinition("2026-05-01")

    @dg.asset(key=ASSET_KEY, partitions_def=partitions)
    def details() -> None: ...

    @dg.asset_check(asset=details, name="completeness")
    def completeness() -> dg.AssetCheckResult:
        told.evaluated("2026-05-02")
        told.tick()
        return dg.AssetCheckResult(passed=False, description="late")

    with dg.instance_for_test() as instance:
        told = Told(instance)
        told.tick()
        dg.materialize([details, completeness], instance=instance, partition_key="2026-05-03")
        assert [line.rpartition(" failed: ")[2] for line in told.tick()] == ["late"]
        assert told.tick() == []


def sensor_of(service):
    sensors = alert_sensors(GenesysCloud.from_environment(), KEYS)
    (sensor,) = [each for each in sensors if each.name == f"alert_on_{service}_of_checks"]
    return sensor


def tick_twice(sensor, instance, told):
    """A first tick, a failed check, and the tick that tells it."""
    cursor = None
    for _ in range(2):
        with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
            cursor = sensor(context).cursor
        told.evaluated()


def test_teams_gets_the_sentence_as_a_card(told, instance, monkeypatch):
    received = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_): ...

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("GENESYS_ALERT_TEAMS_WEBHOOK", f"http://127.0.0.1:{server.server_port}/hook")
        tick_twice(sensor_of("teams"), instance, told)
        server.shutdown()
    (body,) = received
    assert SENTENCE in body


def test_slack_gets_the_sentence_in_the_channel(told, instance, monkeypatch):
    received = []
    monkeypatch.setattr(
        "slack_sdk.web.client.WebClient.chat_postMessage", lambda _, **message: received.append(message)
    )
    monkeypatch.setenv("GENESYS_ALERT_SLACK_TOKEN", "xoxb-not-a-token")
    monkeypatch.setenv("GENESYS_ALERT_SLACK_CHANNEL", "#data")
    tick_twice(sensor_of("slack"), instance, told)
    assert received == [{"channel": "#data", "text": SENTENCE}]

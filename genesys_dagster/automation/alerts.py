"""Alerts: who is told in one sentence what failed and what to do.

Slack through dagster-slack, Microsoft Teams through dagster-msteams. Both are optional and imported only where their
variables are set.
"""

import os
from typing import Any

import dagster as dg

from genesys_dagster.automation.check_alerts import Send, check_alert
from genesys_dagster.memory.runs import Days

SLACK_TOKEN = "GENESYS_ALERT_SLACK_TOKEN"  # noqa: S105 - a name
SLACK_CHANNEL = "GENESYS_ALERT_SLACK_CHANNEL"
TEAMS_WEBHOOK = "GENESYS_ALERT_TEAMS_WEBHOOK"
UI_URL = "GENESYS_ALERT_UI_URL"

_PATIENCE = 30.0  # s; a tick has a minute
_LONGEST = 600  # characters; what is longer belongs in the run's log


def alert_sensors() -> list[dg.SensorDefinition]:
    """The sensors of failed runs and failed checks that the environment asks for; none without configuration.

    They watch all runs of this code location and the checks of `conversation_details`, and run from the start, wherever automation does.

    Raises:
        dagster.DagsterInvalidDefinitionError: A variable or a package is missing; the message says which.
    """
    sensors = []
    token, channel = os.environ.get(SLACK_TOKEN), os.environ.get(SLACK_CHANNEL)
    if token or channel:
        if not (token and channel):
            missing = SLACK_CHANNEL if token else SLACK_TOKEN
            raise dg.DagsterInvalidDefinitionError(
                f"Alerts on Slack need {missing} too: set it, or unset the other."
            )
        sensors += [
            _slack(token, channel),
            check_alert("alert_on_slack_of_checks", _to_slack(token, channel)),
        ]
    if webhook := os.environ.get(TEAMS_WEBHOOK):
        sensors += [_teams(webhook), check_alert("alert_on_teams_of_checks", _to_teams(webhook))]
    return sensors


def sentence(context: dg.RunFailureSensorContext) -> str:
    """What failed and what to do, in one line."""
    run = context.dagster_run
    days = Days.of(run.tags)
    what = f"{run.job_name} of {days}" if days else run.job_name
    return f"{what} failed: {_cause(context)}"


def _cause(context: dg.RunFailureSensorContext) -> str:
    """The words of the step that failed, which say what to do; else those of the run."""
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data and data.user_failure_data.description:
            return _one_line(data.user_failure_data.description)
        if data.error:
            innermost = data.error
            while innermost.cause:
                innermost = innermost.cause
            return _one_line(innermost.message)
    return _one_line(context.failure_event.message or "the run gives no reason")


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _slack(token: str, channel: str) -> dg.SensorDefinition:
    try:
        from dagster_slack import make_slack_on_run_failure_sensor
    except ImportError as error:
        raise _not_installed("Slack", SLACK_TOKEN, "slack") from error
    sensor: dg.SensorDefinition = make_slack_on_run_failure_sensor(
        channel,
        token,
        text_fn=sentence,
        name="alert_on_slack",
        webserver_base_url=os.environ.get(UI_URL) or None,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    return sensor


def _teams(webhook: str) -> dg.SensorDefinition:
    try:
        from dagster_msteams import make_teams_on_run_failure_sensor
    except ImportError as error:
        raise _not_installed("Microsoft Teams", TEAMS_WEBHOOK, "teams") from error
    sensor: dg.SensorDefinition = make_teams_on_run_failure_sensor(
        webhook,
        message_fn=sentence,
        name="alert_on_teams",
        webserver_base_url=os.environ.get(UI_URL) or None,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    return sensor


def _to_slack(token: str, channel: str) -> Send:
    def send(text: str) -> None:
        from slack_sdk.web.client import WebClient  # what dagster-slack sends with

        WebClient(token=token, timeout=int(_PATIENCE)).chat_postMessage(channel=channel, text=text)

    return send


def _to_teams(webhook: str) -> Send:
    def send(text: str) -> None:
        from dagster_msteams import adaptive_card, card, client

        teams = client.TeamsClient(hook_url=webhook, timeout=_PATIENCE)
        kinds: dict[bool, Any] = {True: card.Card, False: adaptive_card.AdaptiveCard}
        message = kinds[teams.is_legacy_webhook()]()
        message.add_attachment(text)
        teams.post_message(message.payload)

    return send


def _not_installed(service: str, variable: str, extra: str) -> dg.DagsterInvalidDefinitionError:
    return dg.DagsterInvalidDefinitionError(
        f"{variable} is set, but alerts on {service} need a package that is not installed: "
        f"pip install 'genesys-dagster[{extra}]', or unset the variable."
    )

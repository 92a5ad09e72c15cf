"""Alerts: who is told in one sentence what failed and what to do.

Slack and Microsoft Teams, with the clients of dagster-slack and dagster-msteams. Both are optional and imported only
where an org asks for them.
"""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import dagster as dg

from genesys_dagster.automation.check_alerts import Send, check_alert
from genesys_dagster.automation.words import one_line
from genesys_dagster.environment import value_of
from genesys_dagster.memory.runs import Days, is_of
from genesys_dagster.org.org import Org

_PATIENCE = 30.0  # s; a tick has a minute


class Channel(NamedTuple):
    """Where alerts go.

    Attributes:
        name: Of the service, in names of sensors.
        send: Sends one message.
    """

    name: str
    send: Send


def alert_sensors(org: Org, checks: Sequence[dg.AssetCheckKey]) -> list[dg.SensorDefinition]:
    """The sensors of failed runs and failed checks that an org asks for; none without configuration.

    They watch the org's runs and checks alone, and run from the start, wherever automation does.

    Args:
        org: Whose.
        checks: Which checks.

    Raises:
        dagster.DagsterInvalidDefinitionError: A package is missing; the message says which.
    """
    sensors = []
    for channel in _channels(org):
        sensors += [
            run_alert(org, org.label(f"alert_on_{channel.name}"), channel.send),
            check_alert(org.label(f"alert_on_{channel.name}_of_checks"), channel.send, checks),
        ]
    return sensors


def run_alert(org: Org, name: str, send: Send) -> dg.SensorDefinition:
    """A sensor that tells of the org's failed runs."""

    @dg.run_failure_sensor(
        name=name,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells in one sentence which run failed, why, and what to do. No API requests.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        if concerns(org, context):
            send(sentence(context, value_of(org.alert_ui_url)))

    return sensor


def concerns(org: Org, context: dg.RunFailureSensorContext) -> bool:
    """Whether a failed run is one of the org's, or of a job of the user's own in which an asset of the org failed."""
    ours = {key.to_python_identifier() for key in org.keys.values()}
    return is_of(org, context.dagster_run) or any(
        event.step_key in ours for event in context.get_step_failure_events()
    )


def sentence(context: dg.RunFailureSensorContext, ui: str = "") -> str:
    """What failed and what to do, in one line.

    Args:
        context: Of the run.
        ui: Address of the Dagster UI, for a link.
    """
    run = context.dagster_run
    days = Days.of(run.tags)
    what = f"{run.job_name} of {days}" if days else run.job_name
    link = f" {ui.rstrip('/')}/runs/{run.run_id}" if ui else ""
    return f"{what} failed: {_cause(context)}{link}"


def _cause(context: dg.RunFailureSensorContext) -> str:
    """The words of the step that failed, which say what to do; else those of the run."""
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        if data.user_failure_data and data.user_failure_data.description:
            return one_line(data.user_failure_data.description)
        if data.error:
            innermost = data.error
            while innermost.cause:
                innermost = innermost.cause
            return one_line(innermost.message)
    return one_line(context.failure_event.message or "the run gives no reason")


def _channels(org: Org) -> Iterator[Channel]:
    if org.alert_slack_token:
        _require(org, "alert_slack_token", "dagster_slack", "Slack", "slack")
        yield Channel("slack", lambda text: _to_slack(org, text))
    if org.alert_teams_webhook:
        _require(org, "alert_teams_webhook", "dagster_msteams", "Microsoft Teams", "teams")
        yield Channel("teams", lambda text: _to_teams(org, text))


def _to_slack(org: Org, text: str) -> None:
    from slack_sdk.web.client import WebClient  # what dagster-slack sends with

    client = WebClient(token=value_of(org.alert_slack_token), timeout=int(_PATIENCE))
    client.chat_postMessage(channel=value_of(org.alert_slack_channel), text=text)


def _to_teams(org: Org, text: str) -> None:
    from dagster_msteams import adaptive_card, card, client

    teams = client.TeamsClient(hook_url=value_of(org.alert_teams_webhook), timeout=_PATIENCE)
    kinds: dict[bool, Any] = {True: card.Card, False: adaptive_card.AdaptiveCard}
    message = kinds[teams.is_legacy_webhook()]()
    message.add_attachment(text)
    teams.post_message(message.payload)


def _require(org: Org, field: str, package: str, service: str, extra: str) -> None:
    try:
        import_module(package)
    except ImportError as error:
        raise dg.DagsterInvalidDefinitionError(
            f"{org.called(field)} is set, but alerts on {service} need a package that is not installed: "
            f"pip install 'genesys-dagster[{extra}]', or unset it."
        ) from error

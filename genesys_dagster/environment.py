"""The environment: every variable of ours is read here, and nowhere else.

Proxies and certificates are the machine's; `genesys/surroundings.py` explains what is wrong with them.
"""

import os
from collections.abc import Callable, Mapping
from datetime import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # the client of the API, which is told of here, does without Dagster
    import dagster as dg

CONNECTION: Mapping[str, str] = {
    "client_id": "GENESYSCLOUD_OAUTHCLIENT_ID",
    "client_secret": "GENESYSCLOUD_OAUTHCLIENT_SECRET",
    "region": "GENESYSCLOUD_REGION",
    "api_url": "GENESYSCLOUD_API_URL",
    "login_url": "GENESYSCLOUD_LOGIN_URL",
    "rate_limit_store": "GENESYS_RATE_LIMIT_STORE",
}
"""Where an org is, who asks, and how often at most, by field."""

BUCKET = "GENESYS_S3_BUCKET"
PREFIX = "GENESYS_S3_PREFIX"
DEFAULT_PREFIX = "genesys"
DELETIONS = "GENESYS_DELETIONS_ALLOWED"
DELETIONS_PERCENT = "GENESYS_DELETIONS_ALLOWED_PERCENT"
SWITCH = "GENESYS_AUTOMATION"
# OpenTelemetry specification, "Environment Variable Specification".
METRICS_EXPORTER = "OTEL_METRICS_EXPORTER"
NO_OPENTELEMETRY = "OTEL_SDK_DISABLED"


class Setting(NamedTuple):
    """A field of the default org and the variable that it is read from.

    Attributes:
        field: Name of the field of `Org`.
        variable: Name of the variable.
        parse: Makes the field's value of the text; raises `ValueError`.
        form: How to write it, for the words of an error.
    """

    field: str
    variable: str
    parse: Callable[[str], Any] = str
    form: str = ""


def variable(name: str) -> str:
    """The text of a variable as it is now; empty if it is not set."""
    return os.environ.get(name, "")


def of_file(name: str) -> str:
    """The variable that may name a file in which the text of another one stands, as Docker and Kubernetes mount secrets."""
    return f"{name}_FILE"


def exports_metrics() -> bool:
    """Whether the host wants metrics by OpenTelemetry."""
    wanted = variable(METRICS_EXPORTER).strip().lower() not in {"", "none"}
    return wanted and variable(NO_OPENTELEMETRY).strip().lower() != "true"


def is_set(name: str) -> bool:
    """Whether a variable is there, be it empty."""
    return name in os.environ


def prefer(name: str, value: str) -> None:
    """Set a variable for this process and those that it starts, unless it is there."""
    os.environ.setdefault(name, value)


def value_of(setting: "dg.EnvVar | str | None") -> str:
    """What a setting says now, by itself or by its variable; empty if that is nothing."""
    import dagster as dg

    return (setting.get_value() if isinstance(setting, dg.EnvVar) else setting) or ""


def prefix() -> str:
    """What object keys begin with; set and empty is the bucket's root."""
    return os.environ.get(PREFIX, DEFAULT_PREFIX)


class Settings(NamedTuple):
    """The default org as the environment has it.

    Attributes:
        fields: Of `Org`, without those that the environment says nothing of.
        variables: From which variable each field is read.
        problems: A sentence for each variable that cannot be read; their fields are left out.
    """

    fields: dict[str, Any]
    variables: dict[str, str]
    problems: tuple[str, ...]


def read_settings() -> Settings:
    """The default org.

    What is needed only when a run asks Genesys Cloud or S3 (credentials, region, bucket) is not read but named: a code
    location need not have it.
    """
    import dagster as dg

    fields: dict[str, Any] = {
        **{field: dg.EnvVar(name) for field, name in CONNECTION.items()},
        "bucket": dg.EnvVar(BUCKET),
    }
    problems = []
    for setting in _AT_LOAD:
        text = variable(setting.variable)
        if not text:
            continue
        try:
            fields[setting.field] = setting.parse(text)
        except ValueError:
            problems.append(f"{setting.variable}={text!r} cannot be read: write {setting.form}.")
    for field, name in _ALERTS.items():
        if variable(name):
            fields[field] = dg.EnvVar(name)
    variables = {
        "deletions_allowed": DELETIONS,
        "deletions_allowed_percent": DELETIONS_PERCENT,
        **{setting.field: setting.variable for setting in _AT_LOAD},
        **_ALERTS,
    }
    return Settings(fields, variables, tuple(problems))


def number(name: str) -> float | None:
    """A number that is not negative, from a variable; None if it is not set.

    Raises:
        ValueError: It cannot be read.
    """
    text = variable(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise ValueError(f"{name}={text!r} cannot be read")
    return value


def _switch(text: str) -> bool:
    if text.lower() not in {"on", "off"}:
        raise ValueError(text)
    return text.lower() == "on"


def _days_per_run(text: str) -> int | str:
    return "all" if text.lower() == "all" else _positive(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(text)
    return int(text)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _time(text: str) -> str:
    time.fromisoformat(text)
    return text


_AT_LOAD = (
    Setting("start", "GENESYS_PARTITIONS_START"),
    Setting("timezone", "GENESYS_TIMEZONE"),
    Setting(
        "days_per_run",
        "GENESYS_DAYS_PER_RUN",
        _days_per_run,
        "how many days one run of a backfill takes, such as 7, or all",
    ),
    Setting("figures_days_back", "GENESYS_FIGURES_DAYS_BACK", _positive, "a whole number of days, 1 or more"),
    Setting("status_days_back", "GENESYS_STATUS_DAYS_BACK", _positive, "a whole number of days, 1 or more"),
    Setting("automation", SWITCH, _switch, "on or off"),
    Setting(
        "refresh_after_days",
        "GENESYS_REFRESH_AFTER_DAYS",
        _numbers,
        "whole numbers with commas between, such as 1,4,14",
    ),
    Setting(
        "refresh_open_every_days",
        "GENESYS_REFRESH_OPEN_EVERY_DAYS",
        int,
        "a whole number of days, 0 for never",
    ),
    Setting("refresh_open_for_days", "GENESYS_REFRESH_OPEN_FOR_DAYS", int, "a whole number of days"),
    Setting("retention_days", "GENESYS_RETENTION_DAYS", _positive, "a whole number of days, 1 or more"),
    Setting("deadline", "GENESYS_DEADLINE", _time, "a time such as 06:00"),
    Setting("required_days", "GENESYS_REQUIRED_DAYS", _positive, "a whole number of days, 1 or more"),
)

_ALERTS: Mapping[str, str] = {
    "alert_slack_token": "GENESYS_ALERT_SLACK_TOKEN",
    "alert_slack_channel": "GENESYS_ALERT_SLACK_CHANNEL",
    "alert_teams_webhook": "GENESYS_ALERT_TEAMS_WEBHOOK",
    "alert_ui_url": "GENESYS_ALERT_UI_URL",
}

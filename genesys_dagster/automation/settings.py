"""What users configure about automation, by environment variable."""

import os
from collections.abc import Callable
from datetime import time
from typing import TypeVar

import dagster as dg

from genesys_dagster.memory.wanted.plan import (
    DEFAULT_AFTER_DAYS,
    DEFAULT_OPEN_EVERY_DAYS,
    DEFAULT_OPEN_FOR_DAYS,
    RefreshPlan,
)

T = TypeVar("T")
D = TypeVar("D")

SWITCH = "GENESYS_AUTOMATION"
AFTER_DAYS = "GENESYS_REFRESH_AFTER_DAYS"
OPEN_EVERY_DAYS = "GENESYS_REFRESH_OPEN_EVERY_DAYS"
OPEN_FOR_DAYS = "GENESYS_REFRESH_OPEN_FOR_DAYS"
DEADLINE = "GENESYS_DEADLINE"
DEFAULT_DEADLINE = "06:00"
REQUIRED_DAYS = "GENESYS_REQUIRED_DAYS"
DEFAULT_REQUIRED_DAYS = 7
RETENTION = "GENESYS_RETENTION_DAYS"


def is_switched_on() -> bool:
    """Whether sensors and schedules run from the start (GENESYS_AUTOMATION=on) or wait to be switched on in the UI.

    Off by default: a laptop that loads the code must not begin to pull beside production, on the same rate limit.

    Raises:
        dagster.DagsterInvalidDefinitionError: The variable is neither `on` nor `off`.
    """
    value = os.environ.get(SWITCH) or "off"
    if value.lower() not in {"on", "off"}:
        raise dg.DagsterInvalidDefinitionError(
            f"{SWITCH}={value!r} is neither on nor off: write one of them."
        )
    return value.lower() == "on"


def sensor_status() -> dg.DefaultSensorStatus:
    """The status that sensors have until somebody changes it in the UI."""
    return dg.DefaultSensorStatus.RUNNING if is_switched_on() else dg.DefaultSensorStatus.STOPPED


def schedule_status() -> dg.DefaultScheduleStatus:
    """The status that schedules have until somebody changes it in the UI."""
    return dg.DefaultScheduleStatus.RUNNING if is_switched_on() else dg.DefaultScheduleStatus.STOPPED


def refresh_plan() -> RefreshPlan:
    """The refresh plan of the environment.

    Raises:
        dagster.DagsterInvalidDefinitionError: A variable cannot be read; the message says which.
    """
    days = _read(
        AFTER_DAYS, _numbers, DEFAULT_AFTER_DAYS, "whole numbers with commas between, such as 1,4,14"
    )
    every = _read(OPEN_EVERY_DAYS, int, DEFAULT_OPEN_EVERY_DAYS, "a whole number of days, 0 for never")
    for_days = _read(OPEN_FOR_DAYS, int, DEFAULT_OPEN_FOR_DAYS, "a whole number of days")
    try:
        return RefreshPlan(days, every, for_days)
    except ValueError as error:
        raise dg.DagsterInvalidDefinitionError(
            f"{AFTER_DAYS}, {OPEN_EVERY_DAYS} and {OPEN_FOR_DAYS} make no plan: {error}."
        ) from None


def deadline() -> time:
    """The time of day, in GENESYS_TIMEZONE, by which yesterday must have been exported.

    Raises:
        dagster.DagsterInvalidDefinitionError: The variable cannot be read.
    """
    return _read(DEADLINE, time.fromisoformat, time.fromisoformat(DEFAULT_DEADLINE), "a time such as 06:00")


def required_days() -> int:
    """How many of the last days have to be there by the deadline.

    Raises:
        dagster.DagsterInvalidDefinitionError: The variable cannot be read.
    """
    return _read(REQUIRED_DAYS, _positive, DEFAULT_REQUIRED_DAYS, "a whole number of days, 1 or more")


def retention() -> int | None:
    """After how many days the org deletes its data, where Genesys Cloud does not tell; None if nobody says.

    Raises:
        dagster.DagsterInvalidDefinitionError: The variable cannot be read.
    """
    return _read(RETENTION, _positive, None, "a whole number of days, 1 or more")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("not positive")
    return number


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _read(variable: str, parse: Callable[[str], T], default: D, form: str) -> T | D:
    text = os.environ.get(variable)
    if not text:
        return default
    try:
        return parse(text)
    except ValueError:
        raise dg.DagsterInvalidDefinitionError(f"{variable}={text!r} cannot be read: write {form}.") from None

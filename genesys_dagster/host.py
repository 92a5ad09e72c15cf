"""What a run needs from its host: how the Dagster instance is set up, and room for temporary files. Read, never written."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from genesys_dagster import environment
from genesys_dagster.dagster_private import instance_settings

ROOM = 1_000_000_000
"""Bytes that a run should find free (docs/operations.md, "Which size")."""

_LOGGER = "genesys_dagster"


class UnusableHost(Exception):  # noqa: N818 - said to a person, not handled
    """Nothing can run here; one sentence with what to change."""


class Settings:
    """The settings of an instance, as its dagster.yaml has them.

    Args:
        values: What stands there; variables may be named instead of values.
        shares_limit: Whether all processes keep one rate limit together.
    """

    def __init__(self, values: Mapping[str, Any], *, shares_limit: bool) -> None:
        self._values = values
        self.shares_limit = shares_limit

    def get(self, path: str, default: Any = None) -> Any:
        """What stands at a path such as `run_monitoring.enabled`; a variable's text where one is named."""
        value: Any = self._values
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, Mapping) and set(value) == {"env"}:
            value = environment.variable(value["env"])
        return default if value is None else value

    def number(self, path: str) -> float:
        """The number that stands there, 0 if there is none."""
        text = str(self.get(path, ""))
        return float(text) if text.replace(".", "", 1).isdigit() else 0.0

    def is_on(self, path: str, *, default: bool = False) -> bool:
        """Whether what stands there switches something on."""
        return str(self.get(path, default)).lower() == "true"

    @property
    def launcher(self) -> str:
        """The class that starts runs."""
        return str(self.get("run_launcher.class", "DefaultRunLauncher"))

    @property
    def is_on_sqlite(self) -> bool:
        """Whether runs and events are kept in files below DAGSTER_HOME."""
        if "run_storage" in self._values:
            return str(self.get("run_storage.class")) == "SqliteRunStorage"
        return "sqlite" in self.get("storage", {"sqlite": {}})


class Need(NamedTuple):
    """Something that dagster.yaml must say.

    Attributes:
        where: The setting.
        is_met: Whether it says so.
        otherwise: What happens without, and what to write.
    """

    where: str
    is_met: Callable[[Settings], bool]
    otherwise: str


NEEDS = (
    Need(
        "concurrency.pools.default_limit",
        lambda said: said.number("concurrency.pools.default_limit") >= 1,
        "any number of runs ask Genesys Cloud at once and hinder one another. Set it to 1, unless the pool genesys_api has "
        "a limit in the UI.",
    ),
    Need(
        "concurrency.pools.default_limit",
        lambda said: said.shares_limit or said.number("concurrency.pools.default_limit") <= 1,
        "it is more than 1, and each run takes the whole rate limit, so that they are told to wait (429). Set "
        "GENESYS_RATE_LIMIT_STORE, or give each run its share as requests_per_minute, or set it to 1.",
    ),
    Need(
        "run_monitoring.enabled",
        lambda said: said.is_on("run_monitoring.enabled"),
        "a run whose process was killed stays started for ever. Set it to true.",
    ),
    Need(
        "run_monitoring.free_slots_after_run_end_seconds",
        lambda said: said.number("run_monitoring.free_slots_after_run_end_seconds") > 0,
        "a run that was killed keeps its place in the pool, and one such run stops all exports. Set it to 60.",
    ),
    Need(
        "run_retries.enabled",
        lambda said: said.is_on("run_retries.enabled"),
        "a run whose process died is not started again, and its bulk job is left behind. Set it to true.",
    ),
    Need(
        "run_retries.retry_on_asset_or_op_failure",
        # Dagster's default is true (docs, "Configuring run retries").
        lambda said: not said.is_on("run_retries.retry_on_asset_or_op_failure", default=True),
        "runs of failed steps are started again, though steps have retries of their own. Set it to false.",
    ),
    Need(
        "python_logs.managed_python_loggers",
        lambda said: bool({_LOGGER, "root"} & set(said.get("python_logs.managed_python_loggers", ()))),
        f"what a run waits for is not in its log. Set it to [{_LOGGER}].",
    ),
    Need(
        "python_logs.python_log_level",
        lambda said: str(said.get("python_logs.python_log_level")).upper() in {"DEBUG", "INFO"},
        "what a run waits for is not in its log. Set it to INFO.",
    ),
    Need(
        "storage",
        lambda said: said.launcher == "DefaultRunLauncher" or not said.is_on_sqlite,
        "it is SQLite, in files that other hosts do not see, and run_launcher starts runs there. Set it to postgres.",
    ),
)
"""In the order in which they are said."""


def what_is_missing(said: Settings) -> list[str]:
    """What a run does without, each in a sentence that says what to change."""
    return [f"{need.where}: {need.otherwise}" for need in NEEDS if not need.is_met(said)]


def instance_of_host(*, shares_limit: bool) -> tuple[Path | None, Settings]:
    """The instance's folder and settings; None without a folder.

    Args:
        shares_limit: As of `Settings`.

    Raises:
        UnusableHost: DAGSTER_HOME or its dagster.yaml cannot be used.
    """
    said = environment.variable("DAGSTER_HOME")
    if not said:
        return None, Settings({}, shares_limit=shares_limit)
    home = Path(said).expanduser()
    if not home.is_absolute() or not home.is_dir():
        raise UnusableHost(f"DAGSTER_HOME={said} is not the whole path of a folder that exists.")
    try:
        settings = instance_settings(home)
    except Exception as error:  # noqa: BLE001 - Dagster's, YAML's, or of a file that may not be read
        first, *more = [line.strip() for line in str(error).splitlines() if line.strip()] or ["no words"]
        raise UnusableHost(
            f"{home / 'dagster.yaml'} cannot be used: {' '.join([first, *more[:1]])}"
        ) from None
    return home, Settings(settings, shares_limit=shares_limit)


def room_for_temporary_files() -> tuple[Path, int]:
    """Where they go, and how many bytes are free there.

    Raises:
        UnusableHost: Nothing can be written there.
    """
    said = environment.variable("TMPDIR")
    # Where it cannot be written, Python silently takes another folder.
    if said and not (Path(said).is_dir() and os.access(said, os.W_OK | os.X_OK)):
        raise UnusableHost(f"TMPDIR={said} is no folder that can be written: temporary files go elsewhere.")
    try:
        folder = Path(tempfile.gettempdir())
    except FileNotFoundError:
        raise UnusableHost("No temporary files can be written: set TMPDIR to a folder with room.") from None
    return folder, shutil.disk_usage(folder).free

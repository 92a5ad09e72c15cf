"""Where the demo runs: the servers, a fresh `.demo` folder, and the variables that point everything there."""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from genesys_dagster.sandbox.org import Org
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster.sandbox.server import SandboxServer

_STATE = Path(".demo")
_PREFIX = "genesys"
_LEAST_HISTORY = 30
_OURS = ("AWS_", "GENESYS", "DAGSTER_")


@dataclass(frozen=True, slots=True)
class DemoEnvironment:
    """The running servers and where things are kept."""

    org: Org
    api_url: str
    s3: S3Server
    prefix: str
    state: Path


@contextmanager
def demo_environment(conversations_per_day: int, days: int) -> Iterator[DemoEnvironment]:
    """Start the servers and set this process's environment so that only they can be reached.

    Args:
        conversations_per_day: the org's volume.
        days: how many full days there must be partitions for; there are some more, to be exported in the UI.
    """
    state = _fresh_state()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # the S3 server's line per request
    org = Org(conversations_per_day=conversations_per_day)
    with SandboxServer(org) as sandbox, S3Server() as s3:
        sandbox.settings.availability = lag(datetime.now(UTC))
        variables = {
            **sandbox.env(),
            **s3.env(),
            "GENESYS_S3_BUCKET": s3.bucket,
            "GENESYS_S3_PREFIX": _PREFIX,
            "GENESYS_PARTITIONS_START": f"{datetime.now(UTC) - timedelta(max(days, _LEAST_HISTORY)):%Y-%m-%d}",
            "DAGSTER_HOME": str(state / "dagster"),
        }
        with _environment(variables):
            yield DemoEnvironment(org, sandbox.url, s3, _PREFIX, state)


def lag(now: datetime, usual: timedelta = timedelta(hours=6)) -> timedelta:
    """How far the data lake lags behind in the demo: also in the first hours of a day yesterday is there in full."""
    return min(usual, now - now.replace(hour=0, minute=0, second=0, microsecond=0))


def _fresh_state() -> Path:
    state = _STATE.resolve()
    shutil.rmtree(state, ignore_errors=True)
    for folder in ("dagster", "tmp"):
        (state / folder).mkdir(parents=True)
    # The S3 server keeps objects in temporary files, Dagster the results of ephemeral runs.
    tempfile.tempdir = str(state / "tmp")
    for name in ("dagster.yaml", "workspace.yaml"):
        (state / "dagster" / name).write_text(files("genesys_dagster.demo").joinpath(name).read_text())
    return state


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Exactly these of our, Dagster's and the AWS SDK's variables, whatever was set before."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(_OURS)]:
        del os.environ[name]
    os.environ.update(variables, TMPDIR=tempfile.gettempdir())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)

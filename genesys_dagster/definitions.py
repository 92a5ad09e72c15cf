"""The default code location: the org that the environment describes, and an executor."""

import gc
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import dagster as dg

from genesys_dagster import environment
from genesys_dagster.cloud import GenesysCloud


def build_definitions(*, resources: Mapping[str, Any] | None = None, **replaced: Any) -> dg.Definitions:
    """The definitions of the org that the environment describes, to be merged with your own.

    Args:
        resources: Further resources by key, for assets of your own.
        **replaced: Resources instead of ours, as of `GenesysCloud.definitions`.
    """
    ours = GenesysCloud.from_environment().definitions(**replaced)
    return dg.Definitions.merge(ours, dg.Definitions(resources=resources)) if resources else ours


ORG: GenesysCloud
defs: dg.Definitions
_WHEN_ASKED_FOR = ("ORG", "defs")


def __getattr__(name: str) -> Any:
    # Whoever merges `build_definitions` into their own must not go down with settings that make no sense.
    if name not in _WHEN_ASKED_FOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _code_location()[name]


def __dir__() -> list[str]:
    # Dagster finds definitions by it.
    return sorted({*globals(), *_WHEN_ASKED_FOR})


@cache
def _code_location() -> dict[str, Any]:
    # Arrow's own allocator keeps what is freed: 20 to 50 MB of a run. Parquet's readers and writers use it whatever pool
    # is set (`lake.allocator`), unless this is said before Arrow is loaded.
    environment.prefer("ARROW_DEFAULT_MEMORY_POOL", "system")
    org = GenesysCloud.from_environment()
    # Nothing else lives in this code location: what cannot work is not loaded.
    org.check()
    # One step after the other in the run's own process: a process for each would only cost seconds.
    executor = dg.Definitions(executor=dg.in_process_executor)
    location = {"ORG": org, "defs": dg.Definitions.merge(org.definitions(), executor)}
    # All that is there by now lives as long as the process. Garbage collections that go through it take 0.1 to 0.2 s
    # each, and 0.8 s when the process ends. DuckDB complains at the end if its objects are kept.
    if "duckdb" not in sys.modules:
        gc.freeze()
    return location

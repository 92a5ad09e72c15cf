"""The default code location: the org that the environment describes, and an executor."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from genesys_dagster.cloud import GenesysCloud


def build_definitions(*, resources: Mapping[str, Any] | None = None, **replaced: Any) -> dg.Definitions:
    """The definitions of the org that the environment describes, to be merged with your own.

    Args:
        resources: Further resources by key, for assets of your own.
        **replaced: Resources instead of ours, as of `GenesysCloud.definitions`.
    """
    ours = GenesysCloud.from_environment().definitions(**replaced)
    return dg.Definitions.merge(ours, dg.Definitions(resources=resources)) if resources else ours


ORG = GenesysCloud.from_environment()
# Nothing else lives in this code location: what cannot work is not loaded.
ORG.check()

defs = dg.Definitions.merge(
    ORG.definitions(),
    # One step after the other in the run's own process: a process for each would only cost seconds.
    dg.Definitions(executor=dg.in_process_executor),
)

"""The code location as a user has it, but for the rate limit: a server without delay is to be used up."""

import dagster as dg

from benchmarks.client import UNLIMITED
from genesys_dagster.definitions import build_definitions
from genesys_dagster.resources import GenesysResource

defs = dg.Definitions.merge(
    build_definitions(genesys=GenesysResource(requests_per_minute=UNLIMITED)),
    dg.Definitions(executor=dg.in_process_executor),
)

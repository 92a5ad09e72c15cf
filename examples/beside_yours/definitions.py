"""What was there before, and a Genesys Cloud org."""

import dagster as dg
import pandas as pd

from beside_yours import yours
from genesys_dagster import GenesysCloud


def below_raw(spec: dg.AssetSpec) -> dg.AssetSpec:
    """How assets of others are called here."""
    return spec.replace_attributes(
        key=["raw", "genesys", spec.key.path[-1]], group_name="raw_genesys"
    ).merge_attributes(tags={"source": "genesys"})


EMEA = GenesysCloud(
    name="emea",
    region="eu-central-1",
    client_id=dg.EnvVar("EMEA_CLIENT_ID"),
    client_secret=dg.EnvVar("EMEA_CLIENT_SECRET"),
    bucket="lake",
    timezone="Europe/Berlin",
    owners=["team:cx-data"],
    translate=below_raw,
)


@dg.asset(
    ins={"agents": dg.AssetIn(EMEA.key("users"), metadata={"columns": ["id", "name"]})}, group_name="crm"
)
def people(users: pd.DataFrame, agents: pd.DataFrame) -> pd.DataFrame:
    """Everybody: customers of the CRM, agents of the contact centre."""
    return pd.DataFrame({"name": [*users["user"], *agents["name"]]})


defs = dg.Definitions.merge(EMEA.definitions(), yours.defs, dg.Definitions(assets=[people]))

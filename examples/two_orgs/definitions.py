"""Two Genesys Cloud orgs, and the queues of both in one table."""

import dagster as dg
import pandas as pd
from dagster_aws.s3 import S3Resource

from genesys_dagster import GenesysCloud, S3ParquetIOManager

EMEA = GenesysCloud(
    name="emea",
    region="eu-central-1",
    client_id=dg.EnvVar("EMEA_CLIENT_ID"),
    client_secret=dg.EnvVar("EMEA_CLIENT_SECRET"),
    bucket=dg.EnvVar("LAKE_BUCKET"),
    timezone="Europe/Berlin",
)
APAC = GenesysCloud(
    name="apac",
    region="ap-northeast-1",
    client_id=dg.EnvVar("APAC_CLIENT_ID"),
    client_secret=dg.EnvVar("APAC_CLIENT_SECRET"),
    bucket=dg.EnvVar("LAKE_BUCKET"),
    timezone="Asia/Tokyo",
)


@dg.asset(
    ins={
        "emea": dg.AssetIn(EMEA.key("queue_performance")),
        "apac": dg.AssetIn(APAC.key("queue_performance"), partition_mapping=dg.IdentityPartitionMapping()),
    },
    partitions_def=EMEA.days.partitions,
    io_manager_key="group_lake",
)
def queues_of_all_orgs(emea: pd.DataFrame, apac: pd.DataFrame) -> pd.DataFrame:
    """What each queue of each org was offered and answered on a day."""
    both = pd.concat([emea.assign(org="emea"), apac.assign(org="apac")])
    return both.groupby(["org", "queue_name"], as_index=False)[["offered", "answered"]].sum()


defs = dg.Definitions.merge(
    EMEA.definitions(),
    APAC.definitions(),
    dg.Definitions(
        assets=[queues_of_all_orgs],
        resources={
            "group_lake": S3ParquetIOManager(s3=S3Resource(), bucket_variable="LAKE_BUCKET", prefix="group")
        },
    ),
)

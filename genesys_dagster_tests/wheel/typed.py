"""The public surface as a type checker sees it.

A complaint that is expected stands behind `ignore`: mypy tells if it fails to come.
"""

from typing import assert_type

import dagster as dg
from dagster_aws.s3 import S3Resource

from genesys_dagster import GenesysCloud, GenesysCloudComponent, GenesysResource, S3ParquetIOManager
from genesys_dagster.definitions import build_definitions, defs


def moved(spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec.replace_attributes(key=["raw", *spec.key.path])


org = GenesysCloud(
    name="emea",
    region="eu-central-1",
    client_id=dg.EnvVar("EMEA_ID"),
    client_secret=dg.EnvVar("EMEA_SECRET"),
    client_options={"max_concurrency": 4},
    bucket="lake",
    prefix="genesys/emea",
    timezone="Europe/Berlin",
    start="2026-01-01",
    days_per_run="all",
    automation=True,
    refresh_after_days=[1, 3],
    retention_days=None,
    parts=["tables", "reference"],
    key_prefix=["raw", "genesys"],
    groups={"tables": "flat"},
    owners=["team:cx-data"],
    kinds=["voice"],
    tags={"domain": "cx"},
    translate=moved,
)
assert_type(org, GenesysCloud)
assert_type(org.key("users"), dg.AssetKey)
assert_type(org.days.partitions, dg.DailyPartitionsDefinition)
assert_type(org.lake, str)
assert_type(GenesysCloud.from_environment(name="apac"), GenesysCloud)
assert_type(org.definitions(genesys=GenesysResource(region="eu-central-1")), dg.Definitions)
assert_type(build_definitions(resources={"mine": 1}), dg.Definitions)
assert_type(defs, dg.Definitions)
assert_type(S3ParquetIOManager(s3=S3Resource(), bucket="lake").key_of(["a"]), str)
assert_type(GenesysCloudComponent(name="emea").get_asset_spec(dg.AssetSpec("a")), dg.AssetSpec)

GenesysCloud(genesis="emea")  # type: ignore[call-arg]
GenesysCloud(timezone=1)  # type: ignore[arg-type]
GenesysCloud(client_secret="in plain text")  # type: ignore[arg-type]
GenesysCloud(parts=["tabels"])  # type: ignore[list-item]
GenesysCloudComponent(genesis="emea")  # type: ignore[call-arg]
GenesysResource(genesis="emea")  # type: ignore[call-arg]
S3ParquetIOManager(s3=S3Resource(), bukcet="lake")  # type: ignore[call-arg]
org.definitions(genesis=GenesysResource())  # type: ignore[call-arg]

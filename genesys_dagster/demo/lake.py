"""A copy of the demo's lake on disk: it can be queried without an S3 client, and stays when the demo has ended."""

from pathlib import Path

from genesys_dagster.demo.environment import DemoEnvironment

REPORT = "contact_center_report/report.html"


def copy_lake(environment: DemoEnvironment) -> Path:
    """Copy every object of the bucket to `lake/` in the demo's folder.

    Returns:
        The folder that holds an asset's folder each.
    """
    import boto3  # reads the environment that points it to the demo's S3 server

    lake = environment.state / "lake"
    bucket = environment.s3.bucket
    client = boto3.Session().client("s3")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", ()):
            target = lake / entry["Key"]
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, entry["Key"], str(target))
    return lake / environment.prefix

"""This project's export alone: from the API's pages to the object, proofs included, without Dagster."""

from contextlib import closing

import boto3

from benchmarks.client import client_settings
from benchmarks.contenders.task import KEY, S3_LOGIN, exporting, read_task
from benchmarks.data import window
from genesys_dagster.extract.export import ConversationExport
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.parquet import ParquetSettings
from genesys_dagster.lake.publish import UploadSettings, publish
from genesys_dagster.records.schema import CONVERSATION_SCHEMA


def main() -> None:
    task = read_task()
    export = ConversationExport(
        lambda: GenesysClient(client_settings(task.api_url)),
        lambda client: ConversationDetails(client, source="job", job_slices=1),
        Interval(*window()),
    )
    with (
        exporting() as said,
        closing(boto3.client("s3", endpoint_url=task.s3_url, **S3_LOGIN)) as client,
        export.batches() as batches,
    ):
        stream = FrameStream(CONVERSATION_SCHEMA, batches)
        publish(stream, client, task.bucket, KEY, parquet=ParquetSettings(), upload=UploadSettings())
        said["rows"] = export.report.rows


if __name__ == "__main__":
    main()

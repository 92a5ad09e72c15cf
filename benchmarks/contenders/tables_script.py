"""What one finds first for nested records: the whole day as Python objects, loops, `pd.DataFrame`, `to_parquet`."""

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.contenders.task import KEY, S3_LOGIN, exporting, read_task

_INHERITED = ("conversationId", "participantId", "purpose", "userId", "sessionId", "mediaType", "direction")


def main() -> None:
    task = read_task()
    client = boto3.client("s3", endpoint_url=task.s3_url, **S3_LOGIN)
    with exporting() as said:
        body = client.get_object(Bucket=task.bucket, Key=KEY)["Body"].read()
        records = pq.read_table(io.BytesIO(body)).to_pylist()
        said["rows"] = 0
        for table in task.tables:
            frame = pd.DataFrame(_rows(records, "segments" if table == "segments" else "metrics"))
            written = io.BytesIO()
            frame.to_parquet(written, index=False)
            client.put_object(
                Bucket=task.bucket, Key=KEY.replace("conversation_details", table), Body=written.getvalue()
            )
            said["rows"] += len(frame)


def _rows(records: list[dict[str, Any]], items: str) -> Iterator[dict[str, Any]]:
    for record in records:
        for participant in record["participants"] or ():
            for session in participant["sessions"] or ():
                above = {name: (record | participant | session).get(name) for name in _INHERITED}
                for item in session[items] or ():
                    yield above | {name: value for name, value in item.items() if not isinstance(value, list)}


if __name__ == "__main__":
    main()

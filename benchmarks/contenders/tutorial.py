"""The tutorial's way: all pages into one list of dicts, a DataFrame, one Parquet file in memory, then parts.

Repaired so that it runs: it logs in, follows the cursor, and writes what pandas makes of the records (instants stay
text, columns are what that day's records happen to hold). One request after another, as tutorials have it; pages of
1,000 from the bulk job, so that it is not slowed down by many small requests.
"""

import io
from typing import Any

import boto3
import pandas as pd

from benchmarks.contenders.sequential import responses
from benchmarks.contenders.task import KEY, S3_LOGIN, Task, exporting, read_task

_PART = 8 * 2**20


def main() -> None:
    task = read_task()
    with exporting() as said:
        rows = []
        for response in responses(task.api_url):
            rows.extend(response.json()["conversations"])
        frame = pd.DataFrame(rows).drop_duplicates("conversationId")
        file = io.BytesIO()
        frame.to_parquet(file, index=False)
        _upload(task, file)
        said["rows"] = len(frame)


def _upload(task: Task, file: io.BytesIO) -> None:
    s3 = boto3.client("s3", endpoint_url=task.s3_url, **S3_LOGIN)
    target: dict[str, Any] = {"Bucket": task.bucket, "Key": KEY}
    upload = s3.create_multipart_upload(**target)["UploadId"]
    parts: list[Any] = []
    file.seek(0)
    while body := file.read(_PART):
        number = len(parts) + 1
        answer = s3.upload_part(**target, UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    s3.complete_multipart_upload(**target, UploadId=upload, MultipartUpload={"Parts": parts})


if __name__ == "__main__":
    main()

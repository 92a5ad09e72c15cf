"""A good engineer's script: an explicit schema, chunks, memory within bounds, one thing after another, no framework."""

import tempfile
from collections.abc import Iterator

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.contenders.sequential import responses
from benchmarks.contenders.task import KEY, S3_LOGIN, exporting, read_task
from benchmarks.parsers import msgspec_dicts
from genesys_dagster.records.wire import RECORD_TYPE

_PAGES_PER_ROW_GROUP = 5


def main() -> None:
    task = read_task()
    seen: set[str] = set()
    with exporting() as said, tempfile.TemporaryFile() as file:
        with pq.ParquetWriter(
            file, pa.schema(list(RECORD_TYPE)), compression="zstd", compression_level=1
        ) as writer:
            for bodies in _chunks(task.api_url):
                writer.write_table(_without_duplicates(msgspec_dicts(bodies), seen))
        file.seek(0)
        boto3.client("s3", endpoint_url=task.s3_url, **S3_LOGIN).upload_fileobj(file, task.bucket, KEY)
        said["rows"] = len(seen)


def _chunks(api_url: str) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for response in responses(api_url):
        chunk.append(response.content)
        if len(chunk) == _PAGES_PER_ROW_GROUP:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _without_duplicates(rows: pa.Table, seen: set[str]) -> pa.Table:
    is_new = []
    for conversation_id in rows.column("conversationId").to_pylist():
        is_new.append(conversation_id not in seen)
        seen.add(conversation_id)
    return rows if all(is_new) else pc.filter(rows, pa.array(is_new))


if __name__ == "__main__":
    main()

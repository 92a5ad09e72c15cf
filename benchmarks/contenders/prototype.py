"""The wheels' limit: published wheels in three threads and nothing else, the yardstick of all ratios.

`http.client` and isal fetch, arro3 reads the final types, pyarrow writes Parquet, boto3 sends the parts. No retries, no
proof that nothing was lost, no conditions, no unknown fields, no Dagster.
"""

import http.client
import io
import json
import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import arro3.io
import pyarrow as pa
import pyarrow.parquet as pq
from isal import isal_zlib

from benchmarks.contenders.task import KEY, S3_LOGIN, Task, exporting, read_task
from genesys_dagster.records.wire import RECORD_TYPE

T = TypeVar("T")

_JOBS = "/api/v2/analytics/conversations/details/jobs"
_JOB = {"interval": "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z", "startOfDayIntervalMatching": True}
_GZIP = 31
_PART = 8 * 2**20
_ROW_GROUP = 2_500
_PAGES_AHEAD = 3
_UNLIKE = {
    *("conversationId", "participantId", "sessionId", "peerId", "protocolCallId", "externalContactId"),
    *("outboundContactId", "evaluationId", "surveyId", "minMos", "minRFactor"),
    *("mediaStatsMinConversationMos", "mediaStatsMinConversationRFactor"),
}
"""Columns whose values hardly repeat."""

_SCHEMA = pa.schema(list(RECORD_TYPE))
_ENVELOPE = pa.schema([("conversations", pa.list_(RECORD_TYPE))])


def main() -> None:
    task = read_task()
    seen: set[str] = set()
    with exporting() as said:
        sink = _Upload(task)
        with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), _SCHEMA, **_encodings()) as writer:
            pages = _ahead(_pages(task.api_url), _PAGES_AHEAD)
            for group in _ahead(_groups(map(_parsed, pages)), 1):
                writer.write_table(_new(group, seen), row_group_size=len(group))
        sink.complete()
        said["rows"] = len(seen)


def _pages(api_url: str) -> Iterator[bytes]:
    api = http.client.HTTPConnection(urlsplit(api_url).netloc)
    token = json.loads(_fetched(api, "POST", "/oauth/token"))["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
    job = json.loads(_fetched(api, "POST", _JOBS, json.dumps(_JOB), headers))["jobId"]
    if json.loads(_fetched(api, "GET", f"{_JOBS}/{job}", headers=headers))["state"] != "FULFILLED":
        raise RuntimeError("The benchmarks' server answers with finished jobs only.")
    params = {"pageSize": "1000"}
    while True:
        body = _fetched(api, "GET", f"{_JOBS}/{job}/results?{urlencode(params)}", headers=headers)
        yield body
        _, found, rest = body[-200:].partition(b'"cursor":"')
        if not found:
            return
        params["cursor"] = rest.partition(b'"')[0].decode()


def _fetched(api: http.client.HTTPConnection, *request: Any, **headers: Any) -> bytes:
    api.request(*request, **headers)
    answer = api.getresponse()
    body = answer.read()
    return isal_zlib.decompress(body, _GZIP) if answer.headers["Content-Encoding"] == "gzip" else body


def _parsed(body: bytes) -> pa.RecordBatch:
    (envelope,) = pa.RecordBatchReader.from_stream(arro3.io.read_json(io.BytesIO(body), _ENVELOPE))
    return pa.RecordBatch.from_struct_array(envelope.column(0).flatten())


def _ahead(items: Iterable[T], count: int) -> Iterator[T]:
    """Make items in a thread of their own, up to so many ahead."""
    ready: queue.Queue[Any] = queue.Queue(count)

    def make() -> None:
        try:
            for item in items:
                ready.put((item, None))
            ready.put((None, StopIteration()))
        except BaseException as error:  # noqa: BLE001 - raised where the items are consumed
            ready.put((None, error))

    threading.Thread(target=make, daemon=True).start()
    while True:
        item, error = ready.get()
        if isinstance(error, StopIteration):
            return
        if error:
            raise error
        yield item


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        gathered.append(batch)
        if sum(map(len, gathered)) >= _ROW_GROUP:
            yield pa.Table.from_batches(gathered)
            gathered = []
    if gathered:
        yield pa.Table.from_batches(gathered)


def _new(rows: pa.Table, seen: set[str]) -> pa.Table:
    """The rows whose ids were not seen yet."""
    ids = rows.column("conversationId").to_pylist()
    before = len(seen)
    is_new = [not (conversation in seen or seen.add(conversation)) for conversation in ids]
    return rows if len(seen) - before == len(ids) else rows.filter(pa.array(is_new))


def _encodings() -> dict[str, Any]:
    """Dictionaries for what repeats, differences for instants."""
    paths = list(_leaves(RECORD_TYPE, ""))
    instants = [path for path, kind in paths if pa.types.is_timestamp(kind)]
    return {
        "use_dictionary": [
            path
            for path, kind in paths
            if not pa.types.is_timestamp(kind) and path.rpartition(".")[2] not in _UNLIKE
        ],
        "column_encoding": dict.fromkeys(instants, "DELTA_BINARY_PACKED"),
        "compression": "zstd",
        "compression_level": 1,
    }


def _leaves(kind: pa.DataType, path: str) -> Iterator[tuple[str, pa.DataType]]:
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(field.type, f"{path}.{field.name}" if path else field.name)
    elif pa.types.is_map(kind):
        yield from ((f"{path}.key_value.{name}", kind.key_type) for name in ("key", "value"))
    elif pa.types.is_list(kind):
        yield from _leaves(kind.value_type, f"{path}.list.element")
    else:
        yield path, kind


class _Upload(io.RawIOBase):
    """A multipart upload as a file: parts are sent while the next is written."""

    def __init__(self, task: Task) -> None:
        self._pool = ThreadPoolExecutor(3)
        self._begun = self._pool.submit(self._begin, task)
        self._sent: list[Future[Any]] = []
        self._part = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._part += data
        if len(self._part) >= _PART:
            self._send()
        return len(data)

    def complete(self) -> None:
        if self._part:
            self._send()
        parts = [
            {"PartNumber": number, "ETag": sent.result()["ETag"]} for number, sent in enumerate(self._sent, 1)
        ]
        client, upload = self._begun.result()
        client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

    def _begin(self, task: Task) -> tuple[Any, dict[str, Any]]:
        import boto3  # half a second, while the first pages come

        client = boto3.client("s3", endpoint_url=task.s3_url, **S3_LOGIN)
        target = {"Bucket": task.bucket, "Key": KEY}
        return client, {**target, "UploadId": client.create_multipart_upload(**target)["UploadId"]}

    def _send(self) -> None:
        body, self._part = bytes(self._part), bytearray()
        self._sent.append(self._pool.submit(self._part_sent, len(self._sent) + 1, body))

    def _part_sent(self, number: int, body: bytes) -> Any:
        client, upload = self._begun.result()
        return client.upload_part(**upload, PartNumber=number, Body=body)


if __name__ == "__main__":
    main()

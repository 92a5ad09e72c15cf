"""Where an export's CPU time goes, stage by stage. `python -m benchmarks stages`.

Each stage runs alone over the same day, fed by the stage before it, so that its cost is its own. The last line is the
whole pipeline at work: what it costs more than the sum is threads waiting for each other's caches, locks and memory.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from statistics import median
from typing import Any

import boto3
import pandas as pd
import pyarrow as pa

from benchmarks import report
from benchmarks.client import client_settings
from benchmarks.contenders.task import S3_LOGIN
from benchmarks.data import Day, day_of, window
from benchmarks.servers import BUCKET, Servers, running_servers
from benchmarks.timing import Cost, measured
from genesys_dagster.extract.export import ConversationExport
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.conversation_details import ConversationDetails
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.genesys.pages import read_envelope
from genesys_dagster.genesys.responses import Response, inflate
from genesys_dagster.lake.frames import FrameStream, tables
from genesys_dagster.lake.multipart import MultipartUpload
from genesys_dagster.lake.parquet import ParquetEncoder, ParquetSettings
from genesys_dagster.lake.publish import UploadSettings, publish
from genesys_dagster.records.decode import decode
from genesys_dagster.records.schema import CONVERSATION_SCHEMA
from genesys_dagster.records.select import Selection

_KEY = "stages/data.parquet"


class _Stages:
    """Runs stages and keeps what each cost, turn by turn."""

    def __init__(self) -> None:
        self.costs: dict[str, list[Cost]] = {}

    def run(self, name: str, stage: Callable[[], Iterable[Any]]) -> list[Any]:
        with measured() as cost:
            result = list(stage())
        self.costs.setdefault(name, []).append(cost)
        return result


def run(*, rounds: int = 3, quick: bool = False) -> list[dict[str, Any]]:
    """Measure, print and save; returns one row per stage."""
    day = day_of(10_000)
    pages = 3 if quick else len(day)
    alone, together = _Stages(), _Stages()
    with running_servers(day) as servers:
        for _ in range(1 if quick else rounds):
            _alone(alone, day, pages, servers)
            _together(together, servers)
    rows = _rows(alone, pages * 1_000) + _rows(together, day.conversations)
    report.show(f"Stages of an export of {pages * 1_000:,} conversations, medians", rows)
    report.save("stages", rows)
    return rows


def _alone(stages: _Stages, day: Day, pages: int, servers: Servers) -> None:
    stages.run("fetch (httpx), inflate, envelope", lambda: _fetch(servers, pages))
    compressed = [bytes(day.body(number)) for number in range(pages)]
    bodies = stages.run("- of it inflate (isal)", lambda: (inflate(body, "gzip") for body in compressed))
    stages.run(
        "- of it envelope (msgspec)", lambda: (read_envelope(Response(200, {}, body)) for body in bodies)
    )
    batches = stages.run("decode, drift proof included", lambda: (decode([body]).rows for body in bodies))
    batches = stages.run("window and duplicates", lambda: map(Selection(*window()).keep, batches))
    frames = stages.run("to pandas", lambda: map(_to_pandas, batches))
    arrow = stages.run("from pandas, conform", lambda: tables(FrameStream(CONVERSATION_SCHEMA, frames)))
    sink = _List()
    stages.run("encode Parquet", lambda: _encode(sink, arrow))
    stages.run("upload (boto3, SHA-256)", lambda: _upload(servers, sink.chunks))


def _together(stages: _Stages, servers: Servers) -> None:
    stages.run("fetch, decode, select together", lambda: _batches(servers))
    stages.run("whole export, record batches", lambda: _publish(servers, _batches(servers)))
    stages.run("whole export, data frames", lambda: _publish(servers, map(_to_pandas, _batches(servers))))


def _fetch(servers: Servers, pages: int) -> Iterable[object]:
    async def fetch() -> list[None]:
        async with GenesysClient(client_settings(servers.api_url)) as client:
            path = "/api/v2/analytics/conversations/details/jobs/2026-01-05/results"
            for number in range(pages):
                await client.fetch("GET", path, read_envelope, params={"cursor": number})
        return []

    return asyncio.run(fetch())


def _batches(servers: Servers) -> Iterator[pa.RecordBatch]:
    export = ConversationExport(
        lambda: GenesysClient(client_settings(servers.api_url)),
        lambda client: ConversationDetails(client, source="job"),
        Interval(*window()),
    )
    with export.batches() as batches:
        yield from batches


def _to_pandas(batch: pa.RecordBatch) -> Any:
    return pa.Table.from_batches([batch]).to_pandas(types_mapper=pd.ArrowDtype)


class _List:
    """A sink that keeps what is written."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.chunks.append(bytes(data))
        return len(data)


def _encode(sink: _List, arrow: Iterable[pa.Table]) -> Iterator[object]:
    with ParquetEncoder(sink, CONVERSATION_SCHEMA, ParquetSettings()) as encoder:
        for table in arrow:
            encoder.write(table)
        encoder.finish()
    yield from ()


def _client(servers: Servers) -> Any:
    return boto3.client("s3", endpoint_url=servers.s3_url, **S3_LOGIN)


def _upload(servers: Servers, chunks: Iterable[bytes]) -> Iterator[object]:
    with MultipartUpload(_client(servers), BUCKET, _KEY) as upload:
        for chunk in chunks:
            upload.write(chunk)
        upload.commit()
    yield from ()


def _publish(servers: Servers, frames: Iterator[Any]) -> Iterator[object]:
    stream = FrameStream(CONVERSATION_SCHEMA, frames)
    with closing(_client(servers)) as client:
        yield publish(stream, client, BUCKET, _KEY, parquet=ParquetSettings(), upload=UploadSettings())


def _rows(stages: _Stages, conversations: int) -> list[dict[str, Any]]:
    return [
        {
            "stage": name,
            "CPU µs/conv": median(cost.cpu_seconds for cost in costs) / conversations * 1e6,
            "conv/s": conversations / median(cost.seconds for cost in costs),
        }
        for name, costs in stages.costs.items()
    ]

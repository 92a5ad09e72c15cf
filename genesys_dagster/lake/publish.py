"""One stream of frames to one object: encode, upload, commit, and say what was written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from genesys_dagster.lake.allocator import memory_given_back
from genesys_dagster.lake.coded import decoded
from genesys_dagster.lake.commit import Expected
from genesys_dagster.lake.conform import without_pandas
from genesys_dagster.lake.errors import FrameError
from genesys_dagster.lake.frames import closing, tables
from genesys_dagster.lake.multipart import MultipartUpload, UploadedObject
from genesys_dagster.lake.parquet import ParquetEncoder, ParquetSettings
from genesys_dagster.lake.parts import DEFAULT_PART_SIZE
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.lake.terms import Judgement, Terms

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


@dataclass(frozen=True)
class UploadSettings:
    """How objects are sent.

    Attributes:
        part_size: Size of the first parts in bytes.
        max_parts_in_flight: Parts being sent at the same time.
        options: More arguments of PutObject and CreateMultipartUpload.
    """

    part_size: int = DEFAULT_PART_SIZE
    max_parts_in_flight: int = 3
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What one write did.

    Attributes:
        uri: Address of the object.
        schema: Arrow schema of the rows.
        rows: Number of rows.
        row_groups: Number of Parquet row groups.
        object: The object's bytes, parts and digest.
        head: The first rows, for a preview.
        seconds: From the first frame to the commit.
        metadata: What the stream had to say.
    """

    uri: str
    schema: pa.Schema
    rows: int
    row_groups: int
    object: UploadedObject
    head: pa.Table
    seconds: float
    metadata: Mapping[str, Any]


def publish(  # noqa: PLR0913 - one keyword each
    stream: FrameStream,
    client: "S3Client",
    bucket: str,
    key: str,
    *,
    parquet: ParquetSettings,
    upload: UploadSettings,
    expected: Expected | None = None,
    terms: Terms | None = None,
    head_rows: int = 0,
) -> Written:
    """Writes a stream to an object, which appears or is replaced in one step at the end.

    Args:
        stream: The frames; closed in every case.
        client: A boto3 S3 client.
        bucket: Bucket name.
        key: Object key.
        parquet: How to encode.
        upload: How to send.
        expected: Which version of the object it replaces; None for whatever lies there.
        terms: On which terms it does.
        head_rows: How many of the first rows to keep for a preview.

    Returns:
        What was written.

    Raises:
        FrameError: A frame does not fit the schema.
        OvertakenError: Another version lies there than was expected.
        StorageError: S3 refused or could not be reached.
        BaseException: Whatever the frames or the terms raised. In all cases the old object is untouched.
    """
    started = perf_counter()
    schema = without_pandas(stream.schema)
    if not len(schema):
        raise FrameError("The schema has no columns, so nothing can be written as Parquet.")
    head = _Head(schema, head_rows)
    judgement = Judgement(terms) if terms else None
    rows = 0
    sink = MultipartUpload(
        client,
        bucket,
        key,
        smallest_part=upload.part_size,
        max_in_flight=upload.max_parts_in_flight,
        options=upload.options,
    )
    with memory_given_back(), closing(judgement), sink, ParquetEncoder(sink, schema, parquet) as encoder:
        # Closed before the wait for what is in flight: what makes the frames stops first.
        with closing(stream.frames):
            # What looks at rows wants the texts themselves.
            coded = judgement is None and stream.watcher is None
            for table in tables(FrameStream(schema, stream.frames), coded=coded):
                rows += table.num_rows
                head.add(table)
                if judgement:
                    judgement.see(table)
                if stream.watcher:
                    stream.watcher.see(table)
                encoder.write(table)
        metadata = {**stream.metadata(), **(judgement.metadata() if judgement else {})}
        encoder.finish(terms.facts() if terms else None)
        written = sink.commit(expected)
    if stream.watcher and written.proven:
        stream.watcher.stored(written.proven)
    return Written(
        uri=f"s3://{bucket}/{key}",
        schema=schema,
        rows=rows,
        row_groups=encoder.row_groups,
        object=written,
        head=head.table(),
        seconds=perf_counter() - started,
        metadata=metadata,
    )


class _Head:
    """The first rows of a stream, copied so that they hold no frame in memory."""

    def __init__(self, schema: pa.Schema, rows: int) -> None:
        self._schema = schema
        self._missing = rows
        self._tables: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        if self._missing > 0 and table.num_rows:
            rows = table.slice(0, self._missing)
            # A slice would keep the whole frame in memory.
            self._tables.append(decoded(rows.take(list(range(rows.num_rows))), self._schema))
            self._missing -= rows.num_rows

    def table(self) -> pa.Table:
        return pa.concat_tables([self._schema.empty_table(), *self._tables])

"""The lake's door for Dagster: one Parquet object on S3 for each partition of an asset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field, field_validator

from genesys_dagster import telemetry
from genesys_dagster.lake.context import asset_path, partition_columns
from genesys_dagster.lake.door import LakeDoor
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.parts import DEFAULT_PART_SIZE, MAX_PART_SIZE
from genesys_dagster.lazy import pa

if TYPE_CHECKING:
    from genesys_dagster.lake.stored import StoredVersion


class S3ParquetIOManager(LakeDoor):
    """Stores each partition of an asset as one Parquet object that appears or is replaced in one step.

    Objects lie at `s3://{bucket}/{prefix}/{asset key}/date={YYYY-MM-DD}/data.parquet`, of assets
    without partitions at `…/{asset key}/data.parquet`.

    An asset may return a pandas or Polars DataFrame, a pyarrow Table or RecordBatchReader, an
    iterable of DataFrames or RecordBatches, or a `FrameStream`; the last three are written while they
    are made, in bounded memory. A run over several partitions (`BackfillPolicy.single_run()`) returns
    a dict of partition key to such a value, yields pairs (partition key, value), or returns one frame
    whose partition column is named in the asset's metadata as `partition_expr`.

    An input is loaded as its annotation says: `pd.DataFrame` (Arrow-backed; also without annotation),
    `pa.Table`, `pa.RecordBatchReader`, `pyarrow.dataset.Dataset`, `pl.DataFrame`, `pl.LazyFrame`,
    `duckdb.DuckDBPyRelation`; several partitions are one value in partition order, or one value each
    with `dict[str, …]`. Metadata of the input (`AssetIn(metadata=…)`):

    - `columns`: names of the columns to read,
    - `filters`: rows to read, as `[(column, operator, value), …]` (all must hold) or a list of such
      lists (one must hold), times as ISO 8601 text; or `dg.MetadataValue.python_artifact(function)` of
      a function that returns a `pyarrow.compute.Expression`,
    - `allow_missing_partitions`: True leaves absent partitions out, which the log says; "silently", and it does not.

    Example:
        defs = dg.Definitions(
            assets=[...],
            resources={"s3_parquet_io_manager": S3ParquetIOManager(s3=S3Resource(), bucket="lake")},
        )
    """

    part_size: int = Field(
        default=DEFAULT_PART_SIZE,
        ge=DEFAULT_PART_SIZE,
        le=MAX_PART_SIZE,
        description="Bytes of the first parts of a multipart upload (8 MiB or more); later parts grow.",
    )
    max_parts_in_flight: int = Field(
        default=3, ge=1, le=64, description="Parts sent at the same time. Each takes its size in memory."
    )
    rows_per_row_group: int = Field(
        default=4_000,
        ge=1,
        description="Rows at which a Parquet row group ends, where an asset's stream does not say another number, as flat "
        "tables do. More cost memory, fewer time and space.",
    )
    bytes_per_row_group: int = Field(
        default=96 * 1024 * 1024,
        ge=1024 * 1024,
        description="Bytes of values at which a row group ends if that comes first. Bounds the memory.",
    )
    compression: str = Field(
        default="zstd", description="Parquet codec: zstd, snappy, lz4, gzip, brotli or none."
    )
    compression_level: int | None = Field(
        default=1,
        description="Level of the codec, where it has levels (zstd, gzip, brotli). None for its default.",
    )
    preview_rows: int = Field(default=5, ge=0, le=100, description="Rows of the preview; 0 for no preview.")
    masked_columns: list[str] = Field(
        default_factory=list,
        description=(
            "Columns to mask in the preview, besides those whose Arrow field metadata say `personal`. An asset's "
            "metadata `masked_columns` adds to them."
        ),
    )

    @field_validator("compression")
    @classmethod
    def _known_codec(cls, value: str) -> str:
        from genesys_dagster.lake.parquet import CODECS

        if value not in CODECS:
            raise ValueError(f"compression is {value!r}, but must be one of {', '.join(CODECS)}.")
        return value

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Writes an output, one object per partition.

        Args:
            context: Dagster's context of the output.
            obj: The output.

        Raises:
            dagster.Failure: It cannot be written; the message says what to change.
        """
        from genesys_dagster.lake.output import write

        with telemetry.flushed(), _as_failure():
            write(self, context, obj)

    def load_input(self, context: dg.InputContext) -> Any:
        """Loads an input as its annotation says.

        Args:
            context: Dagster's context of the input.

        Returns:
            The value.

        Raises:
            dagster.Failure: It cannot be loaded; the message says what to change.
        """
        from genesys_dagster.lake.input import load

        with _as_failure():
            return load(self, context)

    def stored(
        self, asset: dg.AssetKey, partitions_def: dg.PartitionsDefinition, partition: str, schema: pa.Schema
    ) -> StoredVersion | None:
        """Opens one partition as it is stored now, for an asset that carries on from what is there.

        Args:
            asset: The asset's key.
            partitions_def: Its partitions.
            partition: Partition key.
            schema: What its rows must look like.

        Returns:
            The object, or None if there is none.

        Raises:
            dagster.Failure: No bucket is set, or S3 refused or could not be reached.
        """
        from genesys_dagster.lake.stored import stored_version

        with _as_failure():
            key = self.key_of(asset.path, partition_columns(partitions_def, partition))
            return stored_version(self.client, self.place().bucket, key, schema)

    def current_etag(
        self, asset: dg.AssetKey, partitions_def: dg.PartitionsDefinition, partition: str
    ) -> str | None:
        """Asks which version of one partition lies there now.

        Args:
            asset: The asset's key.
            partitions_def: Its partitions.
            partition: Partition key.

        Returns:
            The ETag of its object, or None if there is none.

        Raises:
            dagster.Failure: No bucket is set, or S3 refused or could not be reached.
        """
        from genesys_dagster.lake.version import current_version

        with _as_failure():
            key = self.key_of(asset.path, partition_columns(partitions_def, partition))
            found = current_version(self.client, self.place().bucket, key)
        return found.etag if found else None

    def key_in(self, context: dg.OutputContext | dg.InputContext, partition: str | None) -> str:
        """The key of an asset's object, or of one partition's."""
        columns = None if partition is None else partition_columns(context.asset_partitions_def, partition)
        return self.key_of(asset_path(context), columns)


@contextmanager
def _as_failure() -> Iterator[None]:
    """Raises the lake's errors as Dagster's, retried only where that can help."""
    try:
        yield
    except LakeError as error:
        raise dg.Failure(description=str(error), allow_retries=not error.permanent) from None

"""The lake's door for Dagster: one Parquet object on S3 for each partition of an asset."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import Field, field_validator

from genesys_dagster import telemetry
from genesys_dagster.dagster_private import add_partition_metadata, set_data_version
from genesys_dagster.lake.commit import Expected
from genesys_dagster.lake.context import asset_path, locator, partition_columns, partition_keys, row_filter
from genesys_dagster.lake.door import LakeDoor
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.frames import FrameStream, as_stream, closing, closing_value
from genesys_dagster.lake.loading import Request, listed, load_object, load_partitions
from genesys_dagster.lake.metadata import materialization_metadata
from genesys_dagster.lake.parquet import CODECS, ParquetSettings
from genesys_dagster.lake.partitions import to_pairs
from genesys_dagster.lake.parts import DEFAULT_PART_SIZE, MAX_PART_SIZE
from genesys_dagster.lake.publish import UploadSettings, Written, publish
from genesys_dagster.lake.reading import selection
from genesys_dagster.lake.recording import recorded_if_it_fails
from genesys_dagster.lake.stored import StoredVersion, stored_version
from genesys_dagster.lake.terms import Terms
from genesys_dagster.lake.version import current_version


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
        default=5_000,
        ge=1,
        description="Rows at which a Parquet row group ends. More cost memory, fewer time and space.",
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
        with telemetry.flushed(), closing_value(obj), _as_failure():
            if context.has_asset_partitions:
                self._write_partitions(context, obj)
            else:
                written = self._write(context, as_stream(obj), None)
                context.add_output_metadata(self._metadata(context, written, partitioned=False))
                _set_data_version(context, [written])

    def load_input(self, context: dg.InputContext) -> Any:
        """Loads an input as its annotation says.

        Args:
            context: Dagster's context of the input.

        Returns:
            The value.

        Raises:
            dagster.Failure: It cannot be loaded; the message says what to change.
        """
        metadata = context.definition_metadata
        with _as_failure():
            request = Request(
                annotation=context.dagster_type.typing_type,
                wanted=selection(metadata.get("columns"), row_filter(metadata.get("filters"))),
                allow_missing=bool(metadata.get("allow_missing_partitions", False)),
            )
            client, bucket = self.client, self.place().bucket
            if not context.has_asset_partitions:
                return load_object(client, bucket, self._key(context, None), request)
            keys = {key: self._key(context, key) for key in partition_keys(context)}
            loaded = load_partitions(client, bucket, keys, request)
            if loaded.missing and metadata.get("allow_missing_partitions") != "silently":
                context.log.warning("Left out, because they are absent: %s", listed(loaded.missing))
            return loaded.value

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
        with _as_failure():
            key = self.key_of(asset.path, partition_columns(partitions_def, partition))
            return stored_version(self.client, self.place().bucket, key, schema)

    def _write_partitions(self, context: dg.OutputContext, obj: object) -> None:
        """Writes the partitions of a run one after another."""
        keys = partition_keys(context)
        column = context.definition_metadata.get("partition_expr")
        pairs = to_pairs(obj, keys, column, locator(context.asset_partitions_def, keys))
        everything: dict[str, tuple[Written, dict[str, Any]]] = {}
        with closing(pairs), recorded_if_it_fails(context, everything):
            for key, stream in pairs:
                with closing(stream.frames):
                    written = self._write(context, stream, key)
                metadata = self._metadata(context, written, partitioned=True)
                everything[key] = written, metadata
        for key, (_, metadata) in everything.items():
            if len(keys) == 1:
                context.add_output_metadata(metadata)
            else:
                add_partition_metadata(context, metadata, key)
        _set_data_version(context, [written for written, _ in everything.values()])

    def _write(self, context: dg.OutputContext, stream: FrameStream, partition: str | None) -> Written:
        """Writes one object."""
        client, bucket, key = self.client, self.place().bucket, self._key(context, partition)
        terms = stream.terms
        if terms is None and (column := context.definition_metadata.get("count_changes_by")):
            terms = Terms(stored_version(client, bucket, key, stream.schema), (str(column),))
        if terms is None:
            before = current_version(client, bucket, key)
        else:
            before = terms.before.version if terms.before else None
        written = publish(
            stream,
            client,
            bucket,
            key,
            parquet=ParquetSettings(
                compression=self.compression,
                compression_level=self.compression_level,
                rows_per_row_group=self.rows_per_row_group,
                bytes_per_row_group=self.bytes_per_row_group,
            ),
            upload=UploadSettings(self.part_size, self.max_parts_in_flight, self.upload_options),
            expected=Expected.of(before),
            terms=terms,
            head_rows=self.preview_rows,
        )
        context.log.info(
            "Wrote %s: %d rows, %d bytes, %d row groups, %d parts in %.1f s",
            written.uri,
            written.rows,
            written.object.size,
            written.row_groups,
            written.object.parts,
            written.seconds,
        )
        telemetry.written(
            context.asset_key.to_user_string() if context.has_asset_key else "other",
            rows=written.rows,
            size=written.object.size,
            seconds=written.seconds,
        )
        return written

    def _metadata(self, context: dg.OutputContext, written: Written, *, partitioned: bool) -> dict[str, Any]:
        masked = {*self.masked_columns, *context.definition_metadata.get("masked_columns", ())}
        return dict(
            materialization_metadata(
                written, partitioned=partitioned, preview_rows=self.preview_rows, masked=masked
            )
        )

    def _key(self, context: dg.OutputContext | dg.InputContext, partition: str | None) -> str:
        """Returns the key of an asset's object, or of one partition's."""
        columns = None if partition is None else partition_columns(context.asset_partitions_def, partition)
        return self.key_of(asset_path(context), columns)


@contextmanager
def _as_failure() -> Iterator[None]:
    """Raises the lake's errors as Dagster's, retried only where that can help."""
    try:
        yield
    except LakeError as error:
        raise dg.Failure(description=str(error), allow_retries=not error.permanent) from None


def _set_data_version(context: dg.OutputContext, everything: Sequence[Written]) -> None:
    """Takes the data version from the content, so that equal content counts as unchanged downstream.

    Dagster knows one data version for all partitions of a step, so several partitions share one.
    """
    if not context.has_asset_key or not everything:
        return
    digests = [written.object.sha256 for written in everything]
    version = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    set_data_version(context, version)

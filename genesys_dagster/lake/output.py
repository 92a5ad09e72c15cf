"""What `S3ParquetIOManager` does with an output: one object per partition."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from genesys_dagster import telemetry
from genesys_dagster.dagster_private import add_partition_metadata, set_data_version
from genesys_dagster.lake.commit import Expected
from genesys_dagster.lake.context import locator, partition_keys
from genesys_dagster.lake.frames import as_stream, closing, closing_value
from genesys_dagster.lake.metadata import materialization_metadata
from genesys_dagster.lake.parquet import ParquetSettings
from genesys_dagster.lake.partitions import to_pairs
from genesys_dagster.lake.publish import UploadSettings, Written, publish
from genesys_dagster.lake.recording import recorded_if_it_fails
from genesys_dagster.lake.stored import stored_version
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.lake.terms import Terms
from genesys_dagster.lake.version import current_version

if TYPE_CHECKING:
    from genesys_dagster.lake.io_manager import S3ParquetIOManager


def write(lake: S3ParquetIOManager, context: dg.OutputContext, obj: object) -> None:
    """Writes an output; it is closed in every case.

    Args:
        lake: Where and how.
        context: Dagster's context of the output.
        obj: The output.

    Raises:
        LakeError: It cannot be written.
    """
    with closing_value(obj):
        if context.has_asset_partitions:
            _write_partitions(lake, context, obj)
        else:
            written = _write(lake, context, as_stream(obj), None)
            context.add_output_metadata(_metadata(lake, context, written, partitioned=False))
            _set_data_version(context, [written])


def _write_partitions(lake: S3ParquetIOManager, context: dg.OutputContext, obj: object) -> None:
    """Writes the partitions of a run one after another."""
    keys = partition_keys(context)
    column = context.definition_metadata.get("partition_expr")
    pairs = to_pairs(obj, keys, column, locator(context.asset_partitions_def, keys))
    everything: dict[str, tuple[Written, dict[str, Any]]] = {}
    with closing(pairs), recorded_if_it_fails(context, everything):
        for key, stream in pairs:
            with closing(stream.frames):
                written = _write(lake, context, stream, key)
            metadata = _metadata(lake, context, written, partitioned=True)
            everything[key] = written, metadata
    for key, (_, metadata) in everything.items():
        if len(keys) == 1:
            context.add_output_metadata(metadata)
        else:
            add_partition_metadata(context, metadata, key)
    _set_data_version(context, [written for written, _ in everything.values()])


def _write(
    lake: S3ParquetIOManager, context: dg.OutputContext, stream: FrameStream, partition: str | None
) -> Written:
    """Writes one object."""
    client, bucket, key = lake.client, lake.place().bucket, lake.key_in(context, partition)
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
            compression=lake.compression,
            compression_level=lake.compression_level,
            rows_per_row_group=stream.rows_per_row_group or lake.rows_per_row_group,
            bytes_per_row_group=lake.bytes_per_row_group,
            text_statistics=stream.text_statistics,
        ),
        upload=UploadSettings(lake.part_size, lake.max_parts_in_flight, lake.upload_options),
        expected=Expected.of(before),
        terms=terms,
        head_rows=lake.preview_rows,
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


def _metadata(
    lake: S3ParquetIOManager, context: dg.OutputContext, written: Written, *, partitioned: bool
) -> dict[str, Any]:
    masked = {*lake.masked_columns, *context.definition_metadata.get("masked_columns", ())}
    return dict(
        materialization_metadata(
            written, partitioned=partitioned, preview_rows=lake.preview_rows, masked=masked
        )
    )


def _set_data_version(context: dg.OutputContext, everything: Sequence[Written]) -> None:
    """Takes the data version from the content, so that equal content counts as unchanged downstream.

    Dagster knows one data version for all partitions of a step, so several partitions share one.
    """
    if not context.has_asset_key or not everything:
        return
    digests = [written.object.sha256 for written in everything]
    version = digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    set_data_version(context, version)

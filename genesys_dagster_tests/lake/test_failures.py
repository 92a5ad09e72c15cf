"""Whatever happens while an asset is written: one clear message, the old object intact, nothing orphaned."""

import random

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster_aws.s3 import S3Resource

from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster_tests.lake.graphs import DAILY, failure, materialize

SCHEMA = pa.schema({"data": pa.binary()})
KEY = "genesys/sales/calls/date=2026-01-05/data.parquet"
MIB = 1024 * 1024


def frame(size=3 * MIB):
    """Returns rows that compression does not make smaller."""
    return pa.table({"data": [random.randbytes(size)]}, schema=SCHEMA)


@pytest.fixture
def small_groups(s3, bucket):
    """Row groups of one row, so that parts leave while frames are still made."""
    return S3ParquetIOManager(s3=s3, bucket=bucket, rows_per_row_group=1)


class Frames:
    """Frames that are made one by one, and remember that they were closed."""

    def __init__(self, frames=8, error=None, before_error=lambda: None):
        self.frames, self.error, self.before_error = frames, error, before_error
        self.closed = 0

    def __iter__(self):
        for _ in range(self.frames):
            yield frame()
        if self.error is not None:
            self.before_error()
            raise self.error

    def close(self):
        self.closed += 1


@pytest.mark.parametrize(
    "error",
    [
        KeyboardInterrupt,
        GeneratorExit,
        DagsterExecutionInterruptedError,
        RuntimeError,
        dg.Failure("the source says no"),
    ],
)
def test_an_interrupted_write_leaves_the_old_object_untouched_and_no_upload(small_groups, store, error):
    store.put(KEY)
    during = []
    frames = Frames(error=error, before_error=lambda: during.append(len(store.uploads())))
    try:
        materialize(small_groups, FrameStream(SCHEMA, frames), partition="2026-01-05")
    except BaseException as caught:
        if not isinstance(caught, error if isinstance(error, type) else type(error)):
            raise
    assert during == [1]
    assert store.read(KEY) == b"old"
    assert store.uploads() == []
    assert frames.closed


def test_a_failure_that_the_frames_raise_is_shown_as_it_is(small_groups):
    frames = Frames(0, error=dg.Failure("the source says no", allow_retries=False))
    shown = failure(materialize(small_groups, FrameStream(SCHEMA, frames)))
    assert shown.message == "the source says no"
    assert shown.error.cls_name == "Failure"


def test_frames_are_closed_after_success_too(small_groups):
    frames = Frames(1)
    assert materialize(small_groups, FrameStream(SCHEMA, frames)).success
    assert frames.closed


def test_frames_are_closed_even_if_no_bucket_is_set(s3):
    frames = Frames(1)
    assert not materialize(S3ParquetIOManager(s3=s3), FrameStream(SCHEMA, frames)).success
    assert frames.closed


def test_a_frame_that_does_not_fit_ends_a_large_write_without_a_trace(small_groups, store):
    store.put(KEY)

    def frames():
        for _ in range(5):
            yield frame()
        yield pd.DataFrame({"data": [["no bytes"]]})

    result = materialize(small_groups, lambda: FrameStream(SCHEMA, frames()), partition="2026-01-05")
    assert "Column 'data' does not fit" in failure(result).message
    assert store.read(KEY) == b"old"
    assert store.uploads() == []


def test_a_large_object_is_replaced_whole(small_groups, store):
    store.put(KEY)
    result = materialize(small_groups, FrameStream(SCHEMA, Frames(8)), partition="2026-01-05")
    assert result.success
    assert len(store.read(KEY)) > 24 * MIB
    assert store.uploads() == []


def runs(manager, **asset_options):
    """Counts how often the asset was tried."""
    tries = []

    def value():
        tries.append(1)
        return pa.table({"n": [1]})

    result = materialize(manager, value, retry_policy=dg.RetryPolicy(max_retries=2), **asset_options)
    return result, len(tries)


def test_a_missing_bucket_variable_is_named_and_not_retried(s3):
    result, tries = runs(S3ParquetIOManager(s3=s3))
    assert "GENESYS_S3_BUCKET" in failure(result).message
    assert failure(result).error.cause is None
    assert tries == 1


def test_an_unknown_bucket_is_named_and_not_retried(s3):
    result, tries = runs(S3ParquetIOManager(s3=s3, bucket="no-such-bucket-here"))
    assert "The bucket 'no-such-bucket-here' does not exist" in failure(result).message
    assert tries == 1


def test_missing_credentials_are_not_retried(endpoint, bucket):
    result, tries = runs(
        S3ParquetIOManager(s3=S3Resource(endpoint_url=endpoint, region_name="us-east-1"), bucket=bucket)
    )
    assert "AWS_ACCESS_KEY_ID" in failure(result).message
    assert tries == 1


def test_an_unknown_profile_is_named_and_not_retried(bucket):
    result, tries = runs(S3ParquetIOManager(s3=S3Resource(profile_name="nobody"), bucket=bucket))
    assert "nobody" in failure(result).message
    assert tries == 1


def test_an_endpoint_that_is_no_address_is_named(bucket):
    s3 = S3Resource(
        endpoint_url="localhost", aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
    assert (
        "localhost"
        in failure(materialize(S3ParquetIOManager(s3=s3, bucket=bucket), pa.table({"n": [1]}))).message
    )


def test_an_endpoint_that_does_not_answer_is_worth_a_retry(bucket):
    s3 = S3Resource(
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="a",
        aws_secret_access_key="very-secret",
        region_name="us-east-1",
        max_attempts=1,
    )
    result, tries = runs(S3ParquetIOManager(s3=s3, bucket=bucket))
    retried = [event for event in result.all_events if event.event_type_value == "STEP_UP_FOR_RETRY"]
    assert tries == 3
    assert "http://127.0.0.1:9" in failure(result).message
    assert len(retried) == 2
    assert not [event for event in result.all_events if "very-secret" in str(event)]


def test_a_configured_bucket_that_cannot_be_read_is_one_clear_failure(s3):
    spec = dg.AssetSpec("calls", partitions_def=DAILY).with_io_manager_key("lake")

    @dg.asset(partitions_def=DAILY, io_manager_key="none")
    def reader(calls):
        return None

    result = dg.materialize(
        [spec, reader],
        resources={"lake": S3ParquetIOManager(s3=s3, bucket="no-such-bucket"), "none": dg.mem_io_manager},
        partition_key="2026-01-01",
        raise_on_error=False,
    )
    assert "The bucket 'no-such-bucket' does not exist" in failure(result).message


def test_an_unknown_codec_is_refused_when_it_is_configured(s3):
    with pytest.raises(ValueError, match="one of zstd, snappy"):
        S3ParquetIOManager(s3=s3, compression="zip")


@pytest.mark.parametrize("part_size", [MIB, 6 * 1024**3])
def test_parts_outside_the_limits_of_s3_are_refused_when_they_are_configured(s3, part_size):
    with pytest.raises(ValueError, match="part_size"):
        S3ParquetIOManager(s3=s3, part_size=part_size)


def test_frames_of_partitions_that_were_never_begun_are_closed(small_groups):
    first, second = Frames(error=RuntimeError()), Frames()
    values = {"2026-01-05": FrameStream(SCHEMA, first), "2026-01-06": FrameStream(SCHEMA, second)}
    assert not materialize(small_groups, values, partition="2026-01-05", last="2026-01-06").success
    assert first.closed
    assert second.closed

"""Inputs of assets that have no partitions: one object, which may not be there yet."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from genesys_dagster_tests.lake.graphs import load, materialize
from genesys_dagster_tests.lake.test_inputs import day


def test_an_asset_without_partitions_is_loaded_whole(manager):
    materialize(manager, day(1))
    assert load(manager, pa.Table, upstream=None).equals(day(1))


@pytest.mark.parametrize("annotation", [pa.Table | None, pd.DataFrame | None, pl.DataFrame | None])
def test_an_input_that_may_be_none_is_none_while_the_asset_is_missing(manager, annotation):
    assert load(manager, annotation, upstream=None) is None
    materialize(manager, day(1))
    assert len(load(manager, annotation, upstream=None)) == len(day(1))


def test_an_asset_without_partitions_that_is_missing_is_named(manager, bucket):
    with pytest.raises(RuntimeError, match=f"s3://{bucket}/genesys/sales/calls/data.parquet does not exist"):
        load(manager, pa.Table, upstream=None)


def test_a_mapping_of_an_asset_without_partitions_is_refused(manager):
    materialize(manager, day(1))
    with pytest.raises(RuntimeError, match="its asset has none"):
        load(manager, dict[str, pa.Table], upstream=None)

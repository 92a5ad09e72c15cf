"""The Columns tab says the same before and after an asset is materialized."""

import pytest

from genesys_dagster.assets.columns_tab import table_schema
from genesys_dagster.lake.metadata import column_schema
from genesys_dagster.records import columns
from genesys_dagster.records.field import Columns
from genesys_dagster.records.model import user_status
from genesys_dagster.sql.columns import agents_time, figures, tables

ALL = {
    name: value
    for module in (columns, user_status, tables, figures, agents_time)
    for name, value in vars(module).items()
    if isinstance(value, Columns)
}


@pytest.mark.parametrize("name", ALL)
def test_described_columns_are_shown_as_written_ones(name):
    assert table_schema(ALL[name]) == column_schema(ALL[name].schema)


def test_there_are_columns_of_each_kind():
    assert len(ALL) >= 16

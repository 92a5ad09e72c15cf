"""What a run saw of a day while it wrote it stands for the object as long as the object is that, and no longer."""

import io

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesys_dagster.checks import contents, watching
from genesys_dagster.checks.contents import THEMES
from genesys_dagster.checks.leaves import Rows, count_entries, stored_entries
from genesys_dagster.checks.plausibility import MetricSanity
from genesys_dagster.lake import parquet
from genesys_dagster.lake.commit import Sent
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster_tests.checks.tables import changed
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import ASSET_KEY, CHECKS, conversation_details

NAMES = [theme.name for theme in THEMES]


def looked_at(checked):
    return {checked.figures(name)["looked_at"] for name in NAMES}


def negative_metric(table):
    def spoil(record):
        record["participants"][0]["sessions"][0]["metrics"][0]["value"] = -1.0

    return changed(table, 0, spoil)


def when_written(monkeypatch, do):
    """Do something between the step that writes and its checks."""
    write = S3ParquetIOManager.handle_output

    def handle_output(self, context, obj):
        write(self, context, obj)
        do()

    monkeypatch.setattr(S3ParquetIOManager, "handle_output", handle_output)


def test_the_run_that_writes_a_day_need_not_read_it_and_says_the_same_as_one_that_does(
    partitions, monkeypatch
):
    with monkeypatch.context() as without:
        without.setattr(contents, "look_into", None)
        written = partitions.pull_and_check()
    assert looked_at(written) == {"while writing"}
    alone = partitions.check(*NAMES)
    assert looked_at(alone) == {"the object"}
    for name in NAMES:
        assert written.figures(name) | {"looked_at": ""} == alone.figures(name) | {"looked_at": ""}
        assert written[name].description == alone[name].description
        assert written[name].passed == alone[name].passed


def test_an_object_that_was_replaced_in_the_meantime_is_read(partitions, monkeypatch):
    when_written(monkeypatch, lambda: partitions.change(negative_metric))
    checked = partitions.pull_and_check()
    assert looked_at(checked) == {"the object"}
    assert checked.figures("metric_sanity")["without_value"] == 0
    assert checked.verdict("metric_sanity") == "WARN"


def test_bytes_that_no_digest_of_the_store_proves_are_read(partitions, monkeypatch):
    monkeypatch.setattr(Sent, "is_proven", False)
    assert looked_at(partitions.pull_and_check()) == {"the object"}


def test_another_process_reads(partitions, monkeypatch):
    when_written(monkeypatch, CHECKS.watching._kept.clear)
    assert looked_at(partitions.pull_and_check()) == {"the object"}


def test_a_fault_in_looking_costs_nothing_but_the_look(partitions, monkeypatch):
    see, faults = MetricSanity.see, iter([KeyError("once")])

    def fail(self, rows):
        for fault in faults:
            raise fault
        see(self, rows)

    monkeypatch.setattr(MetricSanity, "see", fail)
    checked = partitions.pull_and_check()
    assert checked.verdict("metric_sanity") == "passed"
    assert looked_at(checked) == {"the object"}


@pytest.mark.parametrize(
    "lose",
    [
        lambda rows: rows.slice(1),
        lambda rows: rows.set_column(
            rows.schema.get_field_index("conversationEnd"),
            rows.schema.field("conversationEnd"),
            pa.nulls(len(rows), rows.schema.field("conversationEnd").type),
        ),
        lambda rows: changed(rows, 0, lambda record: record["participants"][0]["sessions"].pop()),
    ],
    ids=["a row", "a column's values", "a session"],
)
def test_what_the_encoder_leaves_out_is_an_error_and_the_object_is_read(partitions, monkeypatch, lose):
    write = parquet._File.write
    monkeypatch.setattr(parquet._File, "write", lambda self, group: write(self, lose(group).combine_chunks()))
    checked = partitions.pull_and_check()
    assert checked.verdict("schema") == "ERROR"
    assert any("instead of" in said for said in checked.figures("schema")["differences"].values())
    assert looked_at(checked) == {"the object"}


def test_a_run_without_these_checks_does_not_look(partitions, monkeypatch):
    monkeypatch.setattr(watching, "Watched", None)
    assets = [conversation_details, *CHECKS.conversation_details]
    chosen = dg.AssetSelection.assets(ASSET_KEY).without_checks()
    assert partitions._run(assets, chosen, {}, DAY).success


INNER = pa.struct([("id", pa.string()), ("numbers", pa.list_(pa.struct([("n", pa.int64())])))])
NESTED = pa.schema([("name", pa.string()), ("outer", pa.list_(INNER))])
NUMBER = st.none() | st.fixed_dictionaries({"n": st.none() | st.integers(0, 9)})
ELEMENT = st.none() | st.fixed_dictionaries(
    {"id": st.none() | st.text(max_size=1), "numbers": st.none() | st.lists(NUMBER, max_size=3)}
)
ROW = st.fixed_dictionaries(
    {"name": st.none() | st.text(max_size=1), "outer": st.none() | st.lists(ELEMENT, max_size=3)}
)


@settings(deadline=None, max_examples=150)
@given(st.lists(ROW, max_size=8), st.integers(0, 3))
def test_values_are_counted_as_a_parquet_file_has_them(rows, skipped):
    table = pa.Table.from_pylist(rows, schema=NESTED).slice(skipped)
    leaves = {"name", "outer.id", "outer.numbers.n"}
    body = io.BytesIO()
    pq.write_table(table, body, row_group_size=3)
    fragment = ds.ParquetFileFormat().make_fragment(body)
    dataset = ds.FileSystemDataset([fragment], fragment.physical_schema, ds.ParquetFileFormat())
    counted = dict.fromkeys([*leaves, "name (null)"], 0)
    for batch in table.to_batches(max_chunksize=2):
        for name, count in count_entries(Rows(batch), leaves).items():
            counted[name] += count
    stored = stored_entries(dataset, leaves)
    if not table.num_rows:
        stored.pop("name (null)", None)  # not said
    assert {name: stored.get(name, 0) for name in counted} == counted

"""The way back: nested rows from the flat tables, to prove that nothing was lost on the way there."""

from collections import defaultdict
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from genesys_dagster.assets.tables import compute
from genesys_dagster.lake.frames import tables
from genesys_dagster.records.decode import decode
from genesys_dagster.records.field import Columns
from genesys_dagster.records.model.conversation import CONVERSATION
from genesys_dagster.records.model.participant import PARTICIPANT
from genesys_dagster.records.model.quality import EVALUATION, SURVEY
from genesys_dagster.records.model.segment import SEGMENT
from genesys_dagster.records.model.session import SESSION, SESSION_METRIC
from genesys_dagster.sql.columns.tables import snake_case
from genesys_dagster.sql.table_specs import SPECS
from genesys_dagster_tests.default_org import ORG
from genesys_dagster_tests.records.conversations import page

_SPECS = {spec.name: spec for spec in SPECS}


def written(path, *records, body=None):
    """The object of a day with these records, or with this page, as a dataset; and the rows as decoded."""
    rows = pa.Table.from_batches([decode([body or page(*records)]).rows])
    pq.write_table(rows, path)
    return ds.dataset(path, format="parquet"), rows


def computed(name: str, day: ds.Dataset) -> pa.Table:
    spec = _SPECS[name]
    return pa.concat_tables([spec.schema.empty_table(), *tables(compute(ORG, spec, day))])


def all_tables(day: ds.Dataset) -> dict[str, pa.Table]:
    return {name: computed(name, day) for name in _SPECS}


def rebuilt(tables: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """The rows of `conversation_details` that the tables were made of."""
    return _Record(tables).conversations()


class _Record:
    """The tables' rows by the key of the level above them."""

    def __init__(self, tables):
        self.roots = tables["conversations"].to_pylist()
        self.participants = _by(tables["participants"], 1)
        self.sessions = _by(tables["sessions"], 2)
        self.segments = _by(tables["segments"], 3)
        self.metrics = _by(tables["session_metrics"], 3)
        self.attributes = _by(tables["participant_attributes"], 2)
        self.evaluations = _by(tables["evaluations"], 1)
        self.surveys = _by(tables["surveys"], 1)

    def conversations(self):
        return [
            _fields(row, CONVERSATION)
            | {
                "participants": _items(row["participant_count"], self.participants[_key(row, 1)], "participant", self.participant),
                "evaluations": _items(row["evaluation_count"], self.evaluations[_key(row, 1)], "evaluation", _of(EVALUATION)),
                "surveys": _items(row["survey_count"], self.surveys[_key(row, 1)], "survey", _of(SURVEY)),
                "unknownFields": row["unknown_fields"],
            }
            for row in self.roots
        ]  # fmt: skip

    def participant(self, row):
        attributes = [(pair["key"], pair["value"]) for pair in self.attributes[_key(row, 2)]]
        assert len(attributes) == (row["attribute_count"] or 0)
        return _fields(row, PARTICIPANT) | {
            "sessions": _items(row["session_count"], self.sessions[_key(row, 2)], "session", self.session),
            "attributes": None if row["attribute_count"] is None else attributes,
        }

    def session(self, row):
        return _fields(row, SESSION) | {
            "metrics": _items(row["metric_count"], self.metrics[_key(row, 3)], "metric", _of(SESSION_METRIC)),
            "segments": _items(row["segment_count"], self.segments[_key(row, 3)], "segment", _of(SEGMENT)),
        }


_KEY = ("conversation_id", "participant_index", "session_index")


def _key(row, levels):
    return tuple(row[name] for name in _KEY[:levels])


def _by(table, levels):
    rows = defaultdict(list)
    for row in table.to_pylist():
        rows[_key(row, levels)].append(row)
    return rows


def _of(fields):
    return lambda row: _fields(row, fields)


def _fields(row, fields):
    """The API's fields of a row, under their own names; levels with a table of their own are left out."""
    return {
        f.name: _back(row[snake_case(f.name)], f.type)
        for f in Columns(fields).schema
        if snake_case(f.name) in row
    }


def _back(value, kind):
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {member.name: _back(value[snake_case(member.name)], member.type) for member in kind}
    if pa.types.is_list(kind):
        return [_back(item, kind.value_type) for item in value]
    return value


def _items(count, rows, name, make):
    """A list: null without a count, and null at the positions that have no row."""
    if count is None:
        assert not rows
        return None
    at = {row[f"{name}_index"]: row for row in rows}
    assert len(at) == len(rows)
    assert list(at) == sorted(at)
    assert set(at) <= set(range(count))
    return [make(at[position]) if position in at else None for position in range(count)]

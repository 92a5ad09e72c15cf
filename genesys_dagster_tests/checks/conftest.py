"""Partitions pulled from the sandbox, and their checks."""

import io

import dagster as dg
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from genesys_dagster.checks.contents import THEMES, look_into
from genesys_dagster.checks.themes import Day
from genesys_dagster.resources import GenesysResource
from genesys_dagster_tests.checks.tables import decoded
from genesys_dagster_tests.conftest import DAY
from genesys_dagster_tests.default_org import (
    CHECKS,
    PARTITIONS,
    REFERENCE,
    conversation_details,
    resources_of,
)


class Checked:
    """What the checks of a run said."""

    def __init__(self, result):
        self.result, self.success = result, result.success
        self._by_name = {each.check_name: each for each in result.get_asset_check_evaluations()}

    def __iter__(self):
        return iter(self._by_name)

    def __getitem__(self, name):
        return self._by_name[name]

    def verdict(self, name):
        """`passed`, or the severity."""
        return "passed" if self[name].passed else self[name].severity.value

    def figures(self, name):
        return {key: value.value for key, value in self[name].metadata.items()}

    def differences(self, name="reconciliation", table="differences"):
        return [dict(record.data) for record in self[name].metadata[table].records]


class Looked:
    """What one check's look into a table found."""

    def __init__(self, finding):
        self.verdict = "passed" if finding.passed else finding.severity.value
        self.summary = finding.summary
        self.figures = {name: getattr(value, "data", value) for name, value in finding.figures.items()}


def look(name, table, known=None, themes=THEMES):
    """Let one check look into a table as it would into a stored partition; all ids that `known` names have a name."""
    body = io.BytesIO()
    pq.write_table(table, body, row_group_size=100)
    body.seek(0)
    fragment = ds.ParquetFileFormat().make_fragment(body)
    dataset = ds.FileSystemDataset([fragment], fragment.physical_schema, ds.ParquetFileFormat())
    window = PARTITIONS.time_window_for_partition_key(str(DAY))
    (theme,) = [theme for theme in themes if theme.name == name]
    day = Day(str(DAY), window.start, window.end, lambda asset: known)
    return Looked(look_into(dataset, day, [theme])[name])


class Partitions:
    """Pulls and checks partitions in one Dagster instance."""

    def __init__(self, lake):
        self.instance = dg.DagsterInstance.ephemeral()
        self._lake = lake

    def pull(self, *days, reference=(), **settings):
        """Materialize days without their checks, and reference data."""
        for day in days or (DAY,):
            assert self._run([conversation_details], [conversation_details.key], settings, day).success
        if reference:
            assert self._run(REFERENCE, [dg.AssetKey(name) for name in reference], settings).success

    def check(self, *names, days=(DAY,), **settings):
        """Run checks on days that are there; all of them, or those named."""
        keys = [dg.AssetCheckKey(conversation_details.key, name) for name in names]
        chosen = (
            dg.AssetSelection.checks(*keys)
            if names
            else dg.AssetSelection.checks_for_assets(conversation_details)
        )
        return Checked(
            self._run([conversation_details, *CHECKS.conversation_details], chosen, settings, *days)
        )

    def pull_and_check(self, *, others=(), **settings):
        """One run of everything, as a user's deployment does it."""
        return Checked(
            self._run([conversation_details, *CHECKS.conversation_details, *others], None, settings, DAY)
        )

    def change(self, change, day=DAY):
        """Put another table in the place of a day's."""
        body = io.BytesIO()
        pq.write_table(change(self._lake.table(day)), body)
        self._lake.put(day, body.getvalue())

    def table(self, day=DAY):
        return self._lake.table(day)

    def window(self, day=DAY):
        return PARTITIONS.time_window_for_partition_key(str(day))

    def _run(self, assets, selection, settings, *days):
        tags = {}
        if len(days) == 1:
            # As the daemon sets it; `partition_key` of `materialize` refuses runs of checks alone.
            tags = {"dagster/partition": str(days[0])}
        elif days:
            tags = {
                "dagster/asset_partition_range_start": str(days[0]),
                "dagster/asset_partition_range_end": str(days[-1]),
            }
        return dg.materialize(
            assets,
            selection=selection,
            instance=self.instance,
            tags=tags,
            resources=resources_of(genesys=GenesysResource(**settings)),
            raise_on_error=False,
        )


@pytest.fixture
def partitions(environment, lake, sandbox):
    return Partitions(lake)


@pytest.fixture(scope="session")
def _first_pull():
    """What the first test to need it pulled; the others take it from here."""
    return {}


@pytest.fixture
def pulled(partitions, lake, _first_pull):
    """A day of the org, pulled; and its queues."""
    if not _first_pull:
        partitions.pull(reference=["queues"])
        _first_pull["objects"] = lake.objects()
        _first_pull["instance"] = partitions.instance
    lake.put_all(_first_pull["objects"])
    partitions.instance = _first_pull["instance"]
    return partitions


@pytest.fixture(scope="module")
def held(_servers):
    """A day as a pull stores it, without going through Dagster: for checks that look into tables."""
    server, _ = _servers
    records = server.org.day(DAY, as_of=server.settings.watermark)
    return decoded(records)

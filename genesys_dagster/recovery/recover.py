"""From the objects of an org to the materializations that its instance should know. Asks no API and writes no object."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import dagster as dg
import pyarrow as pa

from genesys_dagster.cloud import GenesysCloud
from genesys_dagster.lake.context import partition_columns
from genesys_dagster.lake.door import LakeDoor
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.layout import FILE_NAME
from genesys_dagster.lake.listing import Listed, listed
from genesys_dagster.lake.stored import stored_version
from genesys_dagster.recovery.state import state
from genesys_dagster.report.io_manager import FILE_NAME as PAGE

_REPORT = "contact_center_report"
_CONCURRENCY = 8
_DATA_VERSION = "dagster/data_version"
_ANY_COLUMNS = pa.schema([])


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of an asset's objects.

    Attributes:
        asset: Its key.
        found: How many objects of partitions that there are lie in the lake.
        known: How many of them the instance knew.
        reported: How many it knows now that it did not.
        unreadable: A sentence for each of the others.
    """

    asset: dg.AssetKey
    found: int
    known: int
    reported: int
    unreadable: tuple[str, ...] = ()


class _Lying(NamedTuple):
    """An object of an asset; `partition` is None for an asset without partitions."""

    partition: str | None
    object: Listed


def recover(
    instance: dg.DagsterInstance,
    org: GenesysCloud,
    definitions: dg.Definitions | None = None,
    *,
    refreshed_until: datetime | None = None,
    tell: Callable[[Recovered], object] = lambda _: None,
) -> list[Recovered]:
    """Reports to an instance what lies in an org's lake and it does not know; what it knows is left alone.

    Stop the daemon before: what comes meanwhile from a run may be hidden by what its object said before it.

    Args:
        instance: Dagster's instance, new or half lost.
        org: Whose lake.
        definitions: The org's, if they were made with resources of your own; else those that `org.definitions()` makes.
        refreshed_until: Until when the refresh plan was followed: nothing that was due by then was still wanted. Without it
            the plan's latest step is taken again for every day that has one.
        tell: Called with each asset's result as it comes.

    Returns:
        A result for each asset, upstream before downstream.

    Raises:
        StorageError: The lake cannot be listed, or S3 does not answer; what was reported stays, and the next call goes on.
        dagster.DagsterInvalidDefinitionError: The org's settings make no sense, or its IO managers are not ours.
    """
    org.check()
    definitions = definitions or org.definitions()
    names = {key: name for name, key in org.keys.items() if name != "genesys_cloud"}
    graph = definitions.resolve_asset_graph()
    resources = definitions.resources or {}
    doors = {name: resources[name] for name in (org.lake, org.pages)}
    results = []
    with dg.build_resources(doors, instance=instance) as opened:
        for key in filter(names.__contains__, graph.toposorted_asset_keys):
            name, partitions = names[key], graph.get(key).partitions_def
            door = getattr(opened, org.pages if name == _REPORT else org.lake)
            if not isinstance(door, LakeDoor):
                raise dg.DagsterInvalidDefinitionError(
                    f"{key.to_user_string()} is not stored by an IO manager of ours."
                )
            result = _Asset(instance, org, name, door, partitions, refreshed_until).recover()
            results.append(result)
            tell(result)
    return results


@dataclass(frozen=True, slots=True)
class _Asset:
    """One asset."""

    instance: dg.DagsterInstance
    org: GenesysCloud
    name: str
    door: LakeDoor
    partitions: dg.PartitionsDefinition | None
    refreshed_until: datetime | None

    @property
    def key(self) -> dg.AssetKey:
        return self.org.key(self.name)

    def recover(self) -> Recovered:
        """Reports what is not known, the oldest first."""
        lying, known = list(self._lying()), self._known()
        unknown = [each for each in lying if each.partition not in known]
        unreadable: list[str] = []
        pool = ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="recover")
        try:
            for said in pool.map(self._read, unknown):
                if isinstance(said, str):
                    unreadable.append(said)
                else:
                    self.instance.report_runless_asset_event(said)
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupt does not wait for years of objects
        reported = len(unknown) - len(unreadable)
        return Recovered(self.key, len(lying), len(lying) - len(unknown), reported, tuple(unreadable))

    def _lying(self) -> Iterator[_Lying]:
        """What lies in the lake of the partitions that there are; their keys are made, not read."""
        door, path = self.door, self.key.path
        there = {
            each.key: each for each in listed(door.client, door.place().bucket, door.key_of(path, file=""))
        }
        if not there:
            return
        file = PAGE if self.name == _REPORT else FILE_NAME
        wanted: Mapping[str | None, Mapping[str, str] | None] = {None: None}
        if self.partitions is not None:
            columns = partial(partition_columns, self.partitions)
            wanted = {partition: columns(partition) for partition in self.partitions.get_partition_keys()}
        for partition, folders in wanted.items():
            if found := there.get(door.key_of(path, folders, file)):
                yield _Lying(partition, found)

    def _known(self) -> set[str | None]:
        if self.partitions is not None:
            return set(self.instance.get_materialized_partitions(self.key))
        return {None} if self.instance.get_latest_materialization_event(self.key) else set()

    def _read(self, lying: _Lying) -> dg.AssetMaterialization | str:
        """The materialization of an object, or the sentence that says why there is none."""
        uri = f"s3://{self.door.place().bucket}/{lying.object.key}"
        if self.name == _REPORT:
            return self._materialization(lying, lying.object.etag, {"dagster/uri": uri})
        try:
            stored = stored_version(
                self.door.client, self.door.place().bucket, lying.object.key, _ANY_COLUMNS
            )
            if stored is None:
                return f"{uri} is gone."
            if stored.rows is None:
                return f"{uri} is no Parquet."
            said = state(self.org, self.name, lying.partition, stored, self._refreshed(lying.object))
        except LakeError as error:
            if not error.permanent:  # an outage is no state of an object
                raise
            return f"{uri} cannot be read: {error}"
        except (pa.ArrowException, OSError, ValueError) as error:
            first, *_ = str(error).splitlines() or [type(error).__name__]
            return f"{uri} is damaged: {first}"
        return self._materialization(lying, stored.version.etag, said)

    def _refreshed(self, lying: Listed) -> datetime | None:
        """A pull after an instant leaves an object that is younger."""
        return self.refreshed_until and min(self.refreshed_until, lying.modified)

    def _materialization(self, lying: _Lying, etag: str, said: Mapping[str, Any]) -> dg.AssetMaterialization:
        # The IO manager's data version is a digest of the bytes, which S3 does not tell without sending them. S3's own
        # name for them claims no equality with any digest: what follows a change is computed once too often at worst.
        return dg.AssetMaterialization(
            self.key,
            partition=lying.partition,
            description="Found in the lake; the run that made it is not known.",
            metadata={**said, "recovered": True},
            tags={_DATA_VERSION: f"etag:{etag}"},
        )

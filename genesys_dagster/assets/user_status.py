"""The assets `user_presence`, `user_routing_status` and `late_user_status`: agents' time, day by day, from one pull."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import dagster as dg
from pydantic import Field

from genesys_dagster.assets.columns_tab import table_schema
from genesys_dagster.assets.failures import RETRY_AFTER_OUTAGE
from genesys_dagster.org.org import Org
from genesys_dagster.records.field import Columns
from genesys_dagster.records.model.user_status import (
    PERIODS,
    USER_PRESENCE,
    USER_ROUTING_STATUS,
    Kind,
)

PRESENCE, ROUTING, LATE = "user_presence", "user_routing_status", "late_user_status"

_ABOUT = """
A period is told by `user_id` and `start_time`; it is stored whole, never clipped, in the partition of the day on which it
began. One that is open has no end; when it ends on a later day, the pull of that day brings the end, which is put in
here without a request. That a user has no period on a day does not mean that the user was offline: what was open before
lasts. Comes from the bulk job for users once that job's own watermark has passed the end of the day, from the interactive
query before.
"""


class Table(NamedTuple):
    """One of the assets."""

    columns: Columns
    kind: Kind | None
    description: str


TABLES: Mapping[str, Table] = {
    PRESENCE: Table(
        USER_PRESENCE,
        "presence",
        "What users have chosen to be (available, on queue, at a meal …): one row per period.\n" + _ABOUT,
    ),
    ROUTING: Table(
        USER_ROUTING_STATUS,
        "routing_status",
        "What the routing of interactions makes of users (idle, interacting, not responding …): one row per period.\n"
        + _ABOUT,
    ),
    LATE: Table(
        PERIODS,
        None,
        "The periods of presence and routing status that began before the partition's day and were not over when it began, "
        "as Genesys Cloud tells them with this day: those that ended on it, and some that go on. The sensor "
        "`update_user_status` puts their ends into the partitions where they began.",
    ),
}


class StatusConfig(dg.Config):
    """How a run brings a day of user status."""

    from_late_user_status: bool = Field(
        default=False,
        description="Put in only the ends that `late_user_status` has brought since, without asking Genesys Cloud. A day "
        "that was never pulled, and a run over several days, are pulled all the same.",
    )
    accept_loss: bool = Field(
        default=False,
        description="Commit what Genesys Cloud answers now even if the stored version has periods that this one lacks. For "
        "one partition and one run.",
    )


def user_status(org: Org) -> dg.AssetsDefinition:
    """The assets, for an org: one step, which asks once."""
    outs = {
        name: dg.AssetOut.from_spec(
            org.spec(
                name,
                description=table.description,
                metadata={"dagster/column_schema": table_schema(table.columns)},
                code_version="1",
            ),
            io_manager_key=org.lake,
            is_required=False,
        )
        for name, table in TABLES.items()
    }

    @dg.multi_asset(
        name=org.label("user_status"),
        outs=outs,
        deps=[org.key("genesys_cloud")],
        partitions_def=org.days.partitions,
        can_subset=True,
        required_resource_keys={org.genesys, org.lake},
        retry_policy=RETRY_AFTER_OUTAGE,
        pool=org.api_pool,
        backfill_policy=org.backfill_policy,
    )
    def pull(context: dg.AssetExecutionContext, config: StatusConfig) -> Iterator[dg.Output[Any]]:
        from genesys_dagster.assets.status_of_day import Streams, pulled, updated

        days = context.partition_keys
        if config.accept_loss and len(days) > 1:
            raise dg.Failure(
                "accept_loss is for one day: materialize the partition concerned alone.", allow_retries=False
            )
        wanted = [name for name in TABLES if org.key(name) in context.selected_asset_keys]
        if len(days) == 1:
            found = updated(context, org, days[0], wanted) if config.from_late_user_status else None
            for name, stream in (found or pulled(context, org, days[0], wanted, config)).items():
                yield dg.Output(stream, output_name=name)
            return
        with tempfile.TemporaryDirectory(prefix="genesys-dagster-") as folder:
            after = {day: days[at:] for at, day in enumerate(days, start=1)}
            streams = Streams(
                lambda day: pulled(context, org, day, wanted, config, next_days=after[day]), Path(folder)
            )
            for name in wanted:
                yield dg.Output(((day, streams.of(day, name)) for day in days), output_name=name)

    return pull

"""The assets `agent_status` and `agent_status_daily`: agents' time, by half hour and by day."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from genesys_dagster.assets.conditions import FOLLOW_UPSTREAM, follow_pull
from genesys_dagster.assets.define import daily, made_by
from genesys_dagster.assets.lineage import lineage_metadata
from genesys_dagster.assets.named import or_nothing
from genesys_dagster.assets.tables import each
from genesys_dagster.dagster_private import looking_back
from genesys_dagster.lake.stream import FrameStream
from genesys_dagster.lazy import ds
from genesys_dagster.org.org import Org
from genesys_dagster.records.field import Columns
from genesys_dagster.records.model.user_status import PERIODS, USER_PRESENCE, USER_ROUTING_STATUS
from genesys_dagster.sql import load
from genesys_dagster.sql.columns.agents_time import AGENT_STATUS, AGENT_STATUS_DAILY
from genesys_dagster.sql.origin import Found

if TYPE_CHECKING:
    from genesys_dagster.sql.engine import Source

_COLUMNS = {"agent_status": AGENT_STATUS, "agent_status_daily": AGENT_STATUS_DAILY}
_STATEMENTS = {name: load("agents", name) for name in _COLUMNS}
_NAMES = {"presence": "user_presence", "routing": "user_routing_status", "late": "late_user_status"}
_READS = {
    "agent_status": ("presence", "routing", "late", "users"),
    "agent_status_daily": ("agent_status", "presence", "late"),
}
_UPSTREAM = {
    "presence": USER_PRESENCE.names[:-1],
    "routing": USER_ROUTING_STATUS.names[:-1],
    "late": [name for name in PERIODS.names if name != "unknown_fields"],
    "users": ["id", "name"],
    "agent_status": AGENT_STATUS.names,
}

_ABOUT = """
Presence is what the user has said, routing status what the routing of interactions has done, so the times of the one do not
add up to those of the other; each adds up to the whole, with what is unknown. Definitions and sources: docs/metrics.md.
"""
DESCRIPTION = f"""\
Agents' time by half hour and user: seconds logged in, on queue and off queue, in each presence and in each routing status,
and the occupancy. What was open before a day is carried on into it.
{_ABOUT}"""
DAILY_DESCRIPTION = f"""\
Agents' time by day and user: `agent_status` added up, with first login and last logout.
{_ABOUT}"""


def agent_status(org: Org) -> list[dg.AssetsDefinition]:
    """The assets, for an org."""
    return [_by_half_hour(org), _by_day(org)]


def _by_half_hour(org: Org) -> dg.AssetsDefinition:
    back = looking_back(org.status_days_back)
    periods = {
        name: dg.AssetIn(
            org.key(_NAMES[name]),
            partition_mapping=back,
            metadata={"columns": _UPSTREAM[name], "allow_missing_partitions": "silently"},
        )
        for name in ("presence", "routing")
    }
    late = dg.AssetIn(org.key(_NAMES["late"]), metadata={"columns": _UPSTREAM["late"]})
    users = dg.AssetIn(org.key("users"), metadata={"columns": _UPSTREAM["users"]})
    # A day's pull writes all three; of the days before only what was open then matters, and that does not change any more.
    condition = follow_pull(
        dg.AssetSelection.assets(*(org.key(_NAMES[name]) for name in periods)),
        dg.AssetSelection.assets(org.key("users")),
    )

    @daily(
        org,
        made_by(org, "agent_status", DESCRIPTION, AGENT_STATUS, condition, _STATEMENTS["agent_status"]),
        ins={**periods, "late": late, "users": users},
    )
    def status(
        presence: dict[str, ds.Dataset],
        routing: dict[str, ds.Dataset],
        late: dict[str, ds.Dataset],
        users: ds.Dataset | None,
    ) -> dg.Output[Any]:
        names = or_nothing(users, "users", _UPSTREAM["users"])

        def day(key: str) -> FrameStream:
            days = _unbroken(key, presence, org.status_days_back)
            sources = {
                "presence": _together(days, presence, USER_PRESENCE),
                "routing": _together(days, routing, USER_ROUTING_STATUS),
                "late": late[key],
                "users": names,
            }
            return _figures(
                org, "agent_status", key, sources, {"days_read": len(days), "first_day_read": days[0]}
            )

        return each(late, day)

    return status


def _by_day(org: Org) -> dg.AssetsDefinition:
    ins = {
        name: dg.AssetIn(org.key(_NAMES.get(name, name)), metadata={"columns": _UPSTREAM[name]})
        for name in _READS["agent_status_daily"]
    }

    @daily(
        org,
        made_by(
            org,
            "agent_status_daily",
            DAILY_DESCRIPTION,
            AGENT_STATUS_DAILY,
            FOLLOW_UPSTREAM,
            _STATEMENTS["agent_status_daily"],
        ),
        ins=ins,
    )
    def status(
        agent_status: dict[str, ds.Dataset], presence: dict[str, ds.Dataset], late: dict[str, ds.Dataset]
    ) -> dg.Output[Any]:
        def day(key: str) -> FrameStream:
            sources = {"agent_status": agent_status[key], "presence": presence[key], "late": late[key]}
            return _figures(org, "agent_status_daily", key, sources, {})

        return each(agent_status, day)

    return status


def _unbroken(day: str, there: Mapping[str, ds.Dataset], most: int) -> list[str]:
    """The day and those before it up to the first that is missing, oldest first.

    What was open before a missing day may have ended on it, so it is carried no further.
    """
    last = date.fromisoformat(day)
    days = [str(last - timedelta(days=age)) for age in range(most + 1)]
    broken = next((age for age, key in enumerate(days) if age and key not in there), len(days))
    return days[:broken][::-1]


def _together(days: list[str], datasets: Mapping[str, ds.Dataset], columns: Columns) -> "Source":
    found = [datasets[day] for day in days if day in datasets]
    return ds.dataset(found) if found else columns.schema.empty_table()


def _figures(
    org: Org, name: str, day: str, sources: "Mapping[str, Source]", said: Mapping[str, Any]
) -> FrameStream:
    from genesys_dagster.sql.engine import query

    schema, window = _COLUMNS[name].schema, org.days.window(day)
    parameters: dict[str, Any] = {"day_start": window.start, "day_end": window.end}
    if name == "agent_status":
        parameters["timezone"] = org.days.timezone
    return FrameStream(
        schema,
        query(_STATEMENTS[name], sources, schema, parameters=parameters),
        metadata=lambda: {
            **said,
            **lineage_metadata(lambda table: org.key(_NAMES.get(table, table)), made_of(name)),
        },
    )


@cache
def made_of(name: str) -> Mapping[str, Found]:
    """The upstream columns that each column is made of."""
    # sqlglot takes a third of a second to import, and only a run needs it.
    from genesys_dagster.sql.origins import origins

    upstream = {table: _UPSTREAM[table] for table in _READS[name]}
    return origins(_STATEMENTS[name], _COLUMNS[name].names, upstream).columns

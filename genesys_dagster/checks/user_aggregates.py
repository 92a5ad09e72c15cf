"""The proof of agents' time: `agent_status_daily` against Genesys Cloud's own aggregates of users.

An error means that Genesys Cloud counts time of users of which nothing is known here: periods are missing. Other
differences are warnings, as is not being allowed to ask. What is compared how: `agents_time`.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from genesys_dagster.checks import snapshots
from genesys_dagster.checks.agents_time import (
    ALL,
    TOLERANCE_SECONDS,
    TOLERANCE_SHARE,
    Comparison,
    Ours,
    Value,
    compare,
    our_time,
)
from genesys_dagster.checks.finding import ERROR, WARN, Finding, not_compared, table, to_result
from genesys_dagster.checks.partition import partition_check
from genesys_dagster.extract.background import run_apart
from genesys_dagster.genesys import user_aggregates as api
from genesys_dagster.genesys.errors import GenesysError, PermissionDeniedError
from genesys_dagster.genesys.interval import Interval
from genesys_dagster.lazy import ds
from genesys_dagster.org.org import Org
from genesys_dagster.resources import GenesysResource

NAME = "user_aggregates"
_SHOWN = 10
_DAILY = "agent_status_daily"
_PERIODS = {"presence": "user_presence", "routing": "user_routing_status", "late": "late_user_status"}


def user_aggregates(org: Org) -> dg.AssetChecksDefinition:
    """The check of a day of agents' time against Genesys Cloud's aggregates."""

    @partition_check(
        org,
        name=NAME,
        asset=_DAILY,
        pool=org.api_pool,
        required_resource_keys={org.genesys, org.lake},
        additional_ins={name: dg.AssetIn(org.key(asset)) for name, asset in _PERIODS.items()},
        description="Each user's seconds in each presence, presence definition and routing status agree with Genesys Cloud's "
        f"own aggregates of the day, within {TOLERANCE_SECONDS:.0f} seconds or {TOLERANCE_SHARE:.0%}; what is still open may "
        "be missing there; offline is shown and not judged. An error means that Genesys Cloud counts time of which nothing "
        f"is known here. One request for each {api.MOST_USERS} users: those of the day, and those of `users` that are not "
        f"deleted. Needs the permission {api.PERMISSION}.",
    )
    def check(
        context: dg.AssetCheckExecutionContext,
        agent_status_daily: dict[str, ds.Dataset],
        presence: dict[str, ds.Dataset],
        routing: dict[str, ds.Dataset],
        late: dict[str, ds.Dataset],
    ) -> dg.AssetCheckResult:
        genesys = getattr(context.resources, org.genesys)
        others = _others(context, org)
        findings = {}
        for key, daily in agent_status_daily.items():
            day = org.days.window(key)
            ours = our_time(
                daily.to_table(), presence[key].to_table(), routing[key].to_table(), late[key].to_table(), day
            )
            findings[key] = _reconcile(genesys, ours, others, day)
            context.log.info("%s: %s", key, findings[key].summary)
        return to_result(findings)

    return check


def _others(context: dg.AssetCheckExecutionContext, org: Org) -> frozenset[str] | None:
    """Users who may have had a status, too; None if there is no snapshot."""
    users = snapshots.snapshot(context, org, "users", ["id", "state"])
    if users is None:
        return None
    rows: list[dict[str, Any]] = users.to_pylist()
    return frozenset(row["id"] for row in rows if row["state"] != "deleted")


def _reconcile(genesys: GenesysResource, ours: Ours, others: frozenset[str] | None, day: Interval) -> Finding:
    users = sorted(ours.users | (others or set()))
    if not users:
        return not_compared("neither the day nor the asset users names anybody; materialize them.")
    try:
        theirs = run_apart(_ask(genesys, users, day))
    except PermissionDeniedError as error:
        return not_compared(f"the OAuth client lacks {api.PERMISSION}. {error}")
    except GenesysError as error:
        return not_compared(str(error))
    if set(theirs.refused) >= set(api.METRICS):
        return not_compared(f"Genesys Cloud refuses the metrics {', '.join(api.METRICS)}.")
    figures: dict[str, Any] = {"users_asked": len(users), "api_requests": theirs.requests}
    if theirs.refused:
        figures["metrics_refused"] = ", ".join(theirs.refused)
    if not others:
        figures["limit"] = "There is no snapshot of users: only those of the day were asked about."
    return judge(compare(ours, theirs, day), figures)


async def _ask(genesys: GenesysResource, users: Sequence[str], day: Interval) -> api.UserAggregates:
    async with genesys.client() as client:
        return await api.user_aggregates(client, day, users)


def judge(comparison: Comparison, said: dict[str, Any]) -> Finding:
    """Turn what was compared into a finding.

    Args:
        comparison: The outcome.
        said: Further figures.
    """
    of_users = [value for value in comparison.differences if value.category.user != ALL]
    figures = {
        **said,
        "values_compared": comparison.compared,
        "values_that_differ": len(of_users),
        "users_with_missing_periods": _some(comparison.missing),
        "users_only_in_aggregates": _some(comparison.only_theirs),
        "users_only_here": _some(comparison.only_ours),
        "whole_days_unknown_here": comparison.whole_days,
    }
    if comparison.categories:
        figures["categories"] = _table(comparison.categories)
    if of_users:
        figures["differences"] = _table(of_users[:_SHOWN])
    notes = " ".join(
        f"{note}: {figures[name]}."
        for note, name in (
            ("Not compared, as Genesys Cloud refuses them", "metrics_refused"),
            ("Note", "limit"),
        )
        if name in figures
    )
    if comparison.missing:
        return Finding(
            passed=False,
            severity=ERROR,
            summary=f"Genesys Cloud counts time of {len(comparison.missing):,} users of which nothing is known here: pull "
            f"the day of user_presence and user_routing_status again. {notes}".rstrip(),
            figures=figures,
        )
    if comparison.differences:
        in_all = sorted({value.category.value for value in comparison.differences if value not in of_users})
        together = f" Of all users together: {', '.join(in_all)}." if in_all else ""
        return Finding(
            passed=False,
            severity=WARN,
            summary=f"{len(of_users):,} of {comparison.compared:,} values of users differ from Genesys Cloud's aggregates."
            f"{together} {notes}".rstrip(),
            figures=figures,
        )
    return Finding(
        passed=True,
        summary=f"All {comparison.compared:,} values agree with Genesys Cloud's aggregates. {notes}".rstrip(),
        figures=figures,
    )


def _some(users: Sequence[str]) -> str:
    """How many, and at most ten of them."""
    more = f" and {len(users) - _SHOWN:,} more" if len(users) > _SHOWN else ""
    return (", ".join(users[:_SHOWN]) or "none") + more


def _table(values: Sequence[Value]) -> dg.TableMetadataValue:
    return table(
        [
            {
                "user_id": value.category.user or "(all)",
                "metric": value.category.metric,
                "category": value.category.value,
                "seconds_here": round(value.ours, 3),
                "seconds_here_ended": round(value.ended, 3),
                "seconds_genesys": round(value.theirs, 3),
                "judged": value.is_judged,
                "agrees": value.agrees,
            }
            for value in values
        ]
    )

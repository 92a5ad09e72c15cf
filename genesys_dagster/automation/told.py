"""The list of what is wanted, where people look: a check of `conversation_details`, kept up to date by the sensors."""

from datetime import UTC, datetime

import dagster as dg

from genesys_dagster.checks.finding import table
from genesys_dagster.memory.pulls import DETAILS
from genesys_dagster.memory.wanted.board import Line, lines
from genesys_dagster.org.org import Org

WANTED_DAYS = "wanted_days"
_SHOWN = 200


def wanted_days(org: Org) -> dg.AssetChecksDefinition:
    """The check `wanted_days`."""

    @dg.asset_check(
        asset=org.key(DETAILS),
        name=WANTED_DAYS,
        description="What sensors want of the lake and have tried in vain: which day, since when, how often tried, and when "
        "next. They ask for it as long as it is wanted, at intervals of up to a day.",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return listed(context.instance, org)

    return check


def listed(instance: dg.DagsterInstance, org: Org) -> dg.AssetCheckResult:
    """What is wanted: a warning while something was tried in vain and waits to be asked for again."""
    wanted = lines(instance, org)
    waiting = [line for line in wanted if line.waits]
    metadata = {"wanted": table([_row(line) for line in wanted[:_SHOWN]])} if wanted else {}
    return dg.AssetCheckResult(
        passed=not waiting,
        severity=dg.AssetCheckSeverity.WARN,
        description=_in_words(wanted, waiting),
        metadata=metadata,
    )


def report(instance: dg.DagsterInstance, org: Org, name: str, result: dg.AssetCheckResult) -> None:
    """Report a check of `conversation_details` that no run evaluates."""
    evaluation = dg.AssetCheckEvaluation(
        asset_key=org.key(DETAILS),
        check_name=name,
        passed=result.passed,
        severity=result.severity,
        metadata=result.metadata,
        description=result.description,
    )
    instance.report_runless_asset_event(evaluation)


def _in_words(wanted: list[Line], waiting: list[Line]) -> str:
    if not wanted:
        return "Nothing is wanted that is not there."
    if not waiting:
        return f"{len(wanted)} steps are wanted, under way or to be asked for."
    oldest = waiting[0]
    return (
        f"{len(waiting)} of {len(wanted)} wanted steps were tried in vain and are asked for again; the oldest is the "
        f"{oldest.kind} of {oldest.day}, wanted since {_at(oldest.since)}, tried {oldest.tries} times, next {_at(oldest.next)}."
    )


def _at(text: str | None) -> str:
    return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC" if text else "at once"


def _row(line: Line) -> dict[str, str | int | float | bool | None]:
    return {
        "day": line.day,
        "kind": line.kind,
        "since": _at(line.since),
        "tries": line.tries,
        "next": "under way" if line.is_under_way else _at(line.next),
    }

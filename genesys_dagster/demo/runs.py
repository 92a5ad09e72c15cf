"""The demo's runs: every asset for the last days, and what they wrote."""

import time
from datetime import UTC, date, datetime, timedelta

import click
import dagster as dg

from genesys_dagster.demo.environment import DemoEnvironment
from genesys_dagster.demo.listing import print_objects
from genesys_dagster.demo.plan import Run, plan
from genesys_dagster.demo.signals import Interrupts

_CONVERSATION_DETAILS = dg.AssetKey("conversation_details")
_WEEKLY = dg.AssetKey("queue_performance_weekly")
# Runs log as little as possible here: what matters is printed below, all of it can be read in the UI.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def export_days(environment: DemoEnvironment, days: int, stop: Interrupts) -> bool:
    """Materialize all assets for the last full days and print what was written.

    Args:
        environment: Where.
        days: How many days, up to yesterday.
        stop: Ends it with KeyboardInterrupt.

    Returns:
        Whether all was written, no check failed, and the rows are as many as the org's conversations.
    """
    # Not before the environment is set: the first partition comes from there.
    from genesys_dagster.definitions import build_definitions

    today = datetime.now(UTC).date()
    definitions = build_definitions()
    job = definitions.resolve_implicit_global_asset_job_def()
    dates = [today - timedelta(days=back) for back in range(days, 0, -1)]
    click.echo(f"Exporting {days} day{'s' if days > 1 else ''}, {dates[0]} to {dates[-1]} ...\n")
    started = time.monotonic()
    runs = [run for run in plan(definitions.resolve_asset_graph(), dates) if run.assets]
    checks = _Checks()
    succeeded = []
    with dg.DagsterInstance.get() as instance:
        for run in runs:
            with stop.ending_a_run():
                result = _execute(run, job, instance)
            checks.take(result)
            succeeded.append(_report(run, result, environment))
    if _WEEKLY not in {key for run in runs for key in run.assets}:
        click.echo(
            f"\n  No week from Monday to Sunday is among these days, so {_WEEKLY.path[0]} has none yet: "
            "any 13 days hold one (--days 13)."
        )
    holds = checks.hold() & all(succeeded)
    conversations = sum(environment.org.count(day) for day in dates)
    click.echo(_verdict(holds, conversations, checks.passed, time.monotonic() - started))
    return holds


def _verdict(holds: bool, conversations: int, checks: int, seconds: float) -> str:
    if holds:
        return (
            f"\nAll {conversations:,} conversations of the org are in the lake and {checks:,} checks passed, "
            f"in {seconds:.0f} s."
        )
    return "\nSomething is wrong: see the lines in red above."


class _Checks:
    """What the checks said last, each for each partition: "yesterday is there" only holds once it is."""

    def __init__(self) -> None:
        self._last: dict[object, dg.AssetCheckEvaluation] = {}

    def take(self, result: dg.ExecuteInProcessResult) -> None:
        for check in result.get_asset_check_evaluations():
            self._last[check.asset_key, check.check_name, check.partition] = check

    @property
    def passed(self) -> int:
        """How many passed, each for each partition."""
        return sum(check.passed for check in self._last.values())

    def hold(self) -> bool:
        """Whether none failed; those that did are printed."""
        failed = [
            check
            for check in self._last.values()
            if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
        ]
        for check in failed:
            of = f"{check.asset_key.to_user_string()} {check.partition or ''}".strip()
            click.secho(
                f"  check {check.check_name} of {of} failed: {check.description or ''}", fg="red", err=True
            )
        return not failed


def _execute(run: Run, job: dg.JobDefinition, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return job.execute_in_process(
        asset_selection=list(run.assets),
        partition_key=run.partition_key,
        instance=instance,
        run_config=_QUIET,
        raise_on_error=False,
    )


def _report(run: Run, result: dg.ExecuteInProcessResult, environment: DemoEnvironment) -> bool:
    """Prints what a run wrote and what went wrong; returns whether nothing did."""
    materializations = [event.materialization for event in result.get_asset_materialization_events()]
    print_objects(materializations, of_a_day=_CONVERSATION_DETAILS in run.assets)
    return _no_step_failed(result) & all(_is_complete(environment, each) for each in materializations)


def _no_step_failed(result: dg.ExecuteInProcessResult) -> bool:
    for event in result.filter_events(lambda event: event.is_step_failure):
        click.secho(f"  {event.step_key}: {_reason(event)}", fg="red", err=True)
    return result.success


def _is_complete(environment: DemoEnvironment, materialization: dg.AssetMaterialization) -> bool:
    if materialization.asset_key != _CONVERSATION_DETAILS or not materialization.partition:
        return True
    expected = environment.org.count(date.fromisoformat(materialization.partition))
    rows = materialization.metadata["dagster/partition_row_count"].value
    if rows == expected:
        return True
    click.secho(
        f"  {materialization.partition}: the org has {expected:,} conversations of that day, the lake has {rows}",
        fg="red",
        err=True,
    )
    return False


def _reason(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    data = failure.user_failure_data
    if data and data.description:
        return data.description
    return failure.error.message.strip() if failure.error else "failed"

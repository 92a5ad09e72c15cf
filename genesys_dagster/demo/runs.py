"""The demo's runs: every asset for the last days, and what they wrote."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
import dagster as dg

from genesys_dagster.demo.environment import DemoEnvironment
from genesys_dagster.lake.io_manager import INTERRUPTED

# Runs log as little as possible here: what matters is printed below, all of it can be read in the UI.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def export_days(environment: DemoEnvironment, days: int) -> bool:
    """Materialize all assets for the last full days and print a line per object.

    Returns:
        Whether all was written, all checks hold, and the rows are as many as the org's conversations.
    """
    from genesys_dagster.definitions import build_definitions

    today = datetime.now(UTC).date()
    job = build_definitions().resolve_implicit_global_asset_job_def()
    click.echo(f"Exporting {days} day{'s' if days > 1 else ''} of conversation details ...\n")
    with dg.DagsterInstance.get() as instance:
        succeeded = [
            _export_day(job, instance, environment, today - timedelta(days=back))
            for back in range(days, 0, -1)
        ]
    return all(succeeded)


def _export_day(
    job: dg.JobDefinition, instance: dg.DagsterInstance, environment: DemoEnvironment, day: date
) -> bool:
    started = time.monotonic()
    result = job.execute_in_process(
        partition_key=day.isoformat(), instance=instance, run_config=_QUIET, raise_on_error=False
    )
    if not result.success:
        failures = {
            event.step_key: _reason(event)
            for event in result.filter_events(lambda event: event.is_step_failure)
        }
        if INTERRUPTED in failures.values():
            raise KeyboardInterrupt
        for step, reason in failures.items():
            click.secho(f"  {day}  {step}: {reason}", fg="red", err=True)
        return False
    materializations = [event.materialization for event in result.get_asset_materialization_events()]
    seconds = time.monotonic() - started
    for materialization in materializations:
        _print_object(materialization, seconds)
    checks = result.get_asset_check_evaluations()
    for check in checks:
        if not check.passed:
            click.secho(
                f"  {day}  check {check.check_name} of {check.asset_key.to_user_string()} failed", fg="red"
            )
    return all(check.passed for check in checks) and _is_complete(environment, day, materializations)


def _print_object(materialization: dg.AssetMaterialization, seconds: float) -> None:
    values: dict[str, Any] = {name: value.value for name, value in materialization.metadata.items()}
    rows = values.get("dagster/partition_row_count", values.get("dagster/row_count", 0))
    click.echo(
        f"  {values['dagster/uri']}  {rows:>9,} rows  {values['bytes_written'] / 2**20:>8.2f} MiB  {seconds:>6.1f} s"
    )


def _is_complete(
    environment: DemoEnvironment, day: date, materializations: Sequence[dg.AssetMaterialization]
) -> bool:
    expected = environment.org.count(day)
    rows = [
        materialization.metadata["dagster/partition_row_count"].value
        for materialization in materializations
        if materialization.asset_key == dg.AssetKey("conversation_details")
    ]
    if rows == [expected]:
        return True
    click.secho(
        f"  {day}  the org has {expected:,} conversations of that day, the lake has {rows}",
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

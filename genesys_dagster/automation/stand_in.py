"""What stands in the place of an org whose settings make no sense: it says so wherever somebody looks."""

import dagster as dg

from genesys_dagster.automation.alerts import alert_sensors
from genesys_dagster.automation.ops import op_job
from genesys_dagster.org.org import Org


def stand_in(org: Org, sentence: str) -> dg.Definitions:
    """One asset and one job, both of which fail with a sentence; the job once a day, so that alerts are sent.

    Args:
        org: Whose settings they are.
        sentence: What is wrong, and what to change.
    """

    @dg.asset(
        key=[*org.prefix_of_keys, "conversation_details"],
        group_name=org.label("genesys_cloud"),
        description=f"**The settings of this org make no sense.** {sentence}",
    )
    def conversation_details() -> None:
        raise dg.Failure(sentence, allow_retries=False)

    def fail(_: dg.OpExecutionContext) -> None:
        raise dg.Failure(sentence, allow_retries=False)

    job = op_job(org, "require_yesterday", fail, f"Fails, because nothing can be exported: {sentence}")
    schedule = dg.ScheduleDefinition(
        name=org.label("require_yesterday_at_deadline"),
        job=job,
        cron_schedule="0 6 * * *",
        default_status=org.schedule_status,
        description="At 06:00 UTC: is yesterday there?",
    )
    return dg.Definitions(
        assets=[conversation_details], jobs=[job], schedules=[schedule], sensors=_alerts(org)
    )


def _alerts(org: Org) -> list[dg.SensorDefinition]:
    try:
        return alert_sensors(org, [])
    except Exception:  # noqa: BLE001 - perhaps it is they that make no sense
        return []

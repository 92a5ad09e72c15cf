"""What the org still keeps: a pull of a day that Genesys Cloud has deleted by its retention setting brings nothing.

The setting is asked for once a day, and only when a day that old is wanted; where that is not permitted, the org's
`retention_days` say it. Unknown means no end but the refresh plan's own.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import dagster as dg

from genesys_dagster.automation import knowledge
from genesys_dagster.extract.background import run_apart
from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import GenesysError, PermissionDeniedError, RequestRejectedError
from genesys_dagster.genesys.retention import retention_days
from genesys_dagster.genesys.settings import ClientSettings
from genesys_dagster.memory.notes import note, recall
from genesys_dagster.memory.wanted.steps import Step
from genesys_dagster.org.org import Org
from genesys_dagster.resources import GenesysResource

_NOTE = "retention"
_REMEMBERED = timedelta(days=1)
_MARGIN = timedelta(days=1)  # when on its last day data is deleted is not documented
# Younger days are asked for without asking how long the org keeps them: the shortest setting is 90 days (Genesys help,
# "Set the maximum interaction data retention time"); the margin is ours.
_SURELY_KEPT = timedelta(days=60)


class Kept(NamedTuple):
    """Those steps whose days the org still keeps, and what to say of the others.

    Attributes:
        steps: In their order.
        words: Why others are left out; empty if none is.
    """

    steps: list[Step]
    words: str


def still_kept(
    instance: dg.DagsterInstance, org: Org, genesys: GenesysResource, steps: Iterable[Step], now: datetime
) -> Kept:
    """Leave out the steps of days that the org has deleted, or will have before a pull ends."""
    all_steps = list(steps)
    shortest = min(_SURELY_KEPT, timedelta(days=org.retention_days or _SURELY_KEPT.days))
    if all(now - org.days.start_of(step.day) < shortest - _MARGIN for step in all_steps):
        return Kept(all_steps, "")
    days = _days(instance, org, genesys, now)
    if days is None:
        return Kept(all_steps, "")
    first = now - timedelta(days=days) + _MARGIN
    kept = [step for step in all_steps if org.days.start_of(step.day) >= first]
    gone = len({step.day for step in all_steps} - {step.day for step in kept})
    words = f"{gone} {'day is' if gone == 1 else 'days are'} older than the {days} days that the org keeps: not asked for"
    return Kept(kept, words if gone else "")


def _days(instance: dg.DagsterInstance, org: Org, genesys: GenesysResource, now: datetime) -> int | None:
    noted = recall(instance, org, _NOTE).get(_NOTE)
    if noted and timedelta(0) <= now - datetime.fromisoformat(noted["asked"]) < _REMEMBERED:
        days: int | None = noted["days"]
    else:
        try:
            days = run_apart(_ask(knowledge.quick(genesys)))
        except (PermissionDeniedError, RequestRejectedError):  # or a gateway that does not pass it on
            days = None
        except GenesysError:  # asked again by the next tick; what is known holds until then
            return (noted["days"] if noted else None) or org.retention_days
        note(instance, org, _NOTE, {"asked": now.isoformat(), "days": days})
    return days or org.retention_days


async def _ask(settings: ClientSettings) -> int | None:
    async with GenesysClient(settings) as client:
        return await retention_days(client)

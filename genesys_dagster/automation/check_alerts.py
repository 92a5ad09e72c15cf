"""Alerts of failed checks: whoever is told of failed runs is told of failed checks of severity ERROR, too.

A check that fails does not fail its run unless it blocks what follows, so that run-failure sensors say nothing of it.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dagster as dg

from genesys_dagster.automation.words import one_line
from genesys_dagster.dagster_private import failed_evaluations

Send = Callable[[str], None]

_PAGE = 25  # failed evaluations of one check; a run's stand where the run began, so a few of the latest are looked at again
_MOST_PAGES = 20
_TOLD = 20  # sentences in one message


def check_alert(name: str, send: Send, keys: Sequence[dg.AssetCheckKey]) -> dg.SensorDefinition:
    """A sensor that tells of failed checks of severity ERROR, each evaluation once.

    Args:
        name: Of the sensor.
        send: Sends one message. If it raises, the next tick sends it again.
        keys: The checks. Not `yesterday_is_there`: the job at the deadline fails with its words, once.
    """

    @dg.sensor(
        name=name,
        minimum_interval_seconds=120,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells in one sentence per day which checks failed with severity ERROR. No API requests.",
    )
    def alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        told, news = _news(context.instance, keys, context.cursor)
        if news:
            more = [f"… and {len(news) - _TOLD} more."] if len(news) > _TOLD else []
            send("\n".join([*news[:_TOLD], *more]))
        return dg.SensorResult(
            skip_reason=dg.SkipReason(f"{len(news)} failed checks were told"), cursor=json.dumps(told)
        )

    return alert


def _news(
    instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey], cursor: str | None
) -> tuple[dict[str, list[int]], list[str]]:
    """What was told by now, ids of evaluations by check; and the sentences to tell, oldest first."""
    told: dict[str, list[int]] = json.loads(cursor) if cursor else {}
    seen: dict[str, list[int]] = {}
    news: list[tuple[int, str]] = []
    for key in keys:
        name = f"{key.asset_key.to_user_string()}:{key.name}"
        before = told.get(name, told.get(key.name))  # by the check's name alone: a cursor of older versions
        failed = list(_failed(instance, key, before))
        seen[name] = [record.id for record in failed][:_PAGE] or before or []
        if before is not None:  # the first tick tells nothing of what lies before it
            new = (record for record in failed if record.id not in before)
            news += [(record.id, text) for record in new if (text := sentence_of(record.evaluation))]
    return seen, [text for _, text in sorted(news)]


def _failed(instance: dg.DagsterInstance, key: dg.AssetCheckKey, before: list[int] | None) -> Iterator[Any]:
    """The failed evaluations of a check, the latest first, down to a page that is known."""
    cursor = None
    for _ in range(_MOST_PAGES):
        page = failed_evaluations(instance, key, _PAGE, cursor)
        yield from page
        if len(page) < _PAGE or before is None or any(record.id in before for record in page):
            return
        cursor = page[-1].id


def sentence_of(evaluation: dg.AssetCheckEvaluation | None) -> str | None:
    """What failed, in one line; None for what is no error, and for the summary of a run over several days."""
    if evaluation is None or evaluation.passed or evaluation.severity is not dg.AssetCheckSeverity.ERROR:
        return None
    if evaluation.partition is None and "partitions" in evaluation.metadata:  # each day has its own
        return None
    what = " ".join(filter(None, [evaluation.asset_key.to_user_string(), evaluation.partition]))
    text = f"The check {evaluation.check_name} of {what} failed: {evaluation.description or 'it gives no reason'}"
    return one_line(text)

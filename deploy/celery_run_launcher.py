"""Runs on Celery workers, and one whose worker is gone is noticed: the run launcher of deploy/dagster.celery.yaml.

Dagster's own (dagster-celery 0.29.27) believes the result backend alone, in which a task that was started stays started
for ever if the whole worker is killed: the run would keep its place in the pool until `max_runtime_seconds`. It is
known (github.com/dagster-io/dagster/pull/33493, open); when that is released, Dagster's own class does.
"""

from typing import Any

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG

_ASKED = 3
_SECONDS = 5.0
_LOST = (
    "No Celery worker has this run any more: its worker was killed, or cannot be reached through the broker. "
    "It is started again (run_retries)."
)


class WatchingCeleryRunLauncher(CeleryRunLauncher):
    """Dagster's Celery run launcher that asks the workers whether they still have a run."""

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """What the result backend says of runs that have ended, what the workers say of all others.

        A broker that does not answer raises, and the run is left alone: Dagster looks again later.
        """
        task = run.tags[DAGSTER_CELERY_TASK_ID_TAG]
        for _ in range(_ASKED):
            health = super().check_run_worker_health(run)
            if health.status in {WorkerStatus.SUCCESS, WorkerStatus.FAILED}:
                return health
            if self._has_a_worker(task):
                return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, _LOST)

    def _has_a_worker(self, task: str) -> bool:
        started: Any = self.celery.AsyncResult(task).info
        # The worker that started it answers at once; if a broker has forgotten which, all are waited for.
        known = [started["hostname"]] if isinstance(started, dict) and "hostname" in started else None
        asked = self.celery.control.inspect(destination=known, timeout=_SECONDS, limit=known and 1)
        answers = asked.query_task(task) or {}
        return any(task in tasks for tasks in answers.values())

"""The app of Celery workers: `celery --app celery_worker worker`. Its settings are the run launcher's in dagster.yaml."""

from dagster import DagsterInstance
from dagster_celery.tasks import create_execute_job_task

with DagsterInstance.get() as instance:
    app = instance.run_launcher.celery  # type: ignore[attr-defined]
create_execute_job_task(app)

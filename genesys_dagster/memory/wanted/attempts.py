"""How often a step was tried: told by the runs that carry it as a tag."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import dagster as dg

from genesys_dagster.memory.wanted.steps import Attempts, Step, Wish
from genesys_dagster.org.org import Org

STEP = "genesys/step"
_AT_ONCE = 200  # databases limit the length of a list


def wishes(instance: dg.DagsterInstance, org: Org, steps: Sequence[Step]) -> list[Wish]:
    """An org's steps with what was tried for them, in their order."""
    runs: dict[str, list[dg.RunRecord]] = defaultdict(list)
    keys = [step_tag(org, step) for step in steps]
    for start in range(0, len(keys), _AT_ONCE):
        wanted = dg.RunsFilter(tags={STEP: keys[start : start + _AT_ONCE]})
        for record in instance.get_run_records(wanted):
            runs[record.dagster_run.tags[STEP]].append(record)
    return [Wish(step, _attempts(runs[key])) for step, key in zip(steps, keys, strict=True)]


def step_tag(org: Org, step: Step) -> str:
    """What a run for a step carries as its tag."""
    return f"{org.name}: {step.key}" if org.name else step.key


def _attempts(runs: Iterable[dg.RunRecord]) -> Attempts:
    ended = sorted((_end(run), run.dagster_run.run_id) for run in runs if run.dagster_run.is_finished)
    under_way = any(not run.dagster_run.is_finished for run in runs)
    if not ended:
        return Attempts(is_under_way=under_way)
    last_end, last_run = ended[-1]
    return Attempts(len(ended), datetime.fromtimestamp(last_end, UTC), last_run, under_way)


def _end(run: dg.RunRecord) -> float:
    return run.end_time or run.update_timestamp.timestamp()

"""What a process imports: with the definitions no data library, in a run what its step needs. Counted, not timed."""

import subprocess
import sys

from genesys_dagster_tests.conftest import DAY

DEFINITIONS = "import genesys_dagster.definitions as it; it.defs"
RUN = f"""
import dagster as dg, genesys_dagster.definitions as it
job = it.defs.resolve_implicit_global_asset_job_def()
with dg.DagsterInstance.ephemeral() as instance:
    key = dg.AssetKey("conversation_details")
    assert job.execute_in_process(partition_key="{DAY}", instance=instance, asset_selection=[key]).success
"""
# Rooms, and parts of rooms, that only other assets, inputs and people need.
OF_OTHERS = ("sandbox", "demo", "doctor", "recovery", "testing", "component", "report.page", "report.window", "sql.engine",
             "sql.origins", "records.user_status", "extract.user_status", "extract.sweep", "lake.lazy_polars",
             "assets.status_of_day")  # fmt: skip


def imported(code, said="*sys.modules"):
    """The modules of a fresh process that has run the code, or what else it says."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport gc, sys; print({said})"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Preview" not in done.stderr  # said in every process, it would help nobody
    return set(done.stdout.split())


def packages(modules):
    """Other people's packages."""
    tops = {name.partition(".")[0] for name in modules} - {"genesys_dagster", "__main__", "__mp_main__"}
    return {name for name in tops if name not in sys.stdlib_module_names and not name.startswith("_")}


def test_the_definitions_import_no_library_that_dagster_does_not_import():
    base = imported("import dagster, dagster_aws")
    ours = imported(DEFINITIONS)
    assert packages(ours) - packages(base) == {"msgspec"}
    assert len(ours - base) < 220


def test_garbage_collections_pass_over_what_was_imported_with_the_definitions():
    (tracked,) = imported(f"{DEFINITIONS}\nimport gc; gc.collect()", "len(gc.get_objects())")
    assert int(tracked) < 10_000


def test_arrow_takes_its_memory_from_the_system_unless_told_otherwise(monkeypatch):
    pool = f"{DEFINITIONS}\nimport pyarrow as pa", "pa.default_memory_pool().backend_name"
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    assert imported(*pool) == {"system"}
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "mimalloc")
    assert imported(*pool) == {"mimalloc"}


def test_a_run_imports_what_its_steps_need(environment):
    run = imported(RUN)
    # pandas by pyarrow itself, whenever it makes a scalar or an array.
    libraries = {"httpx", "pyarrow", "numpy", "pandas", "arro3", "isal", "msgspec"}
    assert libraries <= packages(run)
    unneeded = {"duckdb", "polars", "sqlglot", "plotly", "matplotlib", "moto", "starlette", "uvicorn", "opentelemetry",
                "PureCloudPlatformClientV2", "dagster_slack", "dagster_msteams"}  # fmt: skip
    assert unneeded & (run | packages(run)) == set()
    assert {name for name in OF_OTHERS if f"genesys_dagster.{name}" in run} == set()

"""Every fault of the API at every place of an export: what came of it, judged by what lies in the lake."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from genesys_dagster_tests.records.conversations import as_sent
from genesys_dagster_tests.reliability import exports, faults
from genesys_dagster_tests.reliability import org as orgs
from genesys_dagster_tests.reliability.exports import DETAILS, SWEEP, Bench, Memory, Ran
from genesys_dagster_tests.reliability.memory_s3 import MemoryS3
from genesys_dagster_tests.reliability.outcomes import Outcome, Verdict
from genesys_dagster_tests.reliability.server import ALWAYS, Fault, Plan, Server
from genesys_dagster_tests.reliability.time import Hurried

_LONGEST = 30.0  # s of a cell
_WAITS_FOR_A_PERSON = {"403", "404", "409", "413", "429, Retry-After 43200"}
_REFUSED_LOGIN = {"401", "202 `{}`"}
_OPTIONAL = {"count", "delete"}  # an export can do without


@dataclass(frozen=True)
class Cell:
    """One fault at one place.

    Attributes:
        source: How the day is read: `job`, `query`, `auto` or `sweep`.
        must_recover: Whether a failure would be wrong, too.
    """

    source: str
    place: str
    name: str
    fault: Fault | str
    times: int
    must_recover: bool = False

    def __str__(self) -> str:
        return f"{self.source}, {self.place}, {self.name}, {'always' if self.times == ALWAYS else 'once'}"


ONCE = {
    "job": ("token", "submit", "poll", "results.first", "results.middle", "results.last"),
    "query": ("query.first", "query.middle", "query.last"),
    "sweep": ("submit", "results.first", "results.middle"),
}
PERMANENT = {"job": ("submit", "results.middle"), "query": ("query.middle",)}
# Places at which one fault of each family is enough.
ASIDE_ONCE = {"job": ("availability", "count", "delete"), "query": ("token",), "sweep": ("poll", "delete")}
ASIDE_PERMANENT = {
    "job": ("token", "poll", "count", "delete"),
    "query": ("token",),
    "sweep": ("results.first",),
}
FAMILIES = (
    "connection refused", "reset before the answer", "truncated gzip", "HTML with 200", "`{}`", "401", "403", "429", "503",
)  # fmt: skip


def cells() -> Iterator[Cell]:
    for kind in (faults.WIRE, faults.SLOW):
        for name, fault in kind.items():
            yield from _on_the_wire(name, fault)
    for source in ("job", "sweep"):
        yield from _both(source, ("poll",), faults.JOB_STATES)
        yield from _both(source, ("results.first", "results.middle"), faults.RESULTS)
        yield from _both(source, ("results.first", "results.middle"), faults.PAGES)
    yield from _both("job", ("results.last",), {**faults.PAGES, **_without_lost_cursor()})
    yield from _both("query", ("query.first", "query.middle", "query.last"), faults.PAGES)
    yield from _both("query", ("query.first", "query.middle", "query."), faults.QUERY)
    yield from _both(
        "job", ("count",), {name: fault for name, fault in faults.QUERY.items() if "totalHits" in name}
    )
    yield from _both("auto", ("availability",), {**faults.WATERMARK, "404": faults.WIRE["404"]})
    yield from _both("sweep", ("availability",), faults.WATERMARK)
    yield from _both("job", ("availability",), faults.WATERMARK)


def _without_lost_cursor() -> dict[str, Fault | str]:
    return {name: fault for name, fault in faults.RESULTS.items() if name != "lost cursor"}


def _on_the_wire(name: str, fault: Fault | str) -> Iterator[Cell]:
    every = [(ONCE, 1), (PERMANENT, ALWAYS)]
    some = [(ASIDE_ONCE, 1), (ASIDE_PERMANENT, ALWAYS)] if name in FAMILIES else []
    for where, times in every + some:
        for source, places in where.items():
            for place in places:
                can_do_without = place in _OPTIONAL
                lasting = _WAITS_FOR_A_PERSON | (_REFUSED_LOGIN if place == "token" else set())
                transient = times == 1 and name not in lasting
                yield Cell(source, place, name, fault, times, can_do_without or transient)


def _both(source: str, places: tuple[str, ...], some: dict[str, Fault | str]) -> Iterator[Cell]:
    for place in places:
        for name, fault in some.items():
            yield Cell(source, place, name, fault, 1)
            yield Cell(source, place, name, fault, ALWAYS)


class Ground:
    """An older, fuller version of a source's object, made by the product itself, and what a run must make of it."""

    def __init__(self, source: str, server: Server) -> None:
        self.asset = SWEEP if source == "sweep" else DETAILS
        self.source = "job" if source == "sweep" else source
        self.instance = dg.DagsterInstance.ephemeral()
        self.lake = MemoryS3()
        if source == "sweep":  # else the first sweep makes up for the days before
            self.instance.report_runless_asset_event(
                dg.AssetMaterialization(SWEEP, partition=str(orgs.DAY - timedelta(days=1)))
            )
        server.reset()
        server.api.org = orgs.before()
        self._stand(self.lake)
        self.seeded = exports.run(self.asset, self.instance)
        assert self.seeded.success, self.seeded
        self.before = exports.stored(self.lake, self.asset)
        server.reset()
        self.now = self._expected(server)

    def _stand(self, lake: MemoryS3) -> None:
        Bench.lake, Bench.genesys, Bench.clock = (
            exports.manager(lake),
            exports.resource(self.source),
            Hurried(exports.PATIENCE),
        )

    def run(self) -> tuple[Ran, MemoryS3]:
        lake = self.lake.copy()
        self._stand(lake)
        return exports.run(self.asset, self.instance), lake

    def seed_again(self) -> None:
        """Let the instance know of the stored version only."""
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(self.asset, partition=str(orgs.DAY), metadata=self.seeded.metadata)
        )

    def _expected(self, server: Server) -> pa.Table:
        """The right rows: as the product reads them without faults, proved once against the org's own records."""
        ran, lake = self.run()
        assert ran.success, ran
        table = exports.table(exports.stored(lake, self.asset) or b"")
        assert [as_sent(row) for row in table.to_pylist()] == self._records(server.api.org)
        self.seed_again()
        return table

    def _records(self, org: orgs.Org) -> list[orgs.Record]:
        records = [record for record in org.older if _is_active(record)] if self.asset == SWEEP else org.day
        if self.source == "query":
            records = [orgs.without_attributes(record) for record in records]
        return sorted(records, key=lambda record: record["conversationId"])


def _is_active(record: orgs.Record) -> bool:
    inside = (orgs.instant(orgs.START), orgs.instant(orgs.END))
    return any(inside[0] <= at < inside[1] for at in _instants(record))


def _instants(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in {"conversationEnd", "segmentStart", "emitDate"}:
                yield inner
            else:
                yield from _instants(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _instants(inner)


def try_cell(cell: Cell, ground: Ground, server: Server) -> Verdict:
    """Run one export with one fault and judge what is left of it."""
    plan = server.reset(Plan(cell.place, cell.fault, times=cell.times))
    Bench.timeout = 0.15 if cell.name in faults.SLOW else 10.0
    started = time.monotonic()
    with Memory(ground.instance) as memory:
        ran, lake = ground.run()
        plan.over.set()
        outcome, why = _judge(cell, ground, server, ran, lake, memory)
        memory.forget()
    if time.monotonic() - started > _LONGEST:
        outcome, why = Outcome.WRONG, f"took {time.monotonic() - started:.0f} s"
    if outcome is not Outcome.FAILED:
        ground.seed_again()
    return Verdict(str(cell), cell.name, cell.place, outcome, plan.injected, why)


def _judge(
    cell: Cell, ground: Ground, server: Server, ran: Ran, lake: MemoryS3, memory: Memory
) -> tuple[Outcome, str]:
    wrong = Outcome.WRONG
    if not server.plan.injected:
        return wrong, "the fault never struck"
    if words := ran.fault_of_words():
        return wrong, words
    if lake.pending:
        return wrong, "an upload is left"
    left = [job for job in server.api.left() if job not in server.unknowable and not memory.knows(job)]
    if left:
        return wrong, f"{left} left at the server and not remembered"
    body = exports.stored(lake, ground.asset)
    if not ran.success:
        if body != ground.before:
            return wrong, "the run failed and the object is another"
        if cell.must_recover:
            return wrong, f"not recovered: {ran.message}"
        return Outcome.FAILED, ran.message
    problem = _difference(exports.table(body or b""), ground.now, server)
    return (wrong, problem) if problem else (Outcome.RECOVERED, "")


def _difference(got: pa.Table, expected: pa.Table, server: Server) -> str | None:
    """What is wrong with the rows; those that came or went while they were read may be there or not."""
    if got.equals(expected):
        return None
    ids = got["conversationId"].to_pylist()
    if len(set(ids)) < len(ids):
        return f"{len(ids) - len(set(ids))} conversations doubled"
    moved = {record["conversationId"] for record in (*server.api.vanished, *server.api.appeared)}
    lost = {*expected["conversationId"].to_pylist()} - {*ids} - moved
    if lost:
        return f"{len(lost)} conversations lost"
    keep = [identity not in moved for identity in ids]
    keep_expected = [identity not in moved for identity in expected["conversationId"].to_pylist()]
    same = got.filter(pa.array(keep)).equals(expected.filter(pa.array(keep_expected)))
    return None if same else "other rows than the server has"


SOURCES = ("job", "query", "sweep", "auto")


def run(source: str, wanted: Callable[[Cell], bool] = lambda _: True) -> list[Verdict]:
    """The cells of a source, all of them if not told otherwise."""
    with Server() as server, exports.benched(server):
        ground = Ground(source, server)
        return [try_cell(cell, ground, server) for cell in cells() if cell.source == source and wanted(cell)]

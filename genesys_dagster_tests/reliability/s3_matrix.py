"""Every fault of the store at every call of a write: what came of it, judged by what lies in the bucket."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import botocore.endpoint
import dagster as dg
import numpy as np
import pyarrow as pa
from botocore.config import Config

from genesys_dagster.assets.failures import RETRY_AFTER_OUTAGE
from genesys_dagster.lake import housekeeping, multipart, parquet
from genesys_dagster.lake.errors import LakeError
from genesys_dagster.lake.frames import FrameStream
from genesys_dagster.sandbox.s3 import S3Server
from genesys_dagster_tests.reliability import exports, s3_proxy
from genesys_dagster_tests.reliability.exports import BUCKET, Ran
from genesys_dagster_tests.reliability.outcomes import Outcome, Verdict
from genesys_dagster_tests.reliability.s3_proxy import S3Plan, S3Proxy
from genesys_dagster_tests.reliability.server import Server

ALWAYS = 10**9
DAYS = dg.DailyPartitionsDefinition("2026-05-01", end_date="2026-06-01")
DAY = "2026-05-12"
KEY = f"genesys/rows/date={DAY}/data.parquet"
_PART = 64 * 1024
_TIMEOUT = 0.25  # s that the client waits for an answer where silence is the fault
_LONGEST = 20.0  # s of a cell
_SCHEMA = pa.schema([pa.field("id", pa.int64()), pa.field("value", pa.binary())])
_MANY, _FEW = 300, 20


@dataclass(frozen=True)
class Cell:
    """One fault at one call; the write is small (one Put) or large (parts), or fails by itself so that it aborts."""

    call: str
    fault: str
    times: int

    def __str__(self) -> str:
        return f"{self.call}, {self.fault}, {'always' if self.times == ALWAYS else 'once'}"

    @property
    def is_large(self) -> bool:
        return self.call in {"create", "part", "complete", "abort", "list", "head"}


_ANY_CALL = (
    s3_proxy.REFUSED,
    s3_proxy.RESET,
    s3_proxy.TOO_LATE,
    s3_proxy.SILENT,
    s3_proxy.LOST,
    *s3_proxy.ANSWERS,
)
_BODIES = {
    "put": (s3_proxy.WRONG_CHECKSUM, s3_proxy.FLIPPED, s3_proxy.FRAMED),
    "part": (s3_proxy.WRONG_CHECKSUM, s3_proxy.FLIPPED, s3_proxy.FRAMED),
    "complete": (s3_proxy.WRONG_CHECKSUM,),
    "get": (s3_proxy.TRUNCATED, s3_proxy.FLIPPED, s3_proxy.FRAMED),
}
_NO_SENSE = {("head", s3_proxy.ERROR_IN_200)}  # an answer to HEAD has no body
CALLS = ("put", "create", "part", "complete", "abort", "list", "get", "head")


def cells() -> Iterator[Cell]:
    for call in CALLS:
        for fault in (*_ANY_CALL, *_BODIES.get(call, ())):
            if (call, fault) not in _NO_SENSE:
                yield Cell(call, fault, 1)
                yield Cell(call, fault, ALWAYS)


class Store:
    """moto behind the proxy, the user's IO manager on it, and an older, fuller version of the object."""

    def __init__(self, server: S3Server, proxy: S3Proxy) -> None:
        self.proxy = proxy
        self.instance = dg.DagsterInstance.ephemeral()
        self.session = boto3.Session(
            aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1"
        )
        self.admin = self.session.client("s3", endpoint_url=server.url)
        self.connect_anew()
        self.before: dict[bool, bytes] = {}
        for is_large in (False, True):
            ran = self.run(rows(is_large, "before"), is_large, 20.0)
            assert ran.success, ran
            self.before[is_large] = self.bytes() or b""
            self.clear()

    def connect_anew(self) -> None:
        """New clients, of whose store the lake has learned nothing yet."""
        self.clients = {timeout: self._client(timeout) for timeout in (_TIMEOUT, 20.0)}

    def _client(self, timeout: float) -> Any:
        config = Config(
            read_timeout=timeout,
            connect_timeout=timeout,
            retries={"mode": "standard", "total_max_attempts": 2},
        )
        client = self.session.client("s3", endpoint_url=self.proxy.url, config=config)
        client.meta.events.register("before-send.s3", self.proxy.refuse)
        return client

    def run(self, table: pa.Table, is_large: bool, timeout: float, fails: bool = False) -> Ran:
        manager = exports.manager(self.clients[timeout], rows_per_row_group=50)
        if is_large:
            manager.__dict__["part_size"] = _PART  # smaller than may be configured: quick
        exports.Bench.lake, _Output.table, _Output.fails = manager, table, fails
        result = _job().execute_in_process(
            instance=self.instance, partition_key=DAY, raise_on_error=False, run_config=exports.QUIET
        )
        return exports.outcome(result)

    def bytes(self) -> bytes | None:
        try:
            return self.admin.get_object(Bucket=BUCKET, Key=KEY)["Body"].read()
        except self.admin.exceptions.NoSuchKey:
            return None

    def uploads(self) -> list[Any]:
        return self.admin.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])

    def clear(self) -> None:
        for upload in self.uploads():
            self.admin.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
        self.admin.delete_object(Bucket=BUCKET, Key=KEY)

    def seed(self, is_large: bool) -> None:
        self.clear()
        self.connect_anew()
        self.admin.put_object(Bucket=BUCKET, Key=KEY, Body=self.before[is_large])


class _Output:
    """What the asset returns next."""

    table: pa.Table
    fails: bool = False


def rows(is_large: bool, version: str) -> pa.Table:
    """A few rows, or more than three parts of them; the version before has two more."""
    count = (_MANY if is_large else _FEW) + (2 if version == "before" else 0)
    random = np.random.default_rng(len(version))
    return pa.table({"id": range(count), "value": [random.bytes(1_000) for _ in range(count)]}, _SCHEMA)


@cache
def _job() -> dg.JobDefinition:
    @dg.asset(
        name="rows",
        partitions_def=DAYS,
        io_manager_key="lake",
        metadata={"count_changes_by": "id"},
        retry_policy=RETRY_AFTER_OUTAGE,
    )
    def made() -> dg.Output[Any]:
        return dg.Output(FrameStream(_SCHEMA, _frames()))

    @dg.io_manager
    def lake(_: object) -> Any:
        return exports.Bench.lake

    return dg.Definitions(
        assets=[made],
        resources={"lake": lake},
        jobs=[dg.define_asset_job("one")],
        executor=dg.in_process_executor,
    ).resolve_job_def("one")


def _frames() -> Iterator[pa.Table]:
    table = _Output.table
    for start in range(0, len(table), 50):
        yield table.slice(start, 50)
    if _Output.fails:
        raise dg.Failure("The rows end too early.", allow_retries=False)


@contextmanager
def stores() -> Iterator[Store]:
    """The store for a whole matrix, without botocore's and the abort's pauses."""
    import moto.s3.models

    at_once = SimpleNamespace(sleep=lambda _: None, time=time.time)
    with (
        mock.patch.object(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", 1),
        mock.patch.object(botocore.endpoint, "time", at_once),
        mock.patch.object(multipart, "_ABORT_PAUSES", (0.0, 0.0)),
        mock.patch.object(parquet, "_BYTES_AT_ONCE", _PART),
        S3Server(BUCKET) as server,
        S3Proxy(server.url) as proxy,
    ):
        yield Store(server, proxy)


def try_cell(cell: Cell, store: Store) -> Verdict:
    """Write one version, or clean up, with one fault, and judge what is left."""
    store.seed(cell.is_large)
    plan = store.proxy.reset(S3Plan(cell.call, cell.fault, cell.times))
    waits = cell.fault in {s3_proxy.SILENT, s3_proxy.TOO_LATE}
    started = time.monotonic()
    judge = {"list": _clean_up, "abort": _break_off}.get(cell.call, _write)
    outcome, why = judge(cell, store, _TIMEOUT if waits else 20.0)
    plan.over.set()
    seconds = time.monotonic() - started
    if seconds > _LONGEST:
        outcome, why = Outcome.WRONG, f"took {seconds:.0f} s"
    if not plan.injected:
        outcome, why = Outcome.WRONG, "the fault never struck"
    return Verdict(str(cell), cell.fault, cell.call, outcome, plan.injected, why)


def _write(cell: Cell, store: Store, timeout: float) -> tuple[Outcome, str]:
    new = rows(cell.is_large, "now")
    ran = store.run(new, cell.is_large, timeout)
    store.proxy.reset()
    if words := ran.fault_of_words():
        return Outcome.WRONG, words
    if cell.call == "create" and cell.fault in {s3_proxy.LOST, s3_proxy.TOO_LATE}:
        _sweep_uploads(store, 20.0)  # nobody ever heard its id: only housekeeping can find it
    if store.uploads():
        return Outcome.WRONG, "an upload is left"
    body = store.bytes()
    if ran.success:
        try:
            good = body is not None and exports.pq.read_table(pa.BufferReader(body)).equals(new)
        except pa.ArrowException:
            good = False
        return (
            (Outcome.RECOVERED, "")
            if good
            else (Outcome.WRONG, "the run succeeded and the object is not what was written")
        )
    if body == store.before[cell.is_large]:
        return Outcome.FAILED, ran.message
    if cell.fault in {s3_proxy.FLIPPED, s3_proxy.FRAMED} and cell.times == ALWAYS:
        return Outcome.FOUND, ran.message  # a store that changes what it is given can be found out, not cured
    return Outcome.WRONG, f"the run failed and the object is another: {ran.message}"


def _break_off(cell: Cell, store: Store, timeout: float) -> tuple[Outcome, str]:
    """A write that fails half way: the upload is aborted, or somebody is told of it and housekeeping finds it."""
    with mock.patch.object(multipart.logger, "warning") as told:
        ran = store.run(rows(True, "now"), True, timeout, fails=True)
    store.proxy.reset()
    if ran.success:
        return Outcome.WRONG, "the run succeeded although its rows ended too early"
    if words := ran.fault_of_words():
        return Outcome.WRONG, words
    if store.bytes() != store.before[True]:
        return Outcome.WRONG, "the object is another"
    if not store.uploads():
        return Outcome.RECOVERED, ""
    is_denied = cell.fault == "404 NoSuchUpload"  # the store itself says that there is none
    if not is_denied and "could not be aborted" not in ran.message + str(told.call_args_list):
        return Outcome.WRONG, "an upload is left and nobody was told"
    _sweep_uploads(store, timeout)
    return (Outcome.WRONG, "housekeeping left it") if store.uploads() else (Outcome.FAILED, ran.message)


def _clean_up(cell: Cell, store: Store, timeout: float) -> tuple[Outcome, str]:
    """Housekeeping of an upload that was left behind: it is gone, or one sentence says why not."""
    store.admin.create_multipart_upload(Bucket=BUCKET, Key=KEY)
    try:
        _sweep_uploads(store, timeout)
    except LakeError as error:
        store.proxy.reset()
        ran = Ran(False, str(error))
        words = ran.fault_of_words()
        return (Outcome.WRONG, words) if words else (Outcome.FAILED, ran.message)
    store.proxy.reset()
    return (
        (Outcome.WRONG, "an upload is left, and nobody was told")
        if store.uploads()
        else (Outcome.RECOVERED, "")
    )


def _sweep_uploads(store: Store, timeout: float) -> None:
    client, later = store.clients[timeout], datetime.now(UTC) + timedelta(days=2)
    for upload in housekeeping.stale_uploads(client, BUCKET, "genesys", now=later):
        housekeeping.abort(client, BUCKET, upload)


def run(wanted: Callable[[Cell], bool] = lambda _: True) -> list[Verdict]:
    """The cells, all of them if not told otherwise."""
    with Server() as server, exports.benched(server), stores() as store:
        return [try_cell(cell, store) for cell in cells() if wanted(cell)]

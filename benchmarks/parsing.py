"""Page bytes to typed rows in one thread: the export's decoder beside others. `python -m benchmarks parsing`.

The base of all ratios is the fastest typed parser there is (`parsers.native_reader`) on the same bodies. The
contenders take turns, so that whatever else the machine does hits all alike; ratios are of CPU time, which in one
thread is the time of a machine that has nothing else to do.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pyarrow as pa

from benchmarks import parsers, report
from benchmarks.data import day_of

CONVERSATIONS = 10_000
_CHECKED_CALLS = 3


@dataclass
class _Contender:
    name: str
    parse: parsers.Parser
    calls: Sequence[Sequence[bytes]]
    """The bodies of each call."""
    base: "_Contender | None" = None
    """The native reader on the same bodies; None: this is one."""
    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self) -> None:
        """Parse everything once, one call after another, keeping nothing."""
        wall, cpu = time.perf_counter(), time.process_time()
        rows = sum(self.parse(pages).num_rows for pages in self.calls)
        self.rates.append(rows / (time.perf_counter() - wall))
        self.cpu.append((time.process_time() - cpu) / rows * 1e6)

    def rows(self) -> pa.Table:
        """Rows of the first calls, without the column that only this project has."""
        table = pa.concat_tables([self.parse(pages) for pages in self.calls[:_CHECKED_CALLS]])
        return table.drop_columns([name for name in table.column_names if name == "unknownFields"])


def run(*, rounds: int = 7, quick: bool = False) -> list[dict[str, Any]]:
    """Measure, check that the rows are the same, print and save.

    Returns:
        One row per contender.
    """
    contenders = _contenders(3_000 if quick else CONVERSATIONS)
    rounds = 3 if quick else rounds
    _check(contenders)
    for _ in range(rounds):
        for contender in contenders:
            contender.run()
    rows = [_row(contender) for contender in contenders]
    megabytes = sum(len(body) for call in contenders[0].calls for body in call) / 1e6
    report.show(
        f"Page bytes to typed rows, one thread, {megabytes:.0f} MB of JSON, {rounds} rounds in turn", rows
    )
    report.save("parsing", rows)
    return rows


def _contenders(conversations: int) -> list[_Contender]:
    job = list(day_of(CONVERSATIONS).bodies(conversations // 1_000))
    large = [[body] for body in job]
    query = list(day_of(CONVERSATIONS, "query").bodies(conversations // 100))
    small = [query[start : start + 10] for start in range(0, len(query), 10)]
    drifted = [[_with_unknown_field(body)] for body in job]
    base = _Contender("arro3 read_json, final types", parsers.native_reader, large)
    base_small = _Contender("arro3 read_json, 10 pages of 100 at once", parsers.native_reader, small)
    return [
        base,
        _Contender("ours", parsers.ours, large, base),
        base_small,
        _Contender("ours, 10 pages of 100 at once", parsers.ours, small, base_small),
        _Contender("ours, an unknown field in every record", parsers.ours, drifted, base),
        _Contender("pyarrow.json, without attributes", parsers.pyarrow_json, large, base),
        _Contender("msgspec to dicts to Table.from_pylist", parsers.msgspec_dicts, large, base),
        _Contender("json to dicts to Table.from_pylist", parsers.json_dicts, large, base),
    ]


def _with_unknown_field(body: bytes) -> bytes:
    """The same page after Genesys added a field to sessions: every conversation has at least one."""
    return body.replace(b'"sessions":[{', b'"sessions":[{"addedLater":"yes",')


def _check(contenders: Sequence[_Contender]) -> None:
    """Every contender that keeps all columns must give its base's rows."""
    for contender in contenders:
        if contender.base is None or contender.parse is parsers.pyarrow_json:
            continue
        rows = contender.rows()
        if not rows.equals(contender.base.rows().cast(rows.schema)):
            raise AssertionError(f"{contender.name}: the rows are not those of the base")


def _row(contender: _Contender) -> dict[str, Any]:
    base = contender.base or contender
    return {
        "contender": contender.name,
        "conv/s, best": max(contender.rates),
        "conv/s, median": median(contender.rates),
        "CPU µs/conv": median(contender.cpu),
        "of arro3": median(other / ours for ours, other in zip(contender.cpu, base.cpu, strict=True)),
    }

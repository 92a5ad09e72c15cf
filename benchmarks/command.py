"""The command line: `python -m benchmarks [parsing] [stages] [end-to-end] ...`."""

import argparse
from collections.abc import Callable, Sequence

from benchmarks import (
    agents,
    cluster,
    distance,
    end_to_end,
    figures,
    launch,
    memory,
    parsing,
    stages,
    tables,
    year,
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmarks that are named; whole exports if none is."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.quick and options.docs:
        parser.error("--quick tells whether it works; its figures do not belong into the documentation.")
    for name in options.names or ["end-to-end"]:
        _BENCHMARKS[name](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Speed and memory of the export beside other ways to do it. Results are printed, and kept as JSON "
        "under .benchmarks/results/.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        choices=[*_BENCHMARKS, []],
        metavar="NAME",
        help=f"of {', '.join(_BENCHMARKS)} (default: end-to-end)",
    )
    parser.add_argument(
        "--sizes",
        type=lambda text: [int(size) for size in text.split(",")],
        help="conversations per day in end-to-end, tables and memory (default: 10000,50000,200000; in memory 200000,1000000)",
    )
    parser.add_argument("--limit", type=int, default=512, help="in memory, the limit in MiB (default: 512)")
    parser.add_argument(
        "--days", type=int, default=10, help="in year, days to measure with a run each (default: 10)"
    )
    parser.add_argument("--rounds", type=int, default=None, help="turns that each contender takes")
    parser.add_argument("--quick", action="store_true", help="little data, few rounds: does it work?")
    parser.add_argument("--docs", action="store_true", help="put the tables into docs/benchmarks.md")
    parser.add_argument(
        "--tutorial-at-any-size",
        action="store_true",
        help="in end-to-end, run the tutorial also above 50,000 conversations (200,000: 9 GB of memory)",
    )
    return parser


def _parsing(options: argparse.Namespace) -> object:
    return parsing.run(rounds=options.rounds or 7, quick=options.quick)


def _stages(options: argparse.Namespace) -> object:
    return stages.run(rounds=options.rounds or 3, quick=options.quick)


def _end_to_end(options: argparse.Namespace) -> object:
    return end_to_end.run(
        options.sizes or end_to_end.SIZES,
        rounds=options.rounds or 3,
        quick=options.quick,
        tutorial_at_any_size=options.tutorial_at_any_size,
        docs=options.docs,
    )


def _tables(options: argparse.Namespace) -> object:
    return tables.run(options.sizes or tables.SIZES, rounds=options.rounds or 3, quick=options.quick)


def _distance(options: argparse.Namespace) -> object:
    return distance.run(quick=options.quick, docs=options.docs)


def _launch(options: argparse.Namespace) -> object:
    return launch.run(rounds=1 if options.quick else options.rounds or 3)


def _agents(options: argparse.Namespace) -> object:
    return agents.run(quick=options.quick)


def _memory(options: argparse.Namespace) -> object:
    sizes = options.sizes or memory.SIZES
    return memory.run(sizes, limit=options.limit, quick=options.quick, docs=options.docs)


def _year(options: argparse.Namespace) -> object:
    return year.run(days=options.days, quick=options.quick, docs=options.docs)


def _figures(options: argparse.Namespace) -> object:
    return figures.run(options.sizes or figures.SIZES, quick=options.quick, docs=options.docs)


def _cluster(options: argparse.Namespace) -> object:
    return cluster.run(days=6 if options.quick else 30)


_BENCHMARKS: dict[str, Callable[[argparse.Namespace], object]] = {
    "parsing": _parsing,
    "stages": _stages,
    "end-to-end": _end_to_end,
    "tables": _tables,
    "distance": _distance,
    "launch": _launch,
    "agents": _agents,
    "figures": _figures,
    "memory": _memory,
    "year": _year,
    "cluster": _cluster,
}

"""What a run of the demo wrote, as lines on the terminal."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import click
import dagster as dg

from genesys_dagster.memory.pulls import CONVERSATIONS, USER_STATUS

_FROM_GENESYS_CLOUD = {dg.AssetKey(name) for family in (CONVERSATIONS, USER_STATUS) for name in family.writes}


@dataclass(frozen=True, slots=True)
class _Object:
    """One object in the lake; the rows of what is no table are unknown."""

    uri: str
    rows: int | None
    size: int
    seconds: float


def print_objects(materializations: Iterable[dg.AssetMaterialization], *, of_a_day: bool) -> None:
    """Print a line per object; of a day's objects those from Genesys Cloud, and one line for all made of them."""
    made = []
    for materialization in materializations:
        written = _object(materialization)
        if written is None:
            continue
        if of_a_day and materialization.asset_key not in _FROM_GENESYS_CLOUD:
            made.append(written)
        else:
            _print(written)
    if made:
        _print(
            _Object(
                f"  and {len(made)} tables and figures made of them",
                sum(each.rows or 0 for each in made),
                sum(each.size for each in made),
                sum(each.seconds for each in made),
            )
        )


def _object(materialization: dg.AssetMaterialization) -> _Object | None:
    values: dict[str, Any] = {name: value.value for name, value in materialization.metadata.items()}
    if "dagster/uri" not in values:  # an asset that stores nothing
        return None
    rows = values.get("dagster/partition_row_count", values.get("dagster/row_count"))
    return _Object(values["dagster/uri"], rows, values["bytes_written"], values.get("duration", 0.0))


def _print(written: _Object) -> None:
    rows = "" if written.rows is None else f"{written.rows:,} rows"
    seconds = f"{written.seconds:>7.1f} s" if written.seconds else ""
    click.echo(f"  {written.uri:<79}{rows:>14}{written.size / 2**20:>9.2f} MiB{seconds}")

"""What is kept aside of a record: the text of its `unknownFields`, and how the paths in it are written."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_POSITION = re.compile(r"\[\d+\]")


class Asides:
    """The values kept aside of some records, in the order of the records."""

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        """Per record a JSON object, path to value; None where nothing was kept aside."""
        self.paths: Counter[str] = Counter()
        """Path without positions to the number of values kept aside."""

    def add(self, aside: Mapping[str, Any]) -> None:
        """Append what was kept aside of the next record: path to value."""
        self.texts.append(_json_text(dict(sorted(aside.items()))) if aside else None)
        self.paths.update(map(without_positions, aside))


def member_path(path: str, name: str) -> str:
    """The path of an object's member: `a.b`, or `a["b.c"]` where the name would not read as one step."""
    if not name.isidentifier():
        return f"{path}[{json.dumps(name)}]"
    return f"{path}.{name}" if path else name


@lru_cache(4096)  # the same few paths in record after record
def without_positions(path: str) -> str:
    """`participants[].purpose` of `participants[0].purpose`."""
    return _POSITION.sub("[]", path)


def _json_text(aside: Mapping[str, Any]) -> str:
    try:
        return _ENCODER.encode(aside).decode()
    except UnicodeEncodeError:  # lone surrogates stay escaped
        return json.dumps(aside, default=float)

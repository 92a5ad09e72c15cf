"""Reference data as an input: names are good to have, so its absence leaves them out and holds nothing up."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from genesys_dagster.lazy import ds
from genesys_dagster.records.reference import ENTITIES

if TYPE_CHECKING:
    from genesys_dagster.sql.engine import Source

_log = logging.getLogger(__name__)


def or_nothing(snapshot: ds.Dataset | None, name: str, columns: Sequence[str]) -> Source:
    """The reference data; nothing while there is none, so that figures come without names instead of not at all."""
    if snapshot is not None:
        return snapshot
    _log.warning("There is no snapshot of %s, so names are left out: materialize it, then this again.", name)
    return ENTITIES[name].schema.empty_table().select(columns)

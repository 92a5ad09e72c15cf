"""What automation notes in the instance for others to read: the list of what is wanted, and from which day it cares.

Kept in the instance's key-value store, an org's apart from all others, as the cursors of sensors can be read by nobody but them. A store that fails
costs the list, never an export: the log says so.
"""

import json
import logging
from typing import Any

import dagster as dg

from genesys_dagster.dagster_private import note_values, recall_values
from genesys_dagster.org.org import Org

_log = logging.getLogger(__name__)

CARE_SINCE = "care_since"
"""Name of the note from which day on automation takes care."""


def recall(instance: dg.DagsterInstance, org: Org, *names: str) -> dict[str, Any]:
    """What was noted under some names; those without a note are left out."""
    keys = {_key(org, name): name for name in names}
    try:
        values = recall_values(instance, keys)
        return {keys[key]: json.loads(text) for key, text in values.items() if text}
    except Exception:  # noqa: BLE001 - whatever a store may raise
        _log.warning("the instance does not tell what automation has noted", exc_info=True)
        return {}


def note(instance: dg.DagsterInstance, org: Org, name: str, value: Any) -> bool:
    """Notes a value that JSON can hold in the place of what stands there; returns whether that was something else."""
    if recall(instance, org, name).get(name) == value:
        return False
    try:
        note_values(instance, {_key(org, name): json.dumps(value, separators=(",", ":"))})
    except Exception:  # noqa: BLE001 - whatever a store may raise
        _log.warning("the instance does not remember what automation notes", exc_info=True)
        return False
    return True


def _key(org: Org, name: str) -> str:
    return f"genesys_dagster/{org.folder}wanted/{name}"

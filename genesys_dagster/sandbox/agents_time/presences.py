"""Presence definitions: the system's, the same in every org, and the org's own (secondary) ones."""

from typing import Any, NamedTuple

from genesys_dagster.sandbox.dice import Dice, seed_for
from genesys_dagster.sandbox.directory import Directory
from genesys_dagster.sandbox.times import from_iso

Entity = dict[str, Any]

_NAMES = {
    "AVAILABLE": "Available", "AWAY": "Away", "BREAK": "Break", "BUSY": "Busy", "IDLE": "Idle", "MEAL": "Meal",
    "MEETING": "Meeting", "OFFLINE": "Offline", "ON_QUEUE": "OnQueue", "TRAINING": "Training",
}  # fmt: skip
# Seen in unrelated orgs (GenesysCloudBlueprints, "Generate Analytics Detailed Record Metrics", and others' pasted
# responses); the other ids are made up.
_KNOWN = {
    "AVAILABLE": "6a3af858-942f-489d-9700-5f9bcdcdae9b",
    "OFFLINE": "ccf3c10a-aa2c-4845-8e8d-f59fa48c58e5",
}

RETIRED_AT = from_iso("2026-05-11T00:00:00Z")
"""When one of the secondary definitions was deactivated; older periods still name it."""


class Presence(NamedTuple):
    """What a user set: system presence and the id of the definition, system or secondary."""

    system: str
    definition_id: str


def _system(name: str) -> Presence:
    return Presence(name, _KNOWN.get(name) or Dice(seed_for("system presence", name)).uuid())


SYSTEM = {name: _system(name) for name in _NAMES}


class Presences:
    """The definitions of an org.

    Attributes:
        coffee: Secondary, under BREAK.
        short: Secondary, under BREAK, deactivated at `RETIRED_AT`.
        briefing: Secondary, under MEETING, of one division.
        paperwork: Secondary, under BUSY, with labels but no name.
    """

    def __init__(self, directory: Directory) -> None:
        dice = Dice(seed_for("secondary presences", directory.org_id))
        self._division = directory.divisions[1]["id"]
        self.coffee = Presence("BREAK", dice.uuid())
        self.short = Presence("BREAK", dice.uuid())
        self.briefing = Presence("MEETING", dice.uuid())
        self.paperwork = Presence("BUSY", dice.uuid())

    @property
    def all(self) -> list[Presence]:
        """System and secondary ones."""
        return [*SYSTEM.values(), self.coffee, self.short, self.briefing, self.paperwork]

    def of_break(self, at: int) -> Presence:
        """The secondary presence of a short break at a moment (ms)."""
        return self.short if at < RETIRED_AT else self.coffee

    def entities(self, now: int) -> list[Entity]:
        """The definitions as the API lists them (SDK 269 models/organization_presence_definition.py)."""
        return [
            *(
                _entity(presence, name, {"en_US": _label(name)}, kind="System")
                for name, presence in zip(_NAMES.values(), SYSTEM.values(), strict=True)
            ),
            _entity(self.coffee, "Coffee", {"en_US": "Coffee", "de": "Kaffeepause"}),
            _entity(self.short, "Short break", {"en_US": "Short break"}, deactivated=now >= RETIRED_AT),
            _entity(self.briefing, "Briefing", {"en_US": "Briefing"}, division=self._division),
            # `name` can be empty; labels are then all there is (laggyzee/genesys-mcp v1.13.1).
            _entity(self.paperwork, "", {"de": "Nachbearbeitung", "en_US": "Paperwork"}),
        ]


def _label(name: str) -> str:
    return "On Queue" if name == "OnQueue" else name


def _entity(  # noqa: PLR0913 - keywords
    presence: Presence,
    name: str,
    labels: dict[str, str],
    *,
    kind: str = "User",
    division: str = "*",
    deactivated: bool = False,
) -> Entity:
    return {
        "id": presence.definition_id,
        "name": name,
        "type": kind,
        "languageLabels": labels,
        # Spelled otherwise than in status records (SDK 269: the enum of each model).
        "systemPresence": _NAMES[presence.system],
        "divisionId": division,
        "deactivated": deactivated,
        "selfUri": f"/api/v2/presence/definitions/{presence.definition_id}",
    }

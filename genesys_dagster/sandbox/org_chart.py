"""Flows, groups and teams of the org as the API lists them; made from what conversations refer to."""

from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.dice import Dice, seed_for
from genesys_dagster.sandbox.directory import Directory, Entity, Flow
from genesys_dagster.sandbox.times import DAY, from_iso, iso

_FOUNDED = from_iso("2024-02-05T08:00:00Z")


def flows(directory: Directory) -> list[Entity]:
    """Architect flows (SDK 269 models/flow.py), among them one that was deleted."""
    queues = {queue.id: queue for queues in directory.by_medium.values() for queue in queues}
    home = directory.divisions[0]
    divisions = {division["id"]: division for division in directory.divisions}
    entities = [_flow(queue.flow, divisions[queue.division_id]) for queue in queues.values()]
    entities += [_flow(flow, home) for flow in (directory.bot_flow, directory.survey_flow)]
    retired = Flow(Dice(seed_for("flow", directory.org_id)).uuid(), "Old entry", "INBOUNDCALL", "3.0", ())
    return [*entities, _flow(retired, home) | {"active": False, "deleted": True}]


def groups(directory: Directory) -> list[Entity]:
    """Groups of users (SDK 269 models/group.py)."""
    dice = Dice(seed_for("groups", directory.org_id))
    return [
        {
            "id": (group_id := dice.uuid()),
            "name": name,
            "description": f"All of {name}",
            "dateModified": iso(_FOUNDED + dice.between(0, 400 * DAY)),
            "memberCount": dice.between(3, len(directory.agents)),
            "state": "active",
            "version": dice.between(1, 9),
            "type": "official",
            "rulesVisible": True,
            "visibility": "public",
            "selfUri": f"/api/v2/groups/{group_id}",
        }
        for name in names.GROUPS
    ]


def teams(directory: Directory) -> list[Entity]:
    """Teams of agents (SDK 269 models/team.py)."""
    dice = Dice(seed_for("teams", directory.org_id))
    return [
        {
            "id": team_id,
            "name": name,
            "division": {key: directory.divisions[0][key] for key in ("id", "name", "selfUri")},
            "dateCreated": iso(_FOUNDED),
            "dateModified": iso(_FOUNDED + dice.between(0, 400 * DAY)),
            "memberCount": sum(agent.team_id == team_id for agent in directory.agents),
            "selfUri": f"/api/v2/teams/{team_id}",
        }
        for name, team_id in zip(names.TEAMS, directory.team_ids, strict=True)
    ]


def _flow(flow: Flow, division: Entity) -> Entity:
    version = {
        "id": flow.version,
        "commitVersion": flow.version,
        "selfUri": f"/api/v2/flows/{flow.id}/versions",
    }
    return {
        "id": flow.id,
        "name": flow.name,
        "division": {key: division[key] for key in ("id", "name", "selfUri")},
        "type": flow.type,
        "active": True,
        "system": False,
        "deleted": False,
        "publishedVersion": version,
        "supportedLanguages": [{"language": "en-us", "isDefault": True}],
        "selfUri": f"/api/v2/flows/{flow.id}",
    }

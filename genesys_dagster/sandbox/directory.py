"""The org's reference entities: divisions, queues, users, wrap-up codes, skills, languages, flows.

`Directory` keeps them twice: as the API lists them (`listings`) and in the light form that conversations
are made from (`Queue`, `Agent`, `Flow`).
"""

from dataclasses import dataclass
from typing import Any

from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.dice import Dice, seed_for
from genesys_dagster.sandbox.times import DAY, SECOND, from_iso, iso

Entity = dict[str, Any]

_OPENED = from_iso("2024-02-05T08:00:00Z")
_CONVERSATIONS_PER_AGENT = 22  # of a busy day; gives believable handling times per shift
_MIN_AGENTS = 24

ALERTING = 30 * SECOND
"""How long an agent is alerted before the conversation goes to another one (ms)."""

# Seconds within which 80 % shall be answered where a queue has no target of its own: a callback need not be called
# back at once, an e-mail is answered within the day.
_TARGETS = {"call": 20, "callback": 1_800, "chat": 30, "email": 86_400, "message": 60}


@dataclass(frozen=True, slots=True)
class Agent:
    """A user who takes conversations."""

    id: str
    name: str
    team_id: str
    division_id: str
    station: str


@dataclass(frozen=True, slots=True)
class Flow:
    """An Architect flow."""

    id: str
    name: str
    type: str
    version: str
    outcome_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, its members and within which time (ms) it is to answer, by name in `mediaSettings`."""

    id: str
    name: str
    division_id: str
    media: tuple[str, ...]
    share: int
    members: tuple[Agent, ...]
    wrapup_codes: tuple[str, ...]
    skill_ids: tuple[str, ...]
    language_id: str
    language: str
    targets: dict[str, int]
    flow: Flow
    address: str

    def target(self, medium: str) -> int:
        """Within which time (ms) conversations of a medium are to be answered."""
        return self.targets["call" if medium == "voice" else medium]


class Directory:
    """All reference entities of an org, the same for the same seed and size.

    Args:
        seed: The org's seed.
        conversations_per_day: Volume of a busy weekday; the number of agents follows from it.
        agents: The number of agents, if it shall not.

    Attributes:
        office_user: The id of a user who is in no queue.
        absent_user: The id of one who is, and at times away for fifty days.
        silent_user: The id of one who never logged in.
    """

    def __init__(self, seed: int, conversations_per_day: int, agents: int | None = None) -> None:
        self._dice = Dice(seed_for("directory", seed))
        self.org_id = self._dice.uuid()
        self.divisions = [self._division(name, text) for name, text in names.DIVISIONS]
        self._division_ids = {division["name"]: division["id"] for division in self.divisions}
        self.skills = [
            self._named(name, "routing/skills", state="active", version="1") for name in names.SKILLS
        ]
        self.languages = [
            self._named(name, "routing/languages", state="active", version="1") for name in names.LANGUAGES
        ]
        self.wrapup_codes = [self._wrapup_code(name) for name in names.WRAPUP_CODES]
        self.team_ids = tuple(self._dice.uuid() for _ in names.TEAMS)
        self.users: list[Entity] = []
        self.agents = self._hire(
            agents or max(_MIN_AGENTS, conversations_per_day // _CONVERSATIONS_PER_AGENT)
        )
        self.queues: list[Entity] = []
        self.by_medium: dict[str, list[Queue]] = {}
        self._open_queues()
        others = Dice(seed_for("users in no queue", seed))
        self.office_user, self.absent_user, self.silent_user = (self._add_user(others) for _ in range(3))
        self._finish_divisions()
        self.campaign_ids = tuple(self._dice.uuid() for _ in range(3))
        self.contact_list_ids = tuple(self._dice.uuid() for _ in range(3))
        self.script_ids = tuple(self._dice.uuid() for _ in range(5))
        self.edge_ids = tuple(self._dice.uuid() for _ in range(4))
        self.evaluation_forms = tuple((name, *self._ids(2)) for name in names.EVALUATION_FORMS)
        self.survey_forms = tuple((name, *self._ids(2)) for name in names.SURVEY_FORMS)
        self.knowledge_base_ids = self._ids(2)
        self.bot_flow = self._flow("Virtual assistant", "DIGITALBOT")
        self.survey_flow = self._flow("Voice survey", "VOICESURVEY")

    def queue_for(self, medium: str, dice: Dice) -> Queue:
        """Draw a queue of a medium by its share of the volume."""
        queues = self.by_medium[medium]
        left = dice.random() * sum(queue.share for queue in queues)
        for queue in queues:
            left -= queue.share
            if left < 0:
                return queue
        return queues[-1]

    def _ids(self, count: int) -> tuple[str, ...]:
        return tuple(self._dice.uuid() for _ in range(count))

    def _named(self, name: str, path: str, **fields: object) -> Entity:
        entity_id = self._dice.uuid()
        entity: Entity = {"id": entity_id, "name": name, **fields}
        entity["dateModified"] = iso(_OPENED + self._dice.between(0, 400 * DAY))
        entity["selfUri"] = f"/api/v2/{path}/{entity_id}"
        return entity

    def _division(self, name: str, text: str) -> Entity:
        division_id = self._dice.uuid()
        return {
            "id": division_id,
            "name": name,
            "description": text,
            "homeDivision": name == "Home",
            "objectCounts": {},
            "selfUri": f"/api/v2/authorization/divisions/{division_id}",
        }

    def _reference(self, name: str) -> Entity:
        division_id = self._division_ids[name]
        return {"id": division_id, "name": name, "selfUri": f"/api/v2/authorization/divisions/{division_id}"}

    def _wrapup_code(self, name: str) -> Entity:
        entity = self._named(name, "routing/wrapupcodes", division=self._reference("Home"))
        entity["dateCreated"] = iso(_OPENED)
        entity["createdBy"] = self._dice.uuid()
        return entity

    def _hire(self, count: int) -> tuple[Agent, ...]:
        agents = []
        taken: dict[str, int] = {}
        for number in range(count):
            name = names.person(self._dice)
            taken[name] = taken.get(name, 0) + 1
            if taken[name] > 1:
                name = f"{name} {taken[name]}"
            division = names.DIVISIONS[number % 3][0]
            user_id = self._dice.uuid()
            # Listings leave out inactive and deleted users unless asked for with state=any.
            state = "active" if number % 17 else ("inactive" if number % 2 else "deleted")
            self.users.append(self._user(self._dice, user_id, name, division, state))
            agents.append(
                Agent(
                    id=user_id,
                    name=name,
                    team_id=self.team_ids[number % len(self.team_ids)],
                    division_id=self._division_ids[division],
                    station=f"sip:{self._dice.hex(24)}+sandbox.example.com;tgrp={self._dice.uuid()}",
                )
            )
        return tuple(agents)

    def _add_user(self, dice: Dice) -> str:
        user_id = dice.uuid()
        self.users.append(
            self._user(dice, user_id, f"{names.person(dice)} (office)", "Back Office", "active")
        )
        return user_id

    def _user(self, dice: Dice, user_id: str, name: str, division: str, state: str) -> Entity:
        mail = names.mail_address(name)
        return {
            "id": user_id,
            "name": name,
            "division": self._reference(division),
            "chat": {"jabberId": f"{dice.hex(24)}@sandbox.orgspan.com"},
            "department": "Customer Service",
            "email": mail,
            "primaryContactInfo": [{"address": mail, "mediaType": "EMAIL", "type": "PRIMARY"}],
            "addresses": [],
            "state": state,
            "title": "Agent",
            "username": mail,
            "version": dice.between(1, 40),
            "acdAutoAnswer": dice.chance(0.2),
            "selfUri": f"/api/v2/users/{user_id}",
        }

    def _flow(self, name: str, kind: str) -> Flow:
        return Flow(self._dice.uuid(), name, kind, f"{self._dice.between(1, 60)}.0", self._ids(3))

    def _open_queues(self) -> None:
        flow_types = {"voice": "INBOUNDCALL", "outbound": "OUTBOUNDCALL", "chat": "INBOUNDCHAT"}
        flow_types |= {"email": "INBOUNDEMAIL", "message": "INBOUNDSHORTMESSAGE"}
        skills = {skill["name"]: skill["id"] for skill in self.skills}
        languages = {language["name"]: language["id"] for language in self.languages}
        codes = [code["id"] for code in self.wrapup_codes]
        members = max(8, len(self.agents) // 3)
        for number, (name, media, division, skill, language, seconds, share) in enumerate(names.QUEUES):
            first = number * len(self.agents) // len(names.QUEUES)
            queue = Queue(
                id=self._dice.uuid(),
                name=name,
                division_id=self._division_ids[division],
                media=media,
                share=share,
                members=tuple(self.agents[(first + step) % len(self.agents)] for step in range(members)),
                wrapup_codes=tuple(codes[(number + step) % len(codes)] for step in range(9)),
                skill_ids=(skills[skill],),
                language_id=languages[language],
                language="de-de" if language == "German" else "en-us",
                targets=_targets(media[0], seconds),
                flow=self._flow(f"{name} entry", flow_types[media[0]]),
                address=names.mail_address(name) if media == ("email",) else names.phone(self._dice),
            )
            for medium in media:
                self.by_medium.setdefault(medium, []).append(queue)
            self.queues.append(self._queue_entity(queue, division))

    def _queue_entity(self, queue: Queue, division: str) -> Entity:
        return {
            "id": queue.id,
            "name": queue.name,
            "division": self._reference(division),
            "dateCreated": iso(_OPENED),
            "dateModified": iso(_OPENED + self._dice.between(0, 400 * DAY)),
            "createdBy": self._dice.uuid(),
            "modifiedBy": self._dice.uuid(),
            "memberCount": len(queue.members),
            "userMemberCount": len(queue.members),
            "joinedMemberCount": len(queue.members),
            "mediaSettings": {
                medium: {
                    "alertingTimeoutSeconds": ALERTING // SECOND,
                    "serviceLevel": {"percentage": 0.8, "durationMs": target},
                }
                for medium, target in queue.targets.items()
            },
            "acwSettings": {"wrapupPrompt": "MANDATORY_TIMEOUT", "timeoutMs": 90 * SECOND},
            "skillEvaluationMethod": "ALL",
            "autoAnswerOnly": False,
            "enableTranscription": True,
            "enableManualAssignment": False,
            "selfUri": f"/api/v2/routing/queues/{queue.id}",
        }

    def _finish_divisions(self) -> None:
        for division in self.divisions:
            for kind, entities in (("QUEUE", self.queues), ("USER", self.users)):
                count = sum(entity["division"]["id"] == division["id"] for entity in entities)
                division["objectCounts"][kind] = count


def _targets(medium: str, seconds: int) -> dict[str, int]:
    """Times to answer (ms) of a queue whose first medium has a target of its own."""
    name = {"voice": "call", "outbound": "call"}.get(medium, medium)
    return {each: default * SECOND for each, default in _TARGETS.items()} | {name: seconds * SECOND}

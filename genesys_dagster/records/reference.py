"""What a reference entity (user, queue, wrap-up code, …) is: its columns, and a JSON object as a row of them.

Names are those of the tables (snake_case). What the columns do not hold is kept as JSON in `unknown_fields`, contact
data of users excepted, which the analyses do not need.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from genesys_dagster.lazy import pa
from genesys_dagster.records.field import (
    BOOLEAN,
    TIMESTAMP,
    WHOLE,
    Columns,
    Field,
    Kind,
    choice,
    count,
    flag,
    reference,
    text,
    timestamp,
)
from genesys_dagster.records.instants import milliseconds

Json = Mapping[str, Any]

# Addresses of the API itself, and counts that change with every call.
_LEFT_OUT_EVERYWHERE = frozenset({"selfUri", "objectCounts"})
# SDK 269 models/user.py: addresses, pictures and whereabouts of a person; the name is enough to name an id.
_CONTACT_DATA = frozenset(
    {
        "email", "username", "chat", "primaryContactInfo", "addresses", "images", "biography", "employerInfo",
        "geolocation", "station", "presence", "integrationPresence", "routingStatus", "conversationSummary",
        "outOfOffice", "dateLastLogin", "lastTokenIssued",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """A column and where its value stands in the entity.

    Attributes:
        field: Name, type and documentation.
        path: Keys that lead to the value.
        spelt: How a text is written here.
    """

    field: Field
    path: tuple[str, ...]
    spelt: Callable[[str], str] = str


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of reference entity.

    Attributes:
        columns: Its columns, `id` first.
        left_out: Keys whose values are not kept at all.
    """

    columns: Sequence[Column]
    left_out: frozenset[str] = field(default=_LEFT_OUT_EVERYWHERE)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema; `unknown_fields` is the last column."""
        return Columns([*(column.field for column in self.columns), _UNKNOWN]).schema

    def table(self, entities: Iterable[Json]) -> pa.Table:
        """Bring entities into the schema, in order of their ids so that equal entities make equal tables."""
        rows = sorted((self._row(entity) for entity in entities), key=lambda row: str(row["id"]))
        return pa.Table.from_pylist(rows, schema=self.schema)

    def _row(self, entity: Json) -> dict[str, Any]:
        row: dict[str, Any] = {}
        held: set[tuple[str, ...]] = set()
        for column in self.columns:
            value = _value(entity, column.path)
            typed = _typed(value, column.field.type)
            row[column.field.name] = column.spelt(typed) if isinstance(typed, str) else typed
            if typed is not None or value is None:
                held.add(column.path)
        rest = self._rest(entity, held)
        row[_UNKNOWN.name] = json.dumps(rest, ensure_ascii=False, sort_keys=True) if rest else None
        return row

    def _rest(self, entity: Json, held: Collection[tuple[str, ...]]) -> dict[str, Any]:
        """What the columns do not hold."""
        rest: dict[str, Any] = {}
        opened = {path[0] for path in held if len(path) == 2}
        for key, value in entity.items():
            if (key,) in held or key in self.left_out:
                continue
            if key not in opened or not isinstance(value, Mapping):
                rest[key] = value
            elif inner := {
                name: of_it
                for name, of_it in value.items()
                if (key, name) not in held and name not in _LEFT_OUT_EVERYWHERE
            }:
                rest[key] = inner
        return rest


_UNKNOWN = text(
    "unknown_fields", "JSON object of everything else that the entity has, as it was sent.", personal=True
)


def _value(entity: Json, path: Sequence[str]) -> Any:
    value: Any = entity
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _typed(value: Any, kind: Kind) -> Any:
    """The value if it has the column's type, else None: it then stays in `unknown_fields`."""
    if kind == TIMESTAMP:
        return _instant(value)
    if kind == BOOLEAN:
        return value if isinstance(value, bool) else None
    if kind == WHOLE:
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    return value if isinstance(value, str) else None


def _instant(value: Any) -> int | None:
    read = milliseconds(value) if isinstance(value, str) else None
    return read.value if read and read.is_exact else None


def _column(field_: Field, *path: str) -> Column:
    return Column(field_, path)


def _in_capitals(text_: str) -> str:
    """`OnQueue`, as definitions have it, as `ON_QUEUE`, as analytics has it."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", text_).upper()


def _id(what: str) -> Column:
    return _column(text("id", f"Id of the {what}, as conversation records name it.").required(), "id")


_DIVISION = (
    _column(reference("division_id", "Division to which it belongs, by id."), "division", "id"),
    _column(text("division_name", "Name of that division."), "division", "name"),
)
_DESCRIPTION = _column(text("description", "What its administrators wrote about it."), "description")
_CREATED = _column(timestamp("date_created", "When it was created."), "dateCreated")
_MODIFIED = _column(timestamp("date_modified", "When it was last changed."), "dateModified")
_STATE = _column(choice("state", "State: active, inactive or deleted."), "state")
_MEMBERS = _column(count("member_count", "Number of members."), "memberCount")


def _named(what: str, name: str, *, personal: bool = False) -> tuple[Column, Column]:
    return _id(what), _column(text("name", name, personal=personal), "name")


# Source of names and meanings: Genesys Cloud SDK 269, models/user.py, queue.py, wrapup_code.py, authz_division.py,
# routing_skill.py, language.py, flow.py, group.py, team.py, organization_presence_definition.py.
ENTITIES: Mapping[str, Entity] = {
    "users": Entity(
        (
            *_named("user", "Name of the user.", personal=True),
            _STATE,
            *_DIVISION,
            _column(text("title", "Job title.", personal=True), "title"),
            _column(choice("department", "Department in which the user works."), "department"),
            _column(text("manager_id", "User who is the manager, by id."), "manager", "id"),
            _column(
                flag("acd_auto_answer", "Whether queue conversations are answered by themselves."),
                "acdAutoAnswer",
            ),
            _column(count("version", "Number of the user's version, one more with each change."), "version"),
        ),
        left_out=_LEFT_OUT_EVERYWHERE | _CONTACT_DATA,
    ),
    "queues": Entity(
        (
            *_named("queue", "Name of the queue."),
            *_DIVISION,
            _DESCRIPTION,
            _MEMBERS,
            _column(
                choice(
                    "skill_evaluation_method", "How skills narrow the choice of agents: NONE, BEST or ALL."
                ),
                "skillEvaluationMethod",
            ),
            _CREATED,
            _MODIFIED,
        )
    ),
    "wrapup_codes": Entity(
        (*_named("wrap-up code", "Name of the wrap-up code."), *_DIVISION, _DESCRIPTION, _CREATED, _MODIFIED)
    ),
    "divisions": Entity(
        (
            *_named("division", "Name of the division."),
            _DESCRIPTION,
            _column(
                flag("home_division", "Whether it is the division that every org starts with."),
                "homeDivision",
            ),
        )
    ),
    "skills": Entity((*_named("skill", "Name of the routing skill."), _STATE, _MODIFIED)),
    "languages": Entity((*_named("language", "Name of the routing language."), _STATE, _MODIFIED)),
    "flows": Entity(
        (
            *_named("flow", "Name of the Architect flow."),
            _column(choice("type", "Kind of flow, such as INBOUNDCALL, WORKFLOW or DIGITALBOT."), "type"),
            *_DIVISION,
            _DESCRIPTION,
            _column(flag("active", "Whether the flow is active."), "active"),
            _column(flag("system", "Whether Genesys Cloud itself provides the flow."), "system"),
            _column(flag("deleted", "Whether the flow was deleted."), "deleted"),
        )
    ),
    "groups": Entity(
        (
            *_named("group", "Name of the group."),
            _DESCRIPTION,
            _STATE,
            _column(choice("type", "Kind of group: official or social."), "type"),
            _column(choice("visibility", "Who sees the group: public, owners or members."), "visibility"),
            _MEMBERS,
            _MODIFIED,
        )
    ),
    "presence_definitions": Entity(
        (
            _id("presence definition"),
            # Names of definitions can be empty; the label in English is what people see.
            _column(text("name", "Name of the presence definition."), "name"),
            _column(text("label_en_us", "Its label in American English."), "languageLabels", "en_US"),
            Column(
                choice(
                    "system_presence",
                    "The system presence that it is a kind of, in capitals as in user_presence (ON_QUEUE).",
                ),
                ("systemPresence",),
                spelt=_in_capitals,
            ),
            _column(
                choice("type", "System, the same in every org, or User, the org's own."),
                "type",
            ),
            _column(reference("division_id", "Division to which it belongs, by id."), "divisionId"),
            _column(flag("deactivated", "Whether it can no longer be chosen."), "deactivated"),
        )
    ),
    "teams": Entity(
        (*_named("team", "Name of the team."), *_DIVISION, _DESCRIPTION, _MEMBERS, _CREATED, _MODIFIED)
    ),
}

"""Schema drift: records of conversations and of users' status with fields and enum values of a later API version.

Genesys Cloud adds fields and enum values several times a year without notice (seen between SDK releases).
"""

from typing import Any
from zlib import crc32

Json = dict[str, Any]


def drifts(record_id: str) -> bool:
    """Whether the record of this conversation or user is one of those that drift (every third)."""
    return crc32(record_id.encode()) % 3 == 0


def add_unknown_fields(record: Json) -> Json:
    """Add fields that no schema knows, at every depth of the record, in place."""
    record["sentimentScore"] = 0.25
    record["predictedTopics"] = [{"topicId": "t-1", "confidence": 0.9, "phrases": ["late parcel"]}]
    for participant in record.get("participants", ()):
        participant["pronouns"] = "they/them"
        for session in participant["sessions"]:
            session["carbonFootprint"] = {"grams": 12, "method": None}
            if "flow" in session:
                session["flow"]["modelVersion"] = "2027-01"
            for segment in session["segments"][:1]:
                segment["holographic"] = True
            for metric in session.get("metrics", [])[:1]:
                metric["unit"] = "ms"
    for evaluation in record.get("evaluations", ()):
        evaluation["aiAssisted"] = True
    return record


def add_unknown_user_fields(user: Json) -> Json:
    """Add fields that no schema knows to a user's details and periods, in place."""
    user["outOfOffice"] = {"isActive": False}
    for periods in (user.get("primaryPresence", ()), user.get("routingStatus", ())):
        for period in periods:
            period["source"] = "desktop"
    return user


def add_unknown_user_enums(user: Json) -> Json:
    """Replace enum values in a user's periods with ones that no schema knows, in place."""
    for key, name in (("primaryPresence", "systemPresence"), ("routingStatus", "routingStatus")):
        for period in user.get(key, ())[:1]:
            period[name] = "DAYDREAMING"
    return user


def add_unknown_enums(record: Json) -> Json:
    """Replace enum values with ones that no schema knows, in place."""
    record["conversationInitiator"] = "agenticAssistant"
    for participant in record.get("participants", ())[:1]:
        for session in participant["sessions"]:
            session["mediaType"] = "hologram"
            for segment in session["segments"][:1]:
                segment["segmentType"] = "teleport"
                segment["disconnectType"] = "beamedUp"
    return record

"""Voice only: the technical side of a call leg (addresses, edges, media statistics)."""

from genesys_dagster.sandbox import names
from genesys_dagster.sandbox.conversations.draft import Draft, Json, Session
from genesys_dagster.sandbox.times import iso

_PACKETS_PER_SECOND = 50  # one every 20 ms


class Line:
    """The telephone line of a call: what all its sessions share."""

    __slots__ = ("ani", "dnis", "fields", "name", "region")

    def __init__(self, draft: Draft, direction: str, ours: str) -> None:
        dice = draft.dice
        theirs = f"tel:{names.phone(dice)}"
        ours = f"tel:{ours}"
        self.ani, self.dnis = (theirs, ours) if direction == "inbound" else (ours, theirs)
        self.name = (
            names.person(dice)
            if dice.chance(0.6)
            else ("United Kingdom" if "+44" in theirs else "United States")
        )
        self.fields: Json = {
            "ani": self.ani,
            "dnis": self.dnis,
            "provider": "Edge",
            "remoteNameDisplayable": self.name,
        }

    def leg(self, draft: Draft, *, caller: bool = False, session_dnis: str | None = None) -> Json:
        """The line's fields for one session."""
        dice = draft.dice
        call_id = f"{dice.uuid().upper()}-{dice.between(1000, 9999)}@192.0.2.{dice.between(1, 254)}"
        return {
            **self.fields,
            "sessionDnis": session_dnis or self.dnis,
            "edgeId": dice.pick(draft.directory.edge_ids),
            "protocolCallId": call_id if caller else dice.uuid(),
        }


def media_stats(draft: Draft, session: Session, start: int, end: int, count: int) -> None:
    """Add `count` endpoint statistics, spread over the session's time, to the session."""
    dice = draft.dice
    stats: list[Json] = []
    for number in range(1, count + 1):
        at = start + (end - start) * number // count
        poor = dice.chance(0.04)
        mos = 4.9 - abs(dice.rng.gauss(0.0, 0.5 if poor else 0.03))
        packets = (end - start) * _PACKETS_PER_SECOND // (1000 * count)
        entry: Json = {
            "codecs": ["audio/opus" if dice.chance(0.7) else "audio/PCMA"],
            "eventTime": iso(at),
            "maxLatencyMs": dice.between(20, 400 if poor else 60),
            "minMos": mos,
            "minRFactor": 93.2 - (4.9 - mos) * 20,
            "receivedPackets": packets,
        }
        if poor or dice.chance(0.15):
            entry["discardedPackets"] = dice.between(1, 40)
        if poor:
            entry["duplicatePackets"] = dice.between(1, 9)
            entry["overrunPackets"] = dice.between(1, 9)
            entry["underrunPackets"] = dice.between(1, 9)
            entry["invalidPackets"] = dice.between(0, 3)
        stats.append(entry)
        if draft.min_mos is None or mos < draft.min_mos:
            draft.min_mos = mos
            draft.record["mediaStatsMinConversationRFactor"] = entry["minRFactor"]
    session.fields["mediaEndpointStats"] = stats

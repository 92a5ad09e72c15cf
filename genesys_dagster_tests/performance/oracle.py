"""Figures computed again from served records, in plain Python and without a line of SQL."""

from collections import defaultdict
from datetime import UTC, datetime
from statistics import mean, median


def emissions(records):
    """Every metric of the records, with where Genesys Cloud counts it."""
    for record in records:
        for participant in record["participants"]:
            for session in participant["sessions"]:
                for metric in session.get("metrics", ()):
                    yield {
                        "name": metric["name"],
                        "value": metric["value"],
                        "at": datetime.fromisoformat(metric["emitDate"]),
                        "queue": queue_of(session, metric),
                        "user": participant.get("userId"),
                        "medium": session["mediaType"],
                        "direction": session.get("direction"),
                    }


def queue_of(session, metric):
    """The queue in which the session was, of two at the same instant the one left if something ended."""
    if metric["name"] == "nConnected" and session.get("direction") == "inbound":
        return None
    at, queue = metric["emitDate"], None
    stays = [(s["segmentStart"], s["queueId"]) for s in session.get("segments", ()) if s.get("queueId")]
    for began, name in sorted(stays, key=lambda stay: stay[0]):
        if began < at or (began == at and metric["name"][0] != "t") or queue is None:
            queue = name
    return queue


def queue_figures(found, zone):
    """(Start of half hour, queue, medium, direction) to columns, of emissions of one day."""
    groups = defaultdict(lambda: defaultdict(list))
    for each in found:
        if each["queue"] and each["name"] in _OF_QUEUES:
            key = (half_hour(each["at"], zone), each["queue"], each["medium"], each["direction"])
            groups[key][each["name"]].append(each["value"])
    judged = {medium for (_, _, medium, _), values in groups.items() if values["nOverSla"]} | {"voice"}
    return {key: _of_queue(values, key[2] in judged) for key, values in groups.items()}


_OF_QUEUES = {
    "nOffered", "tAnswered", "tAbandon", "tShortAbandon", "tFlowOut", "nOverSla", "tHandle", "tTalkComplete",
    "tHeldComplete", "tAcw", "nTransferred", "nBlindTransferred", "nConsultTransferred",
}  # fmt: skip
_WORK = {"handle": "tHandle", "talk": "tTalkComplete", "hold": "tHeldComplete", "acw": "tAcw"}
_COUNT = {"handle": "handled", "talk": "talk_count", "hold": "hold_count", "acw": "acw_count"}
_TRANSFERS = {
    "transferred": "nTransferred",
    "blind_transferred": "nBlindTransferred",
    "consult_transferred": "nConsultTransferred",
}


def _of_queue(values, is_judged):
    answered, abandoned, late = (
        len(values["tAnswered"]),
        len(values["tAbandon"]),
        int(sum(values["nOverSla"])),
    )
    base = answered + abandoned
    offered = int(sum(values["nOffered"]))
    return {
        "offered": offered,
        "answered": answered,
        "abandoned": abandoned,
        "short_abandoned": len(values["tShortAbandon"]),
        "flowed_out": len(values["tFlowOut"]),
        "abandon_rate": abandoned / offered if offered else None,
        "over_sla": late,
        "answered_in_target": answered - late if is_judged else None,
        "service_level_base": base if is_judged else None,
        "service_level": (answered - late) / base if is_judged and base else None,
        **_spread("answer", values["tAnswered"]),
        **_spread("abandon", values["tAbandon"]),
        **_work(values),
    }


def agent_figures(found, zone):
    """(Day, user, medium) to columns, of emissions of one day."""
    groups = defaultdict(lambda: defaultdict(list))
    for each in found:
        if each["user"] and each["name"] in _OF_AGENTS:
            key = (each["at"].astimezone(zone).date(), each["user"], each["medium"])
            groups[key][each["name"]].append(each["value"])
    return {key: _of_agent(values) for key, values in groups.items()}


_OF_AGENTS = {
    "tAlert", "tNotResponding", "tAnswered", "tHandle", "tContacting", "tDialing", "tTalkComplete", "tHeldComplete",
    "tAcw", "nTransferred", "nBlindTransferred", "nConsultTransferred", "nConsult", "nOutbound", "nOutboundConnected",
}  # fmt: skip


def _of_agent(values):
    return {
        "alerted": len(values["tAlert"]),
        "alert_seconds": _seconds(values["tAlert"]),
        "not_responding": len(values["tNotResponding"]),
        "not_responding_seconds": _seconds(values["tNotResponding"]),
        "answered": len(values["tAnswered"]),
        "contacting_seconds": _seconds(values["tContacting"]),
        "dialing_seconds": _seconds(values["tDialing"]),
        "consulted": int(sum(values["nConsult"])),
        "outbound": int(sum(values["nOutbound"])),
        "outbound_connected": int(sum(values["nOutboundConnected"])),
        **_work(values),
    }


def _work(values):
    columns = {column: int(sum(values[name])) for column, name in _TRANSFERS.items()}
    for part, name in _WORK.items():
        columns[_COUNT[part]] = len(values[name])
        columns[f"{part}_seconds"] = _seconds(values[name])
        columns[f"{part}_seconds_mean"] = mean(values[name]) / 1000 if values[name] else None
    return columns


def _spread(part, values):
    return {
        f"{part}_seconds": _seconds(values),
        f"{part}_seconds_mean": mean(values) / 1000 if values else None,
        f"{part}_seconds_median": median(values) / 1000 if values else None,
        f"{part}_seconds_p95": _percentile(sorted(values), 0.95) / 1000 if values else None,
    }


def _percentile(ordered, share):
    """Interpolated between the two values beside it."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _seconds(values):
    return sum(values) / 1000


def half_hour(at, zone):
    """The start of the half hour of the clock in the zone, in UTC."""
    clock = at.astimezone(zone)
    return clock.replace(minute=clock.minute // 30 * 30, second=0, microsecond=0).astimezone(UTC)

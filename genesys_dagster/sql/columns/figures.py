"""The columns of the performance figures: names, types, units and meanings.

Counts and totals are 0 where nothing happened and can be added up over any rows; the two of the service level are null
where it is not known that there is a target. Means, medians, percentiles and rates are null where there is nothing to take
them of, and cannot be added up. Times are in seconds, to the millisecond.
"""

from genesys_dagster.records.field import (
    Columns,
    Field,
    calendar_day,
    choice,
    count,
    number,
    reference,
    text,
    timestamp,
)

OF_PARTITION = {"partition": "day"}


_QUEUE = [
    reference("queue_id", "Queue that the interactions went through.").required(),
    choice("queue_name", "Name of the queue; null where the reference data does not know it."),
]
_MEDIUM = choice("media_type", "Medium, such as voice, callback, chat, email or message.")
_DIRECTION = choice("direction", "Direction of the session: inbound or outbound.")

_VOLUMES = [
    count("offered", "Interactions routed to the queue for an agent to answer (nOffered)."),
    count("answered", "Interactions that an agent answered out of the queue (tAnswered)."),
    count(
        "abandoned", "Interactions whose customer left before an agent answered (tAbandon), short ones too."
    ),
    count(
        "short_abandoned",
        "Abandoned ones that waited less than the org's short-abandon time (tShortAbandon).",
    ),
    count("flowed_out", "Interactions that left the queue neither answered nor abandoned (tFlowOut)."),
    number(
        "abandon_rate", "abandoned / offered, from 0 to 1 (and above, if offered in an earlier interval)."
    ),
]
_TARGET = number(
    "target_seconds",
    "Seconds within which to answer: the configured target, else that of the queue as it is today; null if unknown.",
)
_SERVICE_LEVEL = [
    count(
        "answered_in_target",
        "Answered interactions that waited no longer than the target that the queue had then (answered less over_sla), or "
        "than the configured one; null where it is not known that there is a target.",
    ),
    count(
        "service_level_base",
        "Interactions that the service level is a share of: answered and abandoned; null where it is not known that there "
        "is a target.",
    ),
    number("service_level", "answered_in_target / service_level_base, from 0 to 1."),
    count(
        "over_sla",
        "Answered interactions that had waited longer than the target that the queue had then, as Genesys Cloud says "
        "(nOverSla). Abandoned ones are not among them.",
    ),
]


def _total(metric: str, what: str) -> list[Field]:
    return [number(f"{metric}_seconds", f"{what}, in seconds, all together.")]


def _mean(metric: str, what: str) -> list[Field]:
    return [number(f"{metric}_seconds_mean", f"{what}, in seconds, mean.")]


def _spread(metric: str, what: str) -> list[Field]:
    return [
        number(f"{metric}_seconds_median", f"{what}, in seconds, median."),
        number(f"{metric}_seconds_p95", f"{what}, in seconds, 95th percentile."),
    ]


_ANSWER = "Time that answered interactions waited (tAnswered)"
_ABANDON = "Time that abandoned interactions waited (tAbandon)"
_HANDLE = "Time to handle an interaction: contacting, dialing, talk, hold and after-call work (tHandle)"
_TALK = "Time of talk (tTalkComplete)"
_HOLD = "Time on hold (tHeldComplete)"
_ACW = "Time of after-call work (tAcw)"

_HANDLED = count(
    "handled", "Times that agents finished handling an interaction, after-call work too (tHandle)."
)


def _work(*between: Field) -> list[Field]:
    """Handling and its parts; `between` stands after the handle time."""
    return [
        _HANDLED,
        *_total("handle", _HANDLE),
        *_mean("handle", _HANDLE),
        *between,
        count("talk_count", "Interactions with talk that ended."),
        *_total("talk", _TALK),
        *_mean("talk", _TALK),
        count("hold_count", "Interactions that were put on hold, once or more, and ended."),
        *_total("hold", _HOLD),
        *_mean("hold", _HOLD),
        count("acw_count", "Interactions with after-call work that ended."),
        *_total("acw", _ACW),
        *_mean("acw", _ACW),
    ]


_TRANSFERS = [
    count("transferred", "Transfers by agents, of either kind (nTransferred)."),
    count("blind_transferred", "Transfers without asking first (nBlindTransferred)."),
    count("consult_transferred", "Transfers after asking the other party (nConsultTransferred)."),
]

QUEUE_PERFORMANCE = Columns(
    [
        timestamp("interval_start", "Start of the half hour in which the metrics were emitted."),
        calendar_day(
            "day",
            "Day of the half hour in the time zone of the partitions: that of the partition.",
            **OF_PARTITION,
        ),
        choice("half_hour", "Start of the half hour on the clock of that time zone, such as 09:30."),
        *_QUEUE,
        _MEDIUM,
        _DIRECTION,
        *_VOLUMES,
        _TARGET,
        *_SERVICE_LEVEL,
        *_total("answer", _ANSWER),
        *_mean("answer", _ANSWER),
        *_spread("answer", _ANSWER),
        *_total("abandon", _ABANDON),
        *_mean("abandon", _ABANDON),
        *_spread("abandon", _ABANDON),
        *_work(),
        *_TRANSFERS,
    ]
)

QUEUE_PERFORMANCE_WEEKLY = Columns(
    [
        calendar_day("week", "Monday of the week in which the metrics were emitted."),
        *_QUEUE,
        _MEDIUM,
        _DIRECTION,
        *_VOLUMES,
        *_SERVICE_LEVEL,
        *_total("answer", _ANSWER),
        *_mean("answer", _ANSWER),
        *_total("abandon", _ABANDON),
        *_mean("abandon", _ABANDON),
        *_work(),
        *_TRANSFERS,
    ]
)

AGENT_PERFORMANCE = Columns(
    [
        calendar_day(
            "day",
            "Day on which the metrics were emitted in the time zone of the partitions: that of the partition.",
            **OF_PARTITION,
        ),
        reference("user_id", "Agent: the user who took part.").required(),
        text(
            "user_name", "Name of the agent; null where the reference data does not know it.", personal=True
        ),
        _MEDIUM,
        count("alerted", "Times that an interaction rang (tAlert)."),
        *_total("alert", "Time of ringing (tAlert)"),
        count("not_responding", "Alerts that the agent let run out (tNotResponding)."),
        *_total("not_responding", "Time of the alerts that ran out (tNotResponding)"),
        count("answered", "Interactions that the agent was the first to answer out of a queue (tAnswered)."),
        *_work(
            *_total("contacting", "Time of contacting before dialing (tContacting)"),
            *_total("dialing", "Time of dialing (tDialing)"),
        ),
        *_TRANSFERS,
        count("consulted", "Times that the agent asked another party during an interaction (nConsult)."),
        count("outbound", "Outbound interactions on behalf of a queue (nOutbound)."),
        count("outbound_connected", "Outbound interactions that reached somebody (nOutboundConnected)."),
    ]
)

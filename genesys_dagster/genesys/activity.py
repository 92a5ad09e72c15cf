"""Late activity: conversations that began before an interval and in which something happened during it.

Genesys Cloud keeps no time of last modification. But a bulk job in overlap mode returns every conversation that was
alive in an interval, and each record tells when its segments, metrics and assessments came about.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import msgspec

from genesys_dagster.genesys.client import GenesysClient
from genesys_dagster.genesys.errors import MalformedResponseError
from genesys_dagster.genesys.interval import Interval, parse_instant
from genesys_dagster.genesys.jobs import BulkJob, JobSettings
from genesys_dagster.genesys.pages import Page
from genesys_dagster.genesys.progress import ExportProgress


@dataclass(frozen=True, slots=True)
class ActivePage:
    """A page of results, and which of its conversations had activity.

    Attributes:
        page: The page; most of its conversations may be of no interest.
        active: Id of each conversation that had activity in the interval, and when it had its latest.
    """

    page: Page
    active: Mapping[str, datetime]


async def late_activity(
    client: GenesysClient,
    interval: Interval,
    settings: JobSettings | None = None,
    progress: ExportProgress | None = None,
) -> AsyncGenerator[ActivePage, None]:
    """Yield the pages with conversations that began before the interval and had activity in it.

    One job. Its results are ordered by start, so reading ends with the first conversation that began in the
    interval: what is read are the long-lived conversations, not the days' whole volume. A conversation that only
    waits, such as an e-mail thread without an answer, is returned by the job but has no activity.

    Args:
        client: An open client.
        interval: When activity counts; its end must not be after the jobs' watermark.
        settings: How to wait and read.
        progress: Kept up to date.

    Raises:
        DataNotAvailableError: The watermark has not reached the interval's end.
        GenesysError: As in `GenesysClient.fetch` and `BulkJob`.
    """
    progress = progress or ExportProgress(source="job")
    job = BulkJob(client, settings or JobSettings(), progress, by_start_day=False)
    reached = datetime.min.replace(tzinfo=interval.start.tzinfo)
    in_order = True
    async with aclosing(job.pages(interval)) as pages:
        async for page in pages:
            progress.pages += 1
            progress.records += page.records
            active: dict[str, datetime] = {}
            for conversation in _conversations(page):
                started = _instant(conversation.conversation_start)
                if started is None:  # it belongs to no day
                    continue
                in_order = in_order and started >= reached
                reached = max(reached, started)
                if started < interval.start and (latest := _latest(conversation, interval)):
                    active[conversation.conversation_id] = latest
            if active:
                yield ActivePage(page, active)
            if in_order and reached >= interval.start:
                return


# What the records are read for; everything else is skipped.


class _Segment(msgspec.Struct, rename="camel"):
    segment_start: str | None = None
    segment_end: str | None = None


class _Metric(msgspec.Struct, rename="camel"):
    emit_date: str | None = None


class _Session(msgspec.Struct, rename="camel"):
    segments: list[_Segment] | None = None
    metrics: list[_Metric] | None = None


class _Participant(msgspec.Struct, rename="camel"):
    sessions: list[_Session] | None = None


class _Assessment(msgspec.Struct, rename="camel"):
    event_time: str | None = None


class _Conversation(msgspec.Struct, rename="camel"):
    conversation_id: str
    conversation_start: str | None = None
    conversation_end: str | None = None
    participants: list[_Participant] | None = None
    evaluations: list[_Assessment] | None = None
    surveys: list[_Assessment] | None = None
    resolutions: list[_Assessment] | None = None


class _Page(msgspec.Struct, rename="camel"):
    conversations: list[_Conversation] | None = None


_decoder = msgspec.json.Decoder(_Page)


def _conversations(page: Page) -> list[_Conversation]:
    try:
        return _decoder.decode(page.body).conversations or []
    except msgspec.DecodeError as error:
        raise MalformedResponseError(f"the results hold no conversations as documented ({error})") from None


def _latest(conversation: _Conversation, interval: Interval) -> datetime | None:
    instants = map(_instant, _timestamps(conversation))
    return max((at for at in instants if at and interval.start <= at < interval.end), default=None)


def _instant(text: str | None) -> datetime | None:
    """The instant of a timestamp; None where there is none, or none that can be read: it tells no time."""
    try:
        return parse_instant(text) if text else None
    except ValueError:
        return None


def _timestamps(conversation: _Conversation) -> Iterator[str | None]:
    """Everything that tells when something happened in a conversation."""
    yield conversation.conversation_end
    for assessments in (conversation.evaluations, conversation.surveys, conversation.resolutions):
        yield from (assessment.event_time for assessment in assessments or ())
    for participant in conversation.participants or ():
        for session in participant.sessions or ():
            yield from (metric.emit_date for metric in session.metrics or ())
            for segment in session.segments or ():
                yield segment.segment_start
                yield segment.segment_end

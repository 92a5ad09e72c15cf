"""The measured audio quality of a session's media endpoints.

Source of names and meanings: Genesys Cloud SDK 269, models/analytics_media_endpoint_stat.py.
All packet counts are sums over the audio streams of the endpoint.
"""

from genesys_dagster.records.field import Field, count, number, texts, timestamp

MEDIA_ENDPOINT_STAT: list[Field] = [
    texts("codecs", "Audio encodings of the streams, as MIME types."),
    count("discardedPackets", "Number of packets dropped for coming too early or too late."),
    count("duplicatePackets", "Number of packets whose sequence number was among the 64 packets before."),
    timestamp("eventTime", "When the statistics event happened."),
    count("invalidPackets", "Number of packets malformed, not RTP, of unknown payload or on probation."),
    count("maxLatencyMs", "Longest latency of any audio stream, in milliseconds."),
    number("minMos", "Lowest estimated mean opinion score (MOS) of any audio stream."),
    number("minRFactor", "Lowest transmission rating (R-factor) of any audio stream."),
    count("overrunPackets", "Number of packets that met a full jitter queue; part of discardedPackets."),
    count("receivedPackets", "Number of packets that came in, with invalid, duplicate and discarded ones."),
    count("underrunPackets", "Number of packets too late to be played; part of discardedPackets."),
]

"""What an export under way can tell about itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(slots=True)
class ExportProgress:
    """Live figures of one export; read them at any time.

    Attributes:
        source: Where the pages come from; None before that is decided.
        total_hits: Records that the interactive query announced for the whole interval in its first answer; None
            where it did not say.
        pages: Pages delivered.
        records: Records in them, duplicates included.
        available_until: Watermark of the data lake, once it was read; for a job never later than when the job was
            submitted.
        job_id: The bulk job, once it was submitted; of several, the one submitted last.
    """

    source: Literal["job", "query"] | None = None
    total_hits: int | None = None
    pages: int = 0
    records: int = 0
    available_until: datetime | None = None
    job_id: str | None = None

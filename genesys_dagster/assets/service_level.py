"""The rules of the service level: what counts as fast enough, and of how many.

Source of the formula and its three switches: Genesys help, "Configure the service level calculation".
"""

import math
from typing import Any

import dagster as dg
from pydantic import Field


class ServiceLevelConfig(dg.Config):
    """How `queue_performance` computes the service level.

    As it is, Genesys Cloud says what was answered too late, by the target that the queue had then (`nOverSla`); a target
    that is set here is compared with instead. What the org has switched in Genesys Cloud's own calculation is not in the
    API: switch the same here.
    """

    target_seconds: float | None = Field(
        default=None,
        description="Seconds within which to answer, for all queues, instead of what Genesys Cloud says by their own targets.",
    )
    target_seconds_of_media: dict[str, float] = Field(
        default={},
        description="The same by media type, such as {'email': 86400}; goes before everything else.",
    )
    fallback_target_seconds: float | None = Field(
        default=None,
        description="Seconds within which to answer in media of which it is not known that the queue has a target. Left "
        "out: the service level is unknown there.",
    )
    include_abandons: bool = Field(
        default=True, description="Whether abandoned interactions count as not answered in time."
    )
    include_short_abandons: bool = Field(
        default=True,
        description="Whether short-abandoned interactions do so too; only with include_abandons.",
    )
    include_flow_outs: bool = Field(
        default=False, description="Whether interactions that left the queue otherwise do so too."
    )

    def parameters(self) -> dict[str, Any]:
        """The values of the statement's parameters.

        Raises:
            dagster.Failure: A target is not positive.
        """
        targets = {
            "target_seconds": self.target_seconds,
            "fallback_target_seconds": self.fallback_target_seconds,
            **{f"target_seconds_of_media[{name!r}]": it for name, it in self.target_seconds_of_media.items()},
        }
        for name, seconds in targets.items():
            if seconds is not None and not 0 < seconds < math.inf:
                raise dg.Failure(
                    f"The service level's {name} is {seconds}: set it to the seconds within which to answer, such as 20.",
                    allow_retries=False,
                )
        return {
            "target_seconds": self.target_seconds,
            "media_types": list(self.target_seconds_of_media),
            "target_seconds_of_media": list(self.target_seconds_of_media.values()),
            "fallback_target_seconds": self.fallback_target_seconds,
            "include_abandons": self.include_abandons,
            "include_short_abandons": self.include_short_abandons,
            "include_flow_outs": self.include_flow_outs,
        }

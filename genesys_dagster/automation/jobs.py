"""The jobs that export, update, check and sweep days."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import dagster as dg

from genesys_dagster.checks.all_checks import Checks
from genesys_dagster.memory.pulls import CONVERSATIONS, DETAILS, LATE_ACTIVITY, USER_STATUS, Family
from genesys_dagster.memory.runs import OF
from genesys_dagster.org.org import Org

Job: TypeAlias = Any
"""What `dagster.define_asset_job` makes; its class is not public."""


@dataclass(frozen=True)
class Jobs:
    """The jobs of an org that write and check its days.

    Attributes:
        org: Whose.
        checks: Its checks of a day.
    """

    org: Org
    checks: Checks = field(repr=False)

    @cached_property
    def export(self) -> Job:
        """Pulls a day. The check `total_hits` asks what a pull has just been told, and `completeness` has looked at."""
        return self._job(
            "export_conversation_details",
            self._day - dg.AssetSelection.checks(self.checks.total_hits),
            "Pulls one day of conversations from Genesys Cloud again, whole.",
        )

    @cached_property
    def update(self) -> Job:
        """Brings a day up to date. Without the checks that ask Genesys Cloud: an update costs no request."""
        step = self.org.key(DETAILS).to_python_identifier()
        return self._job(
            "update_conversation_details",
            self._day - dg.AssetSelection.checks(self.checks.total_hits, self.checks.reconciliation),
            "Brings one day of conversations up to date from what `late_activity` found, without a request.",
            config={"ops": {step: {"config": {"from_late_activity": True}}}},
        )

    @cached_property
    def check(self) -> Job:
        """Checks alone, of what has come without them: its run died, or failed on a later day. No request either."""
        return self._job(
            "check_conversation_details",
            dg.AssetSelection.checks(*self.check_keys),
            "Checks one day of conversations as it lies in the lake, without a request.",
        )

    @cached_property
    def check_status(self) -> Job:
        """The same for user status."""
        return self._job(
            "check_user_status",
            dg.AssetSelection.checks(*self.status_check_keys),
            "Checks one day of presence and routing status as it lies in the lake, without a request.",
            USER_STATUS,
        )

    @cached_property
    def sweep(self) -> Job:
        """Sweeps a day."""
        return self._job(
            "sweep_late_activity",
            dg.AssetSelection.assets(self.org.key(LATE_ACTIVITY)),
            "Finds the older conversations in which something happened on a day.",
        )

    @cached_property
    def user_status(self) -> Job:
        """Pulls a day of user status."""
        return self._job(
            "export_user_status",
            self._assets(*USER_STATUS.writes),
            "Pulls one day of presence and routing status from Genesys Cloud again, whole.",
            USER_STATUS,
        )

    @cached_property
    def update_status(self) -> Job:
        """Puts ends that became known later into a day of user status. No request."""
        return self._job(
            "update_user_status",
            self._assets(*USER_STATUS.writes[:-1]),
            "Puts the ends that `late_user_status` has brought into one day of presence and routing status, without a "
            "request.",
            USER_STATUS,
            config={"ops": {self.org.label("user_status"): {"config": {"from_late_user_status": True}}}},
        )

    def _assets(self, *names: str) -> dg.AssetSelection:
        return dg.AssetSelection.assets(*map(self.org.key, names))

    @property
    def check_keys(self) -> list[dg.AssetCheckKey]:
        """The checks that ask Genesys Cloud nothing."""
        return sorted(key for check in self.checks.quiet for key in check.check_keys)

    @property
    def status_check_keys(self) -> list[dg.AssetCheckKey]:
        """Those of user status that ask nothing: of what was pulled."""
        pulled = {self.org.key(name) for name in USER_STATUS.writes}
        keys = {key for check in self.checks.user_status for key in check.check_keys}
        return sorted(key for key in keys if key.asset_key in pulled)

    @property
    def _day(self) -> dg.AssetSelection:
        return dg.AssetSelection.assets(self.org.key(DETAILS))

    def _job(
        self,
        name: str,
        selection: dg.AssetSelection,
        description: str,
        of: Family = CONVERSATIONS,
        **settings: Any,
    ) -> Job:
        return dg.define_asset_job(
            self.org.label(name),
            selection,
            description=description,
            tags={**self.org.tag, OF: of.name},
            **settings,
        )

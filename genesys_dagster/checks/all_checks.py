"""All checks of days that a run evaluates, and which of those of `conversation_details` ask Genesys Cloud."""

from typing import NamedTuple

import dagster as dg

from genesys_dagster.checks.completeness import completeness, total_hits
from genesys_dagster.checks.contents import CONVERSATIONS, contents
from genesys_dagster.checks.reconciliation import reconciliation
from genesys_dagster.checks.user_status import user_status_checks
from genesys_dagster.checks.volume import volume
from genesys_dagster.checks.watching import Watching
from genesys_dagster.org.org import Org


class Checks(NamedTuple):
    """The checks of one org.

    Attributes:
        quiet: Those that look at what is in the lake and in the instance.
        total_hits: Asks how many conversations there are now.
        reconciliation: Asks for Genesys Cloud's own sums.
        user_status: Those of agents' time; the others are of `conversation_details`.
        watching: Looks at days of `conversation_details` while they are written.
    """

    quiet: list[dg.AssetChecksDefinition]
    total_hits: dg.AssetChecksDefinition
    reconciliation: dg.AssetChecksDefinition
    user_status: list[dg.AssetChecksDefinition]
    watching: Watching

    @property
    def conversation_details(self) -> list[dg.AssetChecksDefinition]:
        """Those of conversations."""
        return [*self.quiet, self.total_hits, self.reconciliation]

    @property
    def definitions(self) -> list[dg.AssetChecksDefinition]:
        """All of them."""
        return [*self.conversation_details, *self.user_status]


def all_checks(org: Org) -> Checks:
    """The checks, for an org."""
    watching = Watching(org, CONVERSATIONS.asset, CONVERSATIONS.themes)
    quiet = [contents(org, watching=watching), completeness(org), volume(org)]
    return Checks(quiet, total_hits(org), reconciliation(org), user_status_checks(org), watching)

"""All checks of `conversation_details` that a run evaluates, and which of them ask Genesys Cloud."""

from typing import NamedTuple

import dagster as dg

from genesys_dagster.checks.completeness import completeness, total_hits
from genesys_dagster.checks.contents import contents
from genesys_dagster.checks.reconciliation import reconciliation
from genesys_dagster.checks.volume import volume
from genesys_dagster.org.org import Org


class Checks(NamedTuple):
    """The checks of one org.

    Attributes:
        quiet: Those that look at what is in the lake and in the instance.
        total_hits: Asks how many conversations there are now.
        reconciliation: Asks for Genesys Cloud's own sums.
    """

    quiet: list[dg.AssetChecksDefinition]
    total_hits: dg.AssetChecksDefinition
    reconciliation: dg.AssetChecksDefinition

    @property
    def definitions(self) -> list[dg.AssetChecksDefinition]:
        """All of them."""
        return [*self.quiet, self.total_hits, self.reconciliation]


def all_checks(org: Org) -> Checks:
    """The checks, for an org."""
    return Checks([contents(org), completeness(org), volume(org)], total_hits(org), reconciliation(org))

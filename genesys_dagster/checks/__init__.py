"""What must hold for each partition of `conversation_details`: one module per theme, all of them in `CHECKS`."""

from genesys_dagster.checks.completeness import COMPLETENESS
from genesys_dagster.checks.contents import contents
from genesys_dagster.checks.reconciliation import RECONCILIATION
from genesys_dagster.checks.volume import VOLUME

CHECKS = [contents, *COMPLETENESS, *VOLUME, *RECONCILIATION]

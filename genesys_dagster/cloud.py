"""One Genesys Cloud org as Dagster definitions: everything of it, named after it, and nothing that is not its own."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, Self

import dagster as dg
from dagster_aws.s3 import S3Resource

from genesys_dagster import environment
from genesys_dagster.assets.agent_status import agent_status
from genesys_dagster.assets.conversation_details import conversation_details
from genesys_dagster.assets.genesys_cloud import genesys_cloud
from genesys_dagster.assets.late_activity import late_activity
from genesys_dagster.assets.performance import performance
from genesys_dagster.assets.reference import reference
from genesys_dagster.assets.report import contact_center_report
from genesys_dagster.assets.tables import tables
from genesys_dagster.assets.user_status import user_status
from genesys_dagster.automation.definitions import automation
from genesys_dagster.automation.stand_in import stand_in
from genesys_dagster.checks.all_checks import all_checks
from genesys_dagster.lake.io_manager import S3ParquetIOManager
from genesys_dagster.org.catalog import Part
from genesys_dagster.org.org import Org
from genesys_dagster.report.io_manager import S3PageIOManager
from genesys_dagster.resources import GenesysResource

_log = logging.getLogger(__name__)


class GenesysCloud(Org):
    """One Genesys Cloud org and its lake, as a value. `definitions()` is what Dagster needs of it.

    Example:
        ```python
        defs = dg.Definitions.merge(
            GenesysCloud(
                name="emea",
                region="eu-central-1",
                client_id=dg.EnvVar("EMEA_ID"),
                client_secret=dg.EnvVar("EMEA_SECRET"),
                bucket="lake",
                prefix="genesys/emea",
                timezone="Europe/Berlin",
            ).definitions(),
            dg.Definitions(assets=[...]),
        )
        ```
    """

    @classmethod
    def from_environment(cls, **fields: Any) -> Self:
        """The org that the environment describes (README, "Configuration").

        Args:
            **fields: Instead of what the environment says.
        """
        settings = environment.read_settings()
        org = cls(**{**settings.fields, **fields})
        org._variables, org._problems = settings.variables, settings.problems
        return org

    def definitions(
        self,
        *,
        genesys: Any = None,
        s3: Any = None,
        s3_parquet_io_manager: Any = None,
        s3_page_io_manager: Any = None,
    ) -> dg.Definitions:
        """Everything of the org: assets, checks, jobs, schedules, sensors, resources; no executor.

        An org whose settings make no sense has in its place one asset and one job that fail with the sentence that says
        why: other definitions of the code location go on, and whoever is told of failed runs is told of it.

        Args:
            genesys: Instead of the `GenesysResource` that the fields make.
            s3: Instead of `S3Resource()`: the IO managers' client.
            s3_parquet_io_manager: Instead of the `S3ParquetIOManager` that the fields make.
            s3_page_io_manager: Instead of the `S3PageIOManager` that the fields make.
        """
        resources = self._resources(
            genesys=genesys,
            s3=s3,
            s3_parquet_io_manager=s3_parquet_io_manager,
            s3_page_io_manager=s3_page_io_manager,
        )
        try:
            self.check()
            return self._definitions(resources)
        except dg.DagsterInvalidDefinitionError as error:
            _log.error("%s", error)
            return stand_in(self, str(error))

    def _definitions(self, resources: dict[str, Any]) -> dg.Definitions:
        checks = all_checks(self)
        assets: list[Any] = [genesys_cloud(self), conversation_details(self, checks.watching.begin)]
        assets += [asset for part in self.parts for asset in _PARTS[part](self)]
        runs = automation(self, checks)
        return dg.Definitions(
            assets=assets,
            asset_checks=[*checks.definitions, *runs.checks],
            jobs=runs.jobs,
            schedules=runs.schedules,
            sensors=runs.sensors,
            resources=resources,
        )

    def _resources(
        self,
        *,
        genesys: Any = None,
        s3: Any = None,
        s3_parquet_io_manager: Any = None,
        s3_page_io_manager: Any = None,
    ) -> dict[str, Any]:
        s3 = s3 or S3Resource()
        return {
            self.genesys: genesys or self._genesys(),
            self.lake: s3_parquet_io_manager
            or S3ParquetIOManager(s3=s3, **self._lake(), **self.lake_options),
            self.pages: s3_page_io_manager or S3PageIOManager(s3=s3, **self._lake()),
        }

    def _genesys(self) -> GenesysResource:
        """The resource. What is to come from a variable is named, not read: no value stands in the UI."""
        fields = tuple(environment.CONNECTION)
        given = {field: getattr(self, field) for field in fields}
        named = {field: value.env_var_name for field, value in given.items() if isinstance(value, dg.EnvVar)}
        values = {field: value for field, value in given.items() if value and field not in named}
        bounds = ("deletions_allowed", "deletions_allowed_percent")
        return GenesysResource(
            **values,
            **{field: getattr(self, field) for field in bounds},
            variables={
                **{field: self._variables[field] for field in bounds if field in self._variables},
                **named,
            },
            **self.client_options,
        )

    def _lake(self) -> dict[str, Any]:
        """The fields that both IO managers have."""
        bucket = self.bucket
        return {
            **(
                {"bucket_variable": bucket.env_var_name}
                if isinstance(bucket, dg.EnvVar)
                else {"bucket": bucket}
            ),
            "prefix": self.object_prefix,
            "key_prefix": list(self.prefix_of_keys),
        }


_PARTS: Mapping[Part, Callable[[Org], list[dg.AssetsDefinition]]] = {
    "late_activity": lambda org: [late_activity(org)],
    "tables": tables,
    "performance": performance,
    "reference": reference,
    "user_status": lambda org: [user_status(org), *agent_status(org)],
    "report": lambda org: [contact_center_report(org)],
}

"""What was there before: a small code location."""

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
from dagster_aws.s3 import S3Resource


class CsvIOManager(dg.ConfigurableIOManager):
    """Data frames as CSV files."""

    folder: str

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        """Writes one."""
        path = self._path(context)
        path.parent.mkdir(parents=True, exist_ok=True)
        obj.to_csv(path, index=False)

    def load_input(self, context: dg.InputContext) -> Any:
        """Reads one."""
        return pd.read_csv(self._path(context))

    def _path(self, context: dg.InputContext | dg.OutputContext) -> Path:
        return Path(self.folder, *context.get_asset_identifier()).with_suffix(".csv")


@dg.asset(group_name="crm")
def users() -> pd.DataFrame:
    """The customers, as the CRM has them."""
    return pd.DataFrame({"user": ["ada", "grace"], "segment": ["a", "b"]})


@dg.asset(group_name="crm", automation_condition=dg.AutomationCondition.eager())
def segments(users: pd.DataFrame) -> pd.DataFrame:
    """Customers by segment."""
    return users.groupby("segment", as_index=False).size()


@dg.job
def export_conversation_details() -> None:
    """A job that has, as it happens, the name of one of ours."""


defs = dg.Definitions(
    assets=[users, segments],
    jobs=[export_conversation_details],
    sensors=[dg.AutomationConditionSensorDefinition("automation", target=dg.AssetSelection.groups("crm"))],
    executor=dg.in_process_executor,
    resources={"s3": S3Resource(region_name="eu-west-1"), "io_manager": CsvIOManager(folder="data")},
)

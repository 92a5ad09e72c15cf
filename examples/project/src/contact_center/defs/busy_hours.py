"""When customers call: an asset of this project, made of the org's conversations."""

import dagster as dg
import pandas as pd

from genesys_dagster import GenesysCloudComponent


@dg.definitions
def busy_hours_of_emea(context: dg.ComponentLoadContext) -> dg.Definitions:
    """The asset, on whatever days, keys and lake the org in `emea/` has."""
    emea = context.load_component("emea", GenesysCloudComponent)
    columns = {"columns": ["conversation_start", "originating_direction"]}

    @dg.asset(
        ins={"conversations": dg.AssetIn(emea.key("conversations"), metadata=columns)},
        partitions_def=emea.days.partitions,
        io_manager_key=emea.lake,
        automation_condition=dg.AutomationCondition.eager(),
        group_name="planning",
    )
    def busy_hours(conversations: pd.DataFrame) -> pd.DataFrame:
        """How many conversations customers began, by the hour on the clock."""
        inbound = conversations[conversations["originating_direction"] == "inbound"]
        hour = inbound["conversation_start"].dt.tz_convert(emea.days.timezone).dt.hour.rename("hour")
        return inbound.groupby(hour).size().reset_index(name="conversations")

    return dg.Definitions(assets=[busy_hours])

from io import BytesIO

import pandas as pd
from contact_center.definitions import defs


def test_every_conversation_that_a_customer_began_counts_in_one_hour(genesys_run, genesys_day, genesys_lake):
    hours = genesys_run(defs(), '+key:"busy_hours"', genesys_day).output_for_node("busy_hours")

    key = f"genesys/emea/conversations/date={genesys_day}/data.parquet"
    conversations = pd.read_parquet(BytesIO(genesys_lake.Object(key).get()["Body"].read()))
    assert hours["conversations"].sum() == (conversations["originating_direction"] == "inbound").sum() > 0
    assert hours["hour"].is_unique
    assert hours["hour"].between(0, 23).all()

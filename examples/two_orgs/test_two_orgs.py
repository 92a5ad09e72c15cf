from two_orgs.definitions import defs


def test_the_table_has_the_queues_of_both(genesys_run, genesys_day, genesys_lake):
    for org in ("emea", "apac"):
        genesys_run(defs, f'+key:"{org}/queue_performance"', genesys_day)
    queues = genesys_run(defs, 'key:"queues_of_all_orgs"', genesys_day).output_for_node("queues_of_all_orgs")
    assert set(queues["org"]) == {"emea", "apac"}
    assert queues["answered"].sum() > 0
    folders = {entry.key.partition("/conversation_details/")[0] for entry in genesys_lake.objects.all()}
    assert {"genesys/emea", "genesys/apac"} <= folders

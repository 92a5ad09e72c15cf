from two_orgs.definitions import defs


def test_the_table_has_the_queues_of_both(genesys_run, genesys_day):
    for org in ("emea", "apac"):
        genesys_run(defs, f'+key:"{org}/queue_performance"', genesys_day)
    run = genesys_run(defs, 'key:"queues_of_all_orgs"', genesys_day)
    queues = run.output_for_node("queues_of_all_orgs")
    assert set(queues["org"]) == {"emea", "apac"}
    assert (queues["answered"] <= queues["offered"]).all()


def test_neither_knows_what_the_other_exported(genesys_run, genesys_day, genesys_lake):
    genesys_run(defs, 'key:"emea/conversation_details"', genesys_day)
    assert [it.key for it in genesys_lake.objects.all()] == [
        f"genesys/emea/conversation_details/date={genesys_day}/data.parquet"
    ]

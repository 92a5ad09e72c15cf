import json
import os

import boto3
import pytest

from secrets_manager.definitions import EMEA, defs


@pytest.fixture
def keep(genesys_lake, monkeypatch):  # noqa: ARG001 - its variables
    """Puts credentials into a made-up Secrets Manager: the server of the made-up S3 is one, too."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", os.environ["AWS_ENDPOINT_URL_S3"])
    client = boto3.client("secretsmanager", region_name="eu-central-1")
    client.create_secret(Name="genesys/emea")
    yield lambda **held: client.put_secret_value(SecretId="genesys/emea", SecretString=json.dumps(held))
    client.delete_secret(SecretId="genesys/emea", ForceDeleteWithoutRecovery=True)


def test_id_and_secret_are_those_of_the_secret_as_it_is_now(keep):
    genesys = defs.resources[EMEA.genesys]
    for version in ("one", "two"):
        keep(client_id=f"id-{version}", client_secret=f"secret-{version}")
        settings = genesys.settings()
        assert (settings.client_id, settings.client_secret) == (f"id-{version}", f"secret-{version}")
        assert settings.api_base == "https://api.mypurecloud.de"


def test_a_day_is_exported_with_them(keep, genesys_run, genesys_org, genesys_day):
    keep(client_id=genesys_org.settings.client_id, client_secret=genesys_org.settings.client_secret)
    assert genesys_run(defs, 'key:"emea/conversation_details"', genesys_day).success

"""An org whose OAuth client stands in AWS Secrets Manager and nowhere else: in no image, no variable, no UI."""

import json

import dagster as dg
from dagster_aws.secretsmanager import SecretsManagerResource

from genesys_dagster import GenesysCloud, GenesysResource
from genesys_dagster.genesys.settings import ClientSettings


class GenesysOfSecretsManager(GenesysResource):
    """Asks for the secret each time that a client is made, so that a new one is used from the next run or tick on."""

    secrets_manager: SecretsManagerResource
    secret_id: str
    """Of a secret that is JSON with `client_id` and `client_secret`."""

    def settings(self) -> ClientSettings:
        """As of GenesysResource, with id and secret of the secret."""
        answer = self.secrets_manager.get_client().get_secret_value(SecretId=self.secret_id)
        secret = json.loads(answer["SecretString"])
        fields = {field: getattr(self, field) for field in GenesysResource.model_fields}
        found = {field: secret[field] for field in ("client_id", "client_secret")}
        return GenesysResource(**(fields | found)).settings()


EMEA = GenesysCloud(
    name="emea", region="eu-central-1", bucket=dg.EnvVar("LAKE_BUCKET"), timezone="Europe/Berlin"
)

defs = EMEA.definitions(
    genesys=GenesysOfSecretsManager(
        region="eu-central-1",
        secrets_manager=SecretsManagerResource(region_name="eu-central-1"),
        secret_id="genesys/emea",  # noqa: S106 - a name
    )
)

"""The token endpoint and the tokens."""

import base64

import httpx

from genesys_dagster_tests.sandbox.conftest import Api


def ask(server, **options) -> httpx.Response:
    return httpx.post(f"{server.url}/oauth/token", **options)


GRANT = {"grant_type": "client_credentials"}


def test_basic_authentication_earns_a_bearer_token(server):
    server.settings.token_lifetime = 600
    answer = ask(server, auth=("sandbox", "sandbox-secret"), data=GRANT)
    assert answer.status_code == 200
    assert answer.json().items() >= {"token_type": "bearer", "expires_in": 600}.items()
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert httpx.get(f"{server.url}/api/v2/users", headers=headers).status_code == 200


def test_credentials_may_stand_in_the_form_and_the_grant_in_the_query(server):
    form = {**GRANT, "client_id": "sandbox", "client_secret": "sandbox-secret"}
    assert ask(server, data=form).status_code == 200
    assert ask(server, params=GRANT, auth=("sandbox", "sandbox-secret")).status_code == 200


def test_an_unknown_client_and_a_wrong_secret_are_refused_in_oauths_own_words(server):
    unknown = ask(server, auth=("nobody", "sandbox-secret"), data=GRANT)
    assert unknown.status_code == 400
    assert unknown.json()["error"] == "invalid_client"
    assert unknown.json()["description"] == "client not found"
    wrong = ask(server, auth=("sandbox", "wrong"), data=GRANT)
    assert wrong.status_code == 401
    assert wrong.json()["description"] == "authentication failed"
    server.settings.wrong_secret_status = 400
    assert ask(server, auth=("sandbox", "wrong"), data=GRANT).status_code == 400


def test_other_grants_and_missing_or_broken_credentials_are_refused(server):
    other = ask(server, auth=("sandbox", "sandbox-secret"), data={"grant_type": "password"})
    assert other.json()["error"] == "unsupported_grant_type"
    assert ask(server, data=GRANT).json()["error"] == "invalid_request"
    assert ask(server, data=GRANT, headers={"Authorization": "Basic ???"}).status_code == 400
    latin = base64.b64encode(b"sandbox:\xe9").decode()
    assert ask(server, data=GRANT, headers={"Authorization": f"Basic {latin}"}).status_code == 400


def test_calls_without_with_a_wrong_and_with_an_expired_token_get_their_own_401(server):
    def code(**headers) -> str:
        answer = httpx.get(f"{server.url}/api/v2/users", headers=headers)
        assert answer.status_code == answer.json()["status"] == 401
        return answer.json()["code"]

    now = 1000.0
    server.settings.clock = lambda: now
    server.settings.token_lifetime = 300
    token = ask(server, auth=("sandbox", "sandbox-secret"), data=GRANT).json()["access_token"]
    assert code() == "authentication.required"
    assert code(Authorization="Bearer made-up") == "bad.credentials"
    now = 1300.0
    assert code(Authorization=f"Bearer {token}") == "credentials.expired"


def test_revoked_tokens_are_bad_credentials(server):
    api = Api(server)
    server.revoke_tokens()
    assert api.http.get("/api/v2/users").json()["code"] == "bad.credentials"


def test_the_token_endpoint_fails_only_when_asked_to(server):
    server.faults.fail_next(1, "503", path="/oauth/")
    assert ask(server, auth=("sandbox", "sandbox-secret"), data=GRANT).status_code == 503
    assert ask(server, auth=("sandbox", "sandbox-secret"), data=GRANT).status_code == 200

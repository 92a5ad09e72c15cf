"""Neither a secret nor a record that a server quotes reaches an error, a log or a repr; its phrases stay readable."""

import base64
import html
import json
import logging
import re
import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from genesys_dagster.genesys.errors import GenesysError
from genesys_dagster.genesys.redaction import BLANK, mask_of, repeatable
from genesys_dagster_tests.genesys.fakes import FakeApi, reply, run

# Hypothesis tries the source's own words, too: eleven letters in a row may be one, and stand in any error.
_WORDS = re.compile(r"[A-Za-z_./-]{11}")
SECRETS = st.text(string.ascii_letters + string.digits + "+/=_-.~$&<>\\\"'", min_size=12, max_size=60).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum() and len(set(text)) > 6 and not _WORDS.search(text)
)


def pair(secret):
    return base64.b64encode(f"an-id:{secret}".encode()).decode()


FORMS = [
    str,
    lambda secret: f"Basic {pair(secret)}",
    pair,
    lambda secret: pair(secret).rstrip("="),
    lambda secret: pair(secret)[:30] + "\n " + pair(secret)[30:],
    lambda secret: base64.b64encode(secret.encode()).decode(),
    lambda secret: quote(secret, safe=""),
    lambda secret: quote(secret, safe="").lower(),
    quote_plus,
    lambda secret: quote(pair(secret), safe=""),
    html.escape,
    json.dumps,
    repr,
    lambda secret: f"https://login?client_secret={quote(secret, safe='')}&x=1",
]
PLACES = [
    lambda text: json.dumps({"message": text}).encode(),
    lambda text: json.dumps(
        {"message": "x", "code": text, "contextId": text, "limit": {"key": text}}
    ).encode(),
    lambda text: json.dumps({"error": text, "description": text}).encode(),
    lambda text: json.dumps({"error": "x", "error_description": text}).encode(),
    lambda text: f"<html><title>{html.escape(text)}</title>".encode(),
    lambda text: f"<html><h1>{text}</h1>".encode(),
    lambda text: text.encode(),
]


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=SECRETS,
    form=st.sampled_from(FORMS),
    place=st.sampled_from(PLACES),
    before=st.integers(0, 320),
    where=st.sampled_from(["login", "api", "token", "header"]),
    status=st.sampled_from([400, 403, 429, 500, 200]),
)
@example(secret="aB3dE6gH9jK2mN5pQ8rS", form=str, place=PLACES[-1], before=285, where="api", status=500)
@example(secret="aB3dE6gH9jK2mN5pQ8rS", form=str, place=PLACES[0], before=285, where="login", status=400)
def test_a_secret_never_reaches_an_error_or_a_log(caplog, secret, form, place, before, where, status):
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    echo = place("x" * before + " " + form(secret))
    answer = (
        reply(echo, status, inin_correlation_id=secret.encode("ascii", "replace").decode())
        if where == "header"
        else reply(echo, status)
    )
    api = FakeApi(lambda request: answer)
    if where == "login":
        api.login = api.handler
    if where == "token":
        api.login = lambda request: reply({"access_token": secret})

    async def scenario():
        async with api.client(
            client_secret="another-secret" if where == "token" else secret, max_attempts=2
        ) as client:
            try:
                await client.fetch("GET", "/api/v2/x", lambda response: response.json()["nothing"])
            except GenesysError as error:
                return f"{error} {error!r} {error.__dict__}"
            except KeyError:
                return ""

    told = run(scenario()) + caplog.text
    for piece in {secret, pair(secret)}:
        for start in range(len(piece) - 10):
            assert piece[start : start + 11] not in told


@settings(deadline=None)
@given(SECRETS | st.text(min_size=8), st.randoms())
@example("a-\u017fecret-\u212aey", None)  # which case does not tell from "secret" and "key"
def test_a_secret_is_found_in_any_case_and_with_any_breaks(secret, random):
    break_ = (lambda: random.choice(["", " ", "\n", "\t\x1f"])) if random else str
    spelled = "".join(
        (letter.upper() if len(letter.upper()) == 1 and letter.isascii() else letter) + break_()
        for letter in secret
    )
    masked = mask_of("another", secret)(f"before {spelled} after")
    assert masked.startswith("before")
    assert BLANK in masked
    assert BLANK in mask_of(secret)(secret.replace("\u017f", "S").replace("\u212a", "k"))
    assert mask_of(secret)("unlike it") == "unlike it"


@pytest.mark.parametrize(
    "message",
    [
        "Pagination may not exceed 100000 results.",
        "Rate limit exceeded the maximum. Retry the request in [12] seconds",
        "[400] Bad Request - You must specify a search interval as part of your query that does not exceed 7 days",
        "You must have at least one of the following permissions assigned: [analytics:conversationDetail:view]",
        "Missing the following permission(s): [routing:queue:view, analytics:conversationAggregate:view]",
        "Invalid login credentials.",
        "authentication failed",
        "The field 'pageSize' may not exceed 100",
        "Please reduce pageSize",
        "no such job 0f8fad5b-d9cb-469f-a165-70867728950e",
        "interval 2026-11-20T00:00:00.000Z/2026-11-21T00:00:00.000Z is too long",
        "502 Bad Gateway",
        "upstream connect error or disconnect/reset before headers",
        "This isn't what we'd take",
    ],
)
def test_the_phrases_of_the_api_stay_as_they_are(message):
    assert repeatable(message) == message


@pytest.mark.parametrize(
    ("message", "data"),
    [
        ("no user anna.smith@example.com", "anna"),
        ("no address sip:anna@example.com;x", "anna"),
        ("cannot call tel:+4915112345678 now", "491511"),
        ("cannot call +49 (151) 1234-5678 now", "1234"),
        ("card 4111 1111 1111 1111", "4111"),
        ("account 12345678", "12345678"),
        ("born 1980-02-03", "1980"),
        ("no participant 'Anna' there", "Anna"),
        ('value "a secret wish" is not valid', "wish"),
        ("value \u201cwish\u201d is not valid", "wish"),
        ('cut off "in the mid', "mid"),
        ("attributes [wish, 5]", "wish"),
        ("attributes [wish", "wish"),
        ("User Anna Smith does not exist", "Anna"),
        ("Anna-Maria Smith does not exist", "Anna"),
        ("no J\u00fcrgen here", "rgen"),
        ('record {"ani": "x", "note": "wish"} is odd', "wish"),
        ('record {"ani": "x", "note": "wi', "wi"),
        ("sent Bearer abcdef to you", "abcdef"),
        ("token eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", "eyJ"),
    ],
)
def test_what_may_be_data_is_blanked(message, data):
    assert "***" in repeatable(message)
    assert data not in repeatable(message)
    assert data not in str(GenesysError("x", message=message))  # whoever makes an error


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=400))
def test_what_is_repeated_is_one_short_line_that_can_be_written_anywhere(text):
    once = repeatable(text)
    assert once is None or ("\n" not in once and len(once) <= 300 and once.encode())

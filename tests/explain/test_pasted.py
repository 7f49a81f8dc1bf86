from __future__ import annotations

import pytest

from resource_protector.explain.pasted import NoToken, pasted_token

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln_bmF0-dXJl"
BROKEN = f"{TOKEN[:20]}\n  {TOKEN[20:40]}\r\n{TOKEN[40:]}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TOKEN, id="bare"),
        pytest.param(f"  {TOKEN}\r\n", id="white space around"),
        pytest.param(f"'{TOKEN}'", id="quoted"),
        pytest.param(BROKEN, id="broken into lines"),
        pytest.param(f"Bearer {TOKEN}", id="with its scheme"),
        pytest.param(f"bEARER   {TOKEN}", id="scheme without case"),
        pytest.param(f"Authorization: Bearer {TOKEN}", id="header"),
        pytest.param(f"authorization: bearer {TOKEN}\nAccept: */*\n", id="headers"),
        pytest.param(f"curl -si http://127.0.0.1:5000/orders -H 'Authorization: Bearer {TOKEN}'", id="curl"),
        pytest.param(f'curl -X POST -H "Authorization: Bearer {TOKEN}" \\\n  http://x/', id="curl in lines"),
        pytest.param(f"curl --header=authorization:\\ bearer\\ {TOKEN} http://x/", id="curl with backslashes"),
        pytest.param(f"curl http://x/ --oauth2-bearer {TOKEN}", id="curl --oauth2-bearer"),
        pytest.param(f"-H 'Authorization: Bearer {TOKEN}' -H 'Authorization: Bearer {TOKEN}'", id="the same twice"),
        pytest.param(f'{{"headers": {{"Authorization": "Bearer {TOKEN}"}}}}', id="a header in JavaScript"),
        pytest.param(f'{{"access_token": "{TOKEN}", "expires_in": 300}}', id="token response"),
    ],
)
def test_the_token_is_found(text: str) -> None:
    """Whatever it was copied from, the token alone is what is explained."""
    assert pasted_token(text) == TOKEN


@pytest.mark.parametrize("text", ["garbage", "a.b", "é.é.é", "{", "x" * 20_000])
def test_what_is_no_token_is_left_to_the_checks(text: str) -> None:
    """One word is taken for a token: the check of its shape says what is wrong with it."""
    assert pasted_token(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "There is no token", id="nothing"),
        pytest.param(" \n", "There is no token", id="white space"),
        pytest.param("Bearer", "There is no token", id="a scheme alone"),
        pytest.param("two words", "more than a token", id="two words"),
        pytest.param(f"{TOKEN} {TOKEN}", "more than a token", id="two tokens"),
        pytest.param(f"Authorization: Bearer {TOKEN}\nAuthorization: Bearer a.b.c", "2 tokens", id="two headers"),
        pytest.param("Authorization: Basic dXNlcjpwYXNz", "scheme 'Basic'", id="another scheme"),
        pytest.param("curl -H 'Authorization: Bearer $TOKEN' http://x/", "Use double quotes", id="a shell's variable"),
        pytest.param('{"error": "invalid_client"}', "no member 'access_token'", id="a refusal of the realm"),
        pytest.param('{"access_token": 1}', "no member 'access_token'", id="a number"),
    ],
)
def test_what_to_paste_instead(text: str, said: str) -> None:
    """Where there is not exactly one token, one sentence says so."""
    with pytest.raises(NoToken) as refused:
        pasted_token(text)

    assert said in str(refused.value)

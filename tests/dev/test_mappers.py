import logging
from pathlib import Path
from typing import Any

import pytest

from resource_protector.dev import DEMO_REALM_FILE, DevRealm
from tests.dev import realms
from tests.dev.realms import LOCAL_REALM_FILE
from tests.keycloak import unverified

ATTRIBUTES = {"numbers": ["1", "2"], "one": ["1"], "json": ['{"a": [1]}'], "flag": ["TRUE"], "word": ["w"]}
INTO_ACCESS = {"access__token__claim": "true"}


def alice_of(*mappers: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The claims of Alice's token at a client with these mappers and no scopes."""
    client = realms.client(protocolMappers=list(mappers), defaultClientScopes=[], **members)
    issuer = realms.issuer(client, users=[realms.user(attributes=ATTRIBUTES, clientRoles={"api": ["r"], "x": ["w"]})])
    return realms.access_claims(realms.password(issuer))


def attribute(name: str, claim: str = "claim", **config: str) -> dict[str, Any]:
    """An attribute mapper that writes into access tokens."""
    return realms.mapper(
        "oidc-usermodel-attribute-mapper", **{**INTO_ACCESS, "user__attribute": name, "claim__name": claim, **config}
    )


@pytest.mark.parametrize(
    ("mapper", "claim"),
    [
        pytest.param(attribute("word"), "w", id="text by default"),
        pytest.param(attribute("email"), "alice@example.com", id="a field of the user"),
        pytest.param(attribute("numbers"), "1", id="the first of several"),
        pytest.param(attribute("numbers", multivalued="true", jsonType__label="int"), [1, 2], id="all of several"),
        pytest.param(attribute("one", multivalued="true"), ["1"], id="a list of one"),
        pytest.param(attribute("one", jsonType__label="long"), 1, id="long"),
        pytest.param(attribute("word", jsonType__label="int"), None, id="no number"),
        pytest.param(attribute("json", jsonType__label="JSON"), {"a": [1]}, id="JSON"),
        pytest.param(attribute("word", jsonType__label="JSON"), None, id="no JSON"),
        pytest.param(attribute("flag", jsonType__label="boolean"), True, id="true"),
        pytest.param(attribute("word", jsonType__label="boolean"), False, id="not true"),
        pytest.param(attribute("missing"), None, id="no such attribute"),
        pytest.param(attribute("emailVerified"), None, id="no attribute but a property"),
        pytest.param(attribute("word", access__token__claim="false"), None, id="not for access tokens"),
        pytest.param(attribute("word", "claim.inner"), {"inner": "w"}, id="one object deeper"),
        pytest.param(
            realms.mapper(
                "oidc-usermodel-property-mapper", **INTO_ACCESS, user__attribute="emailVerified", claim__name="claim"
            ),
            "true",
            id="property as text",
        ),
        pytest.param(
            realms.mapper(
                "oidc-usermodel-property-mapper",
                **INTO_ACCESS,
                user__attribute="enabled",
                claim__name="claim",
                jsonType__label="boolean",
            ),
            True,
            id="property as it is",
        ),
        pytest.param(
            realms.mapper("oidc-usermodel-property-mapper", **INTO_ACCESS, user__attribute="x", claim__name="claim"),
            None,
            id="no such property",
        ),
        pytest.param(
            realms.mapper(
                "oidc-usermodel-realm-role-mapper",
                **INTO_ACCESS,
                multivalued="true",
                claim__name="claim",
                usermodel__realmRoleMapping__rolePrefix="R-",
            ),
            ["R-default-roles-small", "R-offline_access", "R-uma_authorization"],
            id="realm roles with a prefix",
        ),
        pytest.param(
            realms.mapper(
                "oidc-usermodel-client-role-mapper",
                **INTO_ACCESS,
                multivalued="true",
                claim__name="claim",
                usermodel__clientRoleMapping__clientId="x",
            ),
            ["w"],
            id="roles of one client",
        ),
        pytest.param(
            realms.mapper("oidc-usermodel-client-role-mapper", **INTO_ACCESS, multivalued="true", claim__name="claim"),
            ["manage-account", "manage-account-links", "view-profile", "r", "w"],
            id="roles of all clients in one list",
        ),
        pytest.param(
            realms.mapper("oidc-usersessionmodel-note-mapper", **INTO_ACCESS, user__session__note="AUTH_TIME"),
            None,
            id="a note that there is none of",
        ),
        pytest.param(realms.mapper("oidc-audience-mapper", **INTO_ACCESS), None, id="an audience mapper without one"),
    ],
)
def test_a_claim(mapper: dict[str, Any], claim: object) -> None:
    """A mapper writes its claim with the type it names, and none where it has nothing to write."""
    claims = alice_of(mapper)

    assert claims.get("claim") == claim
    assert type(claims.get("claim")) is type(claim)


def test_a_dot_in_a_name() -> None:
    """A dot behind a backslash belongs to the name; two mappers share the object they write into."""
    claims = alice_of(attribute("word", r"https://x\.example"), attribute("one", "a.b"), attribute("word", "a.c"))

    assert claims["https://x.example"] == "w"
    assert claims["a"] == {"b": "1", "c": "w"}


def test_a_text_makes_room_for_an_object() -> None:
    """Where one mapper wrote a text and another goes deeper, the object stays."""
    claims = alice_of(attribute("word", "a"), attribute("word", "a.b"))

    assert claims["a"] == {"b": "w"}


def test_roles_by_client() -> None:
    """`${client_id}` in the claim's name stands for each client that the user has roles of."""
    mapper = realms.mapper(
        "oidc-usermodel-client-role-mapper", **INTO_ACCESS, multivalued="true", claim__name="by.${client_id}.roles"
    )
    claims = alice_of(mapper)

    assert claims["by"]["api"] == {"roles": ["r"]}
    assert claims["by"]["x"] == {"roles": ["w"]}


def test_audiences_add_up() -> None:
    """One audience is a string, two are a list; a client of the realm counts before a free text; none comes twice."""
    one = realms.mapper(
        "oidc-audience-mapper", **INTO_ACCESS, included__client__audience="x", included__custom__audience="y"
    )
    resolve = realms.mapper("oidc-audience-resolve-mapper")

    assert alice_of(one)["aud"] == "x"
    assert alice_of(one, attribute("word", "aud"))["aud"] == ["x", "w"]
    assert alice_of(one, one, resolve)["aud"] == ["x", "account"]


def test_the_client_has_the_last_word() -> None:
    """A client's own mapper overwrites what a client scope wrote."""
    client = realms.client(protocolMappers=[attribute("username", "sub")])

    assert realms.access_claims(realms.password(realms.issuer(client)))["sub"] == "alice"


def test_address_is_one_object() -> None:
    """The address scope collects the attributes of an address, by the names that its mapper gives them."""
    attributes = {"street": ["Main Street 1"], "locality": ["Town"]}
    issuer = realms.issuer(users=[realms.user(attributes=attributes)])
    claims = realms.access_claims(realms.password(issuer, scope="address"))

    assert claims["address"] == {"street_address": "Main Street 1", "locality": "Town"}
    assert "address" not in realms.access_claims(realms.password(realms.issuer(), scope="address"))


def test_a_user_without_names() -> None:
    """Who has no names has no `name`."""
    claims = realms.access_claims(realms.ask(realms.issuer()))

    assert "name" not in claims
    assert claims["preferred_username"] == "service-account-api"


@pytest.mark.parametrize(
    ("members", "origins"),
    [
        ({"webOrigins": ["http://a"]}, ["http://a"]),
        ({"webOrigins": ["*"]}, ["*"]),
        ({"webOrigins": []}, None),
        (
            {
                "webOrigins": ["+", "http://a"],
                "rootUrl": "https://root.example:8443/app",
                "redirectUris": ["https://b.example/cb", "/relative", "*", "app://x", "https://b.example/other"],
            },
            ["https://b.example", "https://root.example:8443", "http://a"],
        ),
    ],
)
def test_allowed_origins(members: dict[str, Any], origins: list[str] | None) -> None:
    """The web origins of the client, with `+` for those of its redirect URIs; absent if there are none."""
    claims = realms.access_claims(realms.ask(realms.issuer(realms.client(**members))))

    assert claims.get("allowed-origins") == origins


def test_organizations_are_not_there() -> None:
    """The organization scope is known and gives nothing: no user of a realm file is a member of one."""
    answer = realms.password(realms.issuer(), scope="organization:* openid")

    assert "organization" not in answer[1]["scope"]
    assert "organization" not in realms.access_claims(answer)


def test_lightweight_tokens_take_only_what_says_so() -> None:
    """A mapper writes into a lightweight token only if it is told to."""
    light = attribute("word", lightweight__claim="true", access__token__claim="false")
    client = realms.client(protocolMappers=[light], attributes={"client.use.lightweight.access.token.enabled": "true"})
    issuer = realms.issuer(client, users=[realms.user(attributes=ATTRIBUTES)])
    claims = realms.access_claims(realms.password(issuer))

    assert sorted(claims) == ["azp", "claim", "exp", "iat", "iss", "jti", "scope", "sid", "typ"]
    assert claims["jti"].startswith("onltro:")


def test_id_tokens_have_mappers_of_their_own() -> None:
    """A mapper may write into ID tokens only."""
    mapper = attribute("word", access__token__claim="false", id__token__claim="true")
    issuer = realms.issuer(realms.client(protocolMappers=[mapper]), users=[realms.user(attributes=ATTRIBUTES)])
    answer = realms.password(issuer, scope="openid")

    assert "claim" not in realms.access_claims(answer)
    assert unverified.claims(answer[1]["id_token"])["claim"] == "w"


def test_an_unknown_mapper_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    """A mapper that is not honoured is never dropped in silence: each kind is one line in the log, with its names."""
    hardcoded = realms.mapper("oidc-hardcoded-claim-mapper", **INTO_ACCESS)
    saml = {"protocol": "saml", "protocolMapper": "saml-role-list-mapper"}
    first, second = realms.client(protocolMappers=[hardcoded, saml]), realms.client("b", protocolMappers=[hardcoded])
    realm = DevRealm(realms.file(first, second), port=8080)
    realm.token()

    assert [(record.name, record.levelno) for record in caplog.records] == [("resource_protector.dev", logging.WARNING)]
    assert "'oidc-hardcoded-claim-mapper' ('the mapper', 'the mapper')" in caplog.text


@pytest.mark.parametrize("path", [DEMO_REALM_FILE, LOCAL_REALM_FILE], ids=lambda path: path.name)
def test_the_example_files_have_only_known_mappers(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Everything in the example realms, and so in Keycloak's built-in scopes, is honoured."""
    DevRealm(path)

    assert not caplog.records

"""The bearer token of a request."""

import pytest

from resource_protector import Reason, TokenRejected
from resource_protector.bearer import bearer_token


@pytest.mark.parametrize(
    "value",
    ["Bearer abc.def-_~+/==", "bEARER abc.def-_~+/==", "Bearer    abc.def-_~+/=="],
    ids=["as in RFC 6750", "the scheme without case", "several spaces"],
)
def test_a_well_formed_token_is_found(value: str) -> None:
    """One bearer token is read as it stands."""
    assert bearer_token([value]) == "abc.def-_~+/=="


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([], id="no field"),
        pytest.param([""], id="empty field"),
        pytest.param(["Basic dXNlcjpwYXNz"], id="Basic"),
        pytest.param(['Digest username="x", realm="y"'], id="Digest with commas"),
        pytest.param(["eyJhbGciOiJub25lIn0.e30."], id="a token without a scheme"),
        pytest.param(["Negotiate x, bearer=y"], id="a parameter named bearer"),
        pytest.param(["Negotiate x,bearer=y, z=1"], id="a parameter named bearer among others"),
        pytest.param(["Negotiate x, bearer-token y"], id="a longer name"),
        pytest.param(["Negotiate x, bearers y"], id="a plural"),
    ],
)
def test_no_credentials_and_other_schemes_are_no_token(values: list[str]) -> None:
    """Where there is no bearer token there is nothing to refuse either."""
    assert bearer_token(values) is None


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["Bearer"], id="nothing after the scheme"),
        pytest.param(["Bearer "], id="only a space after it"),
        pytest.param(["Bearer\tabc"], id="a TAB"),
        pytest.param(["Bearer abc def"], id="two tokens"),
        pytest.param(["Bearer abc,Bearer def"], id="a comma-joined pair"),
        pytest.param(["Basic dXNlcg==, Bearer abc"], id="joined behind another scheme"),
        pytest.param(["Basic dXNlcg==,bearer"], id="joined behind another scheme, and empty"),
        pytest.param(["Negotiate x=y,\tBEARER abc"], id="joined behind parameters of another scheme"),
        pytest.param(["Bearer abc\x00"], id="NUL"),
        pytest.param(["Bearer abc\n"], id="newline"),
        pytest.param(["Bearer ab\u00e9"], id="not ASCII"),
        pytest.param(["Bearer =abc"], id="padding first"),
        pytest.param(["\x00Bearer abc"], id="no scheme"),
        pytest.param(["Bearer abc", "Bearer abc"], id="two fields"),
        pytest.param(["Basic abc", "Bearer abc"], id="two fields of two schemes"),
    ],
)
def test_anything_else_is_a_malformed_request(values: list[str]) -> None:
    """Two readers could disagree about it, so it is refused."""
    with pytest.raises(TokenRejected) as refused:
        bearer_token(values)

    assert refused.value.reason is Reason.MALFORMED_REQUEST
    assert refused.value.status_code == 400

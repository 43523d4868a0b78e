import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.kinds.validation import syntax


@given(st.from_regex("[ -<>-~]+", fullmatch=True))
def test_any_printable_name_without_an_equals_sign_is_a_variable(name: str) -> None:
    assert not syntax.environment_name(name)


@pytest.mark.parametrize("name", ["", "a=b", "a\n", "ä"])
def test_other_names_of_variables_are_refused(name: str) -> None:
    assert syntax.environment_name(name)


@given(st.ip_addresses(v=4))
def test_an_endpoint_may_be_any_address_that_hosts_have(address: object) -> None:
    special = syntax.endpoint_address(str(address))
    assert bool(special) == (
        str(address) == "0.0.0.0"
        or str(address).startswith(("127.", "169.254."))
        or 224 <= int(str(address).partition(".")[0]) < 240
    )


@pytest.mark.parametrize(
    ("path", "fine"), [("a/b", True), ("a..b", True), ("/a", False), ("a/../b", False), ("..", False)]
)
def test_a_path_below_a_volume_is_relative_and_does_not_climb(path: str, fine: bool) -> None:
    assert (not syntax.relative_path(path)) is fine


@pytest.mark.parametrize(("network", "fine"), [("10.0.0.0/8", True), ("10.0.0.1/8", False), ("10.0.0.0/33", False)])
def test_a_network_has_no_host_bits(network: str, fine: bool) -> None:
    assert (not syntax.cidr(network)) is fine

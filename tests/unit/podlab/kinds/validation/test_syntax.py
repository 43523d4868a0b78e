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


@pytest.mark.parametrize(
    ("network", "fault"),
    [
        ("10.0.0.0/8", ""),
        ("0.0.0.0/0", ""),
        ("10.0.0.0/32", ""),
        ("2001:db8::/64", ""),
        ("::/0", ""),
        ("10.0.0.1/8", "must not have bits set beyond the prefix length"),
        ("2001:db8::1/64", "must not have bits set beyond the prefix length"),
        ("010.0.0.0/8", "must not have leading 0s in IP or prefix length"),
        ("10.0.0.0/08", "must not have leading 0s in IP or prefix length"),
        ("::ffff:1.1.1.0/120", "must not have an IPv4-mapped IPv6 address"),
        ("10.0.0.0/33", "must be a valid CIDR value"),
        ("10.0.0.0", "must be a valid CIDR value"),
        ("10.0.0.0/", "must be a valid CIDR value"),
        ("10.0.0.0/255.0.0.0", "must be a valid CIDR value"),
        ("10.0.0.0/+8", "must be a valid CIDR value"),
        ("10.0.0.0/8 ", "must be a valid CIDR value"),
        ("fe80::%eth0/64", "must be a valid CIDR value"),
        ("pods", "must be a valid CIDR value"),
        ("", "must be a valid CIDR value"),
    ],
)
def test_a_network_is_in_cidr_notation_and_has_no_more_bits_than_its_prefix(network: str, fault: str) -> None:
    found = syntax.cidr(network)
    assert (found[0].startswith(fault) and fault != "") if found else fault == ""

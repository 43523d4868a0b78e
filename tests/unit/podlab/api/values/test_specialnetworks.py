from ipaddress import ip_network

import pytest

from podlab.api.values.specialnetworks import special


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("10.244.0.0/16", ""),
        ("192.0.2.200/32", ""),
        ("fd00:10:244::/56", ""),
        ("0.0.0.0/16", "unspecified 0.0.0.0/8"),
        ("127.3.0.0/16", "loopback 127.0.0.0/8"),
        ("169.254.0.0/20", "link-local 169.254.0.0/16"),
        ("224.0.0.0/16", "multicast 224.0.0.0/4"),
        ("255.255.255.255/32", "reserved 240.0.0.0/4"),
        ("fe80::/64", "link-local fe80::/10"),
        ("ff05::/64", "multicast ff00::/8"),
    ],
)
def test_addresses_that_are_no_hosts_are_told_by_what_they_are(network: str, told: str) -> None:
    assert special(ip_network(network)) == told


def test_a_network_that_holds_some_of_them_is_told_too() -> None:
    assert special(ip_network("126.0.0.0/7")) == "loopback 127.0.0.0/8"

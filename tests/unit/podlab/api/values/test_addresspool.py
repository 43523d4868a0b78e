from ipaddress import ip_network

import pytest

from podlab.api.values.addresspool import PoolError, parse_pool


def test_addresses_are_given_in_order_and_a_networks_own_are_left_out() -> None:
    pool = parse_pool(["192.0.2.9", "192.0.2.20-192.0.2.21", "198.51.100.0/30"])
    taken: set[str] = set()
    while address := pool.first_free("IPv4", taken):
        taken.add(address)
    assert taken == {"192.0.2.9", "192.0.2.20", "192.0.2.21", "198.51.100.1", "198.51.100.2"}
    assert pool.first_free("IPv4", taken - {"192.0.2.21"}) == "192.0.2.21"


def test_an_address_is_known_by_the_entry_that_it_is_of() -> None:
    pool = parse_pool(["192.0.2.20-192.0.2.21", "198.51.100.4/31"])
    assert {
        each: getattr(pool.range_of(each), "text", "") for each in ("192.0.2.21", "198.51.100.4", "192.0.2.22", "x")
    } == {
        "192.0.2.21": "192.0.2.20-192.0.2.21",
        "198.51.100.4": "198.51.100.4/31",
        "192.0.2.22": "",
        "x": "",
    }


def test_a_great_network_costs_no_memory() -> None:
    assert parse_pool(["10.0.0.0/8"]).first_free("IPv4", {"10.0.0.1"}) == "10.0.0.2"
    assert parse_pool(["fd00::/16"]).first_free("IPv6", {"fd00::1"}) == "fd00::2"


def test_each_family_has_addresses_of_its_own() -> None:
    pool = parse_pool(["192.0.2.9", "FD00::a-fd00::b"])
    assert pool.families == {"IPv4", "IPv6"}
    assert [pool.first_free(family, ()) for family in ("IPv4", "IPv6")] == ["192.0.2.9", "fd00::a"]
    assert pool.first_free("IPv6", {"fd00::a", "fd00::b"}) == ""
    assert parse_pool(["fd00::4/127"]).first_free("IPv6", ()) == "fd00::4"
    assert getattr(pool.range_of("fd00:0::B"), "text", "") == "FD00::a-fd00::b"


@pytest.mark.parametrize(
    ("entry", "network", "overlaps"),
    [
        ("192.0.2.8-192.0.2.9", "192.0.2.0/29", False),
        ("192.0.2.7-192.0.2.9", "192.0.2.0/29", True),
        ("fd00::/120", "fd00::80/121", True),
        ("fd00::/120", "fd01::/16", False),
        ("2::-2::ff", "0.0.0.0/24", False),
    ],
)
def test_what_overlaps_a_network(entry: str, network: str, overlaps: bool) -> None:
    assert parse_pool([entry]).ranges[0].overlaps(ip_network(network)) is overlaps


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (["192.0.2.300"], "'192.0.2.300': '192.0.2.300' does not appear to be an IPv4 or IPv6 address"),
        (["192.0.2.1/24"], "'192.0.2.1/24': 192.0.2.1/24 has host bits set"),
        (["192.0.2.9-192.0.2.1"], "'192.0.2.9-192.0.2.1': begins after its end; give 192.0.2.1-192.0.2.9"),
        (["192.0.2.9-"], "'192.0.2.9-': "),
        ([""], "'': "),
        (["127.0.0.9"], "'127.0.0.9': overlaps loopback 127.0.0.0/8, which no load balancer can have; give an address"),
        (["223.255.255.250-224.0.0.9"], "'223.255.255.250-224.0.0.9': overlaps multicast 224.0.0.0/4"),
        (["fe80::1-fe80::9"], "'fe80::1-fe80::9': overlaps link-local fe80::/10"),
        (["fd00::1-192.0.2.9"], "'fd00::1-192.0.2.9': begins with one family of addresses and ends with the other"),
        (["fd00::1/64"], "'fd00::1/64': fd00::1/64 has host bits set"),
        (["fd00::/120", "fd00::9"], "'fd00::9' and 'fd00::/120' have addresses in common"),
        (["192.0.2.0/28", "192.0.2.9"], "'192.0.2.9' and '192.0.2.0/28' have addresses in common"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named_with_the_remedy(entries: list[str], told: str) -> None:
    with pytest.raises(PoolError) as raised:
        parse_pool(entries)
    assert str(raised.value).startswith(told)
    assert "give" in str(raised.value)

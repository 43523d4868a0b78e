import pytest

from podlab.api.values.addresspool import PoolError, parse_pool


def test_addresses_are_given_in_order_and_a_networks_own_are_left_out() -> None:
    pool = parse_pool(["192.0.2.9", "192.0.2.20-192.0.2.21", "198.51.100.0/30"])
    taken: set[str] = set()
    while address := pool.first_free(taken):
        taken.add(address)
    assert taken == {"192.0.2.9", "192.0.2.20", "192.0.2.21", "198.51.100.1", "198.51.100.2"}
    assert pool.first_free(taken - {"192.0.2.21"}) == "192.0.2.21"


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
    assert parse_pool(["10.0.0.0/8"]).first_free({"10.0.0.1"}) == "10.0.0.2"


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        (["192.0.2.300"], "'192.0.2.300': Octet 300"),
        (["192.0.2.1/24"], "'192.0.2.1/24': 192.0.2.1/24 has host bits set"),
        (["192.0.2.9-192.0.2.1"], "'192.0.2.9-192.0.2.1': begins after its end; give 192.0.2.1-192.0.2.9"),
        (["192.0.2.9-"], "'192.0.2.9-': "),
        ([""], "'': "),
        (["fd00::1-fd00::9"], "'fd00::1-fd00::9': addresses of load balancers are IPv4 ones; give an address"),
        (["127.0.0.9"], "'127.0.0.9': overlaps loopback 127.0.0.0/8, which no load balancer can have; give an address"),
        (["223.255.255.250-224.0.0.9"], "'223.255.255.250-224.0.0.9': overlaps multicast 224.0.0.0/4"),
        (["192.0.2.0/28", "192.0.2.9"], "'192.0.2.9' and '192.0.2.0/28' have addresses in common"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named_with_the_remedy(entries: list[str], told: str) -> None:
    with pytest.raises(PoolError) as raised:
        parse_pool(entries)
    assert str(raised.value).startswith(told)
    assert "give" in str(raised.value)

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podlab.client.servers import NAME, parse


@pytest.mark.parametrize("one", ["m:7443", "10.0.0.1:7443", "[fd00::1]:7443", "dns:///masters:7443"])
def test_the_only_server_may_be_named_in_any_way_and_is_told_by_its_own_certificate(one: str) -> None:
    servers = parse(one)
    assert servers.target(random.Random(0)) == one
    options = dict(servers.options())
    assert options["grpc.keepalive_time_ms"] == 20_000
    assert "grpc.ssl_target_name_override" not in options


@given(st.lists(st.ip_addresses(v=4), min_size=2, max_size=5, unique=True), st.randoms(use_true_random=False))
def test_each_of_several_is_dialed_in_some_order(hosts: list[object], chance: random.Random) -> None:
    addresses = [f"{host}:7443" for host in hosts]
    target = parse(", ".join(addresses)).target(chance)
    scheme, _, rest = target.partition(":")
    assert scheme == "ipv4"
    assert sorted(rest.split(",")) == sorted(addresses)


def test_clients_share_the_servers() -> None:
    servers = parse("10.0.0.1:7443,10.0.0.2:7443,10.0.0.3:7443")
    firsts = [servers.target(random.Random(seed)).split(",")[0] for seed in range(300)]
    assert all(firsts.count(one) > 60 for one in set(firsts))
    assert len(set(firsts)) == 3


def test_one_of_several_has_to_be_an_api_server_and_is_left_within_two_seconds() -> None:
    options = dict(parse("[fd00::1]:7443,[fd00::2]:7443").options())
    assert options["grpc.ssl_target_name_override"] == NAME
    assert int(options["grpc.keepalive_time_ms"]) + int(options["grpc.http2.ping_timeout_ms"]) < 2000
    assert parse("[fd00::1]:7443,[fd00::2]:7443").target(random.Random(1)).startswith("ipv6:[fd00::")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("m1:7443,m2:7443", '"m1:7443": of several API servers, each is address:port'),
        ("10.0.0.1:7443,10.0.0.2", '"10.0.0.2": of several'),
        ("10.0.0.1:7443,10.0.0.2:0", '"10.0.0.2:0": of several'),
        ("10.0.0.1:7443,", '"": of several'),
        ("10.0.0.1:7443,[fd00::1]:7443", "all addresses are IPv4 ones"),
        ("10.0.0.1:7443,10.0.0.1:7443", "is named twice"),
    ],
)
def test_what_cannot_be_dialed_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse(text)
    assert said in str(refused.value)

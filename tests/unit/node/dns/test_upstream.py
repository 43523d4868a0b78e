from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.dns.record import Record
from node.dns.upstream import BadConfig, UpstreamConfig, asked_about, parse, server, written


def test_nothing_said_is_the_nodes_own_resolvers() -> None:
    found = parse({}, "cluster.local")
    assert found == UpstreamConfig()
    assert found.upstreams(["192.0.2.1@53"]) == {".": ["192.0.2.1@53"]}


def test_all_of_it_is_read() -> None:
    found = parse(
        {
            "forwarders": "192.0.2.1\n192.0.2.2:5353 # second\n",
            "stubDomains": "Corp.Example. 192.0.2.3 [2001:db8::1]:54\n",
            "hosts": "192.0.2.9 db.example DB2.example\n\n# none\n192.0.2.10 db.example\n",
        },
        "cluster.local",
    )
    assert found.upstreams(["198.51.100.1@53"]) == {
        ".": ("192.0.2.1@53", "192.0.2.2@5353"),
        "corp.example": ("192.0.2.3@53", "2001:db8::1@54"),
    }
    assert found.hosts == {
        "db.example": {Record("A", "192.0.2.9"), Record("A", "192.0.2.10")},
        "db2.example": {Record("A", "192.0.2.9")},
        "9.2.0.192.in-addr.arpa": {Record("PTR", "db.example")},
        "10.2.0.192.in-addr.arpa": {Record("PTR", "db.example")},
    }


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"forwards": "192.0.2.1"}, "forwards: not known; use forwarders, hosts, stubDomains"),
        ({"forwarders": "dns.example"}, "forwarders, line 1: 'dns.example' is no address or address:port of a server"),
        (
            {"forwarders": "192.0.2.1\n192.0.2.1:99999"},
            "line 2: '192.0.2.1:99999' is no address .* between 1 and 65535",
        ),
        ({"stubDomains": "corp.example"}, "stubDomains, line 1: corp.example has no server"),
        ({"stubDomains": "cluster.local 192.0.2.1"}, "cluster.local is the cluster's own"),
        ({"hosts": "db.example 192.0.2.1"}, "hosts, line 1: 'db.example' is no IP address; write the address first"),
        ({"hosts": f"192.0.2.1 {'a' * 64}.example"}, "a label has 64 characters"),
        ({"hosts": f"192.0.2.1 {'a.' * 126}ab"}, "a name of 254 characters"),
        ({"hosts": "192.0.2.1 web.default.svc.cluster.local"}, "is the cluster's own; only Services have names there"),
    ],
)
def test_what_cannot_be_used_is_told_by_place_and_value(data: dict[str, str], told: str) -> None:
    with pytest.raises(BadConfig, match=f"ConfigMap kube-system/cluster-dns: .*{told}"):
        parse(data, "cluster.local")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(BadConfig, match=r"a: not known.*forwarders, line 1"):
        parse({"a": "", "forwarders": "x"}, "cluster.local")


def test_lists_are_written_as_a_config_map_would_have_them() -> None:
    data = written(
        ["192.0.2.1"], {"corp.example": ["192.0.2.2", "192.0.2.3:54"]}, {"192.0.2.9": ["a.example", "b.example"]}
    )
    assert data == {
        "forwarders": "192.0.2.1",
        "stubDomains": "corp.example 192.0.2.2 192.0.2.3:54",
        "hosts": "192.0.2.9 a.example b.example",
    }
    assert parse(data, "cluster.local").forwarders == ("192.0.2.1@53",)
    assert written([], {}, {}) == {}
    with pytest.raises(BadConfig, match=r"^the inventory: forwarders, line 1"):
        parse({"forwarders": "x"}, "cluster.local", where="the inventory")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("www.example", "forwarded to 192.0.2.1@53"),
        ("a.corp.example", "stub domain corp.example: forwarded to 192.0.2.2@53"),
        ("corp.example", "stub domain corp.example: forwarded to 192.0.2.2@53"),
    ],
)
def test_who_is_asked_about_a_name_is_said(name: str, said: str) -> None:
    upstreams = {".": ("192.0.2.1@53",), "corp.example": ("192.0.2.2@53",)}
    assert asked_about(name, upstreams) == said
    assert asked_about(name, {".": ()}) == "there is nobody to ask"


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for key in ("forwarders", "stubDomains", "hosts"):
        with suppress(BadConfig):
            parse({key: text}, "cluster.local")


@pytest.mark.parametrize(
    ("text", "found"),
    [("192.0.2.1", "192.0.2.1@53"), ("192.0.2.1:54", "192.0.2.1@54"), ("2001:db8::1", "2001:db8::1@53")],
)
def test_a_server_is_an_address_and_perhaps_a_port(text: str, found: str) -> None:
    assert server(text) == found

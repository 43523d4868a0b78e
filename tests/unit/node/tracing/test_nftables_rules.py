import pytest

from node.tracing.effects import End, LookUp, SendTo, SetMark, To
from node.tracing.nftables_rules import rule_of
from node.tracing.packet import Packet

PACKET = Packet("10.244.1.5", "10.96.0.7", 80, coming_in="podlab0", mark=0x4000)
MAPS = {"blocked": {"10.244.1.0/24": ""}, "pairs": {"10.244.1.5 . 10.96.0.7": ""}, "empty": {}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("accept", True),
        ("ip saddr 10.244.0.0/16 accept", True),
        ("ip saddr != 10.244.0.0/16 drop", False),
        ("ip saddr { 10.244.1.5, 10.244.1.6 } accept", True),
        ("ip daddr 10.96.0.0-10.96.0.6 accept", False),
        ("ip6 saddr fd00::/8 drop", False),
        ("ip saddr @blocked drop", True),
        ("ip saddr != @blocked drop", False),
        ("ip daddr @empty drop", False),
        ("ip daddr @elsewhere drop", None),
        ("ip saddr . ip daddr @pairs accept", True),
        ("tcp dport 80 accept", True),
        ("tcp dport { 22, 8000-8080 } accept", False),
        ("udp dport 80 accept", False),
        ("meta l4proto tcp accept", True),
        ("meta nfproto ipv6 drop", False),
        ('iifname "podlab0" accept', True),
        ('iifname "docker*" accept', False),
        ("ct state established,related accept", False),
        ("ct state new accept", True),
        ("ct state { established, related } accept", False),
        ("ct status dnat accept", False),
        ("fib daddr type local accept", False),
        ("meta mark & 0x00004000 == 0x00004000 accept", True),
        ("meta mark 0x00000001 accept", False),
        ("tcp flags != syn / fin,syn,rst,ack drop", False),
        ("tcp flags & (fin|syn|rst|ack) != syn drop", False),
        ("ip ttl 1 drop", None),
        ("limit rate 10/second accept", None),
        ("counter packets 3 bytes 180 accept", True),
    ],
)
def test_a_rule_is_about_a_packet_or_not_or_nobody_here_can_tell(text: str, expected: bool | None) -> None:
    held = [match.holds(PACKET, MAPS) for match in rule_of(text).matches]
    assert (False if False in held else None if None in held else True) is expected


@pytest.mark.parametrize(
    ("text", "effects"),
    [
        ("dnat to 10.244.1.9:8080", [SendTo(("10.244.1.9:8080",))]),
        (
            "dnat ip to numgen random mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080 }",
            [SendTo(("10.244.0.2:8080", "10.244.0.3:8080"))],
        ),
        (
            "dnat ip to ip daddr . meta l4proto . th dport map @endpoints-0",
            [LookUp(("destination", "protocol", "port"), "endpoints-0", endpoints=True)],
        ),
        ("numgen random mod 2 vmap { 0 : goto a, 1 : goto b }", [To(("a", "b"), stays=True)]),
        (
            "ip daddr . meta l4proto . th dport vmap @services",
            [LookUp(("destination", "protocol", "port"), "services")],
        ),
        ("meta mark set meta mark | 0x00004000 goto x", [SetMark(0x4000, 0x4000), To(("x",), stays=True)]),
        (
            "meta mark set meta mark ^ 0x4000 masquerade fully-random",
            [SetMark(0, 0x4000), End("masquerade", "fully-random")],
        ),
        ("ct state new jump refuse", [To(("refuse",))]),
        ("reject with tcp reset", [End("reject", "with tcp reset")]),
    ],
)
def test_what_a_rule_does_is_understood(text: str, effects: list[object]) -> None:
    assert list(rule_of(text).effects) == effects


def test_our_words_and_those_of_nft_mean_the_same() -> None:
    for ours, theirs in (
        ("meta mark set meta mark | 0x4000", "meta mark set meta mark | 0x00004000"),
        (
            "tcp flags & (fin|syn|rst|ack) != syn ip saddr @isolated drop",
            "tcp flags != syn / fin,syn,rst,ack ip saddr @isolated drop",
        ),
        ("reject with icmp type port-unreachable", "reject"),
        ("ip saddr { 192.0.2.2, 192.0.2.1 } goto x", "ip saddr { 192.0.2.1, 192.0.2.2 } goto x"),
        ("ip saddr 10.0.0.0-10.0.255.255 accept", "ip saddr 10.0.0.0/16 accept"),
        ("dnat ip to 10.244.0.2:80", "counter packets 0 bytes 0 dnat to 10.244.0.2:80"),
    ):
        assert rule_of(ours) == rule_of(theirs)

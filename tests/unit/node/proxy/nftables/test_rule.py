import pytest

from node.proxy.nftables.rule import NftRule


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (NftRule(look_up="services"), "ip daddr . meta l4proto . th dport vmap @services"),
        (
            NftRule(destinations=("192.0.2.0/24", "198.51.100.1"), local_destination=True, look_up_port="node-ports"),
            "ip daddr { 192.0.2.0/24, 198.51.100.1 } fib daddr type local meta l4proto . th dport vmap @node-ports",
        ),
        (NftRule(not_source="10.244.0.0/16", marks=True), "ip saddr != 10.244.0.0/16 meta mark set meta mark | 0x4000"),
        (NftRule(one_of=("a", "b")), "numgen random mod 2 vmap { 0 : goto a, 1 : goto b }"),
        (NftRule(protocol="tcp", dnat_to=("10.244.0.5:80",)), "meta l4proto tcp dnat ip to 10.244.0.5:80"),
        (
            NftRule(protocol="udp", dnat_to=("10.244.0.5:53", "10.244.0.6:53")),
            "meta l4proto udp dnat ip to numgen random mod 2 map { 0 : 10.244.0.5 . 53, 1 : 10.244.0.6 . 53 }",
        ),
        (
            NftRule(translated=True, marked=True, unmarks=True, verdict="masquerade"),
            "ct status dnat meta mark & 0x4000 == 0x4000 meta mark set meta mark ^ 0x4000 masquerade",
        ),
        (
            NftRule(protocol="tcp", remembers="clients", dnat_to=("10.244.0.5:80",)),
            "meta l4proto tcp update @clients { ip saddr } dnat ip to 10.244.0.5:80",
        ),
    ],
)
def test_a_rule_is_written_as_nft_reads_it(rule: NftRule, text: str) -> None:
    assert rule.text() == text


def test_what_a_rule_matches_is_counted_before_it_acts() -> None:
    assert NftRule(protocol="tcp", verdict="reject with tcp reset").counted() == (
        "meta l4proto tcp counter reject with tcp reset"
    )
    assert NftRule(look_up="services").counted() == f"counter {NftRule(look_up='services').text()}"

"""A new connection to port 7443 is followed through the rules that a host's tools print."""

import pytest

from podlab.deploy.preflight.firewall import answers_closing_rule, closing_rule

UFW = """\
*filter
:INPUT DROP [0:0]
:ufw-before-input - [0:0]
:ufw-user-input - [0:0]
-A INPUT -j ufw-before-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -p icmp -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT
{rule}
COMMIT
"""
POLICY = "the policy of iptables' chain INPUT, DROP"


@pytest.mark.parametrize(
    ("rules", "closed_by"),
    [
        ("", ""),
        (":INPUT ACCEPT [0:0]", ""),
        (":INPUT DROP [0:0]", POLICY),
        (":INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT", POLICY),
        (":INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 7443 -j ACCEPT", ""),
        (":INPUT DROP [0:0]\n-A INPUT -p tcp -m multiport --dports 6443,7000:7500 -j ACCEPT", ""),
        (":INPUT DROP [0:0]\n-A INPUT -p udp -m udp --dport 7443 -j ACCEPT", POLICY),
        # From somewhere else, or now and then: not sure to be for us.
        (":INPUT DROP [0:0]\n-A INPUT -s 203.0.113.0/24 -j ACCEPT", POLICY),
        (
            ":INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT",
            "iptables' rule `-A INPUT -j REJECT`",
        ),
        (":INPUT ACCEPT [0:0]\n-A INPUT ! -i lo -p tcp -j DROP", "iptables' rule `-A INPUT ! -i lo -p tcp -j DROP`"),
        (
            ":INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp ! --dport 22 -j DROP",
            "iptables' rule `-A INPUT -p tcp -m tcp ! --dport 22 -j DROP`",
        ),
        (":INPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate INVALID -j DROP", ""),
        (
            ":INPUT ACCEPT [0:0]\n:A - [0:0]\n-A INPUT -j A\n-A A -j RETURN\n-A INPUT -j DROP",
            "iptables' rule `-A INPUT -j DROP`",
        ),
        (":INPUT ACCEPT [0:0]\n:A - [0:0]\n-A INPUT -j A\n-A A -j A", ""),
        (UFW.format(rule=""), POLICY),
        (UFW.format(rule="-A ufw-user-input -p tcp -m tcp --dport 7443 -j ACCEPT"), ""),
        (
            UFW.format(rule="-A ufw-user-input -p tcp -m tcp --dport 7443 -j REJECT"),
            "iptables' rule `-A ufw-user-input -p tcp -m tcp --dport 7443 -j REJECT`",
        ),
    ],
)
def test_the_rule_of_iptables_that_stops_the_connection_is_found(rules: str, closed_by: str) -> None:
    assert closing_rule({"iptables": rules, "nftables": ""}, 7443) == closed_by


CHAIN = "nftables' chain input of table inet filter"
NFT = """\
table inet filter {{
	chain input {{
		type filter hook input priority filter; policy {policy};
		iif "lo" accept
		ct state established,related accept
		ct state invalid drop
		tcp dport 22 accept
{rule}
	}}
	chain forward {{
		type filter hook forward priority filter; policy drop;
	}}
}}
"""


@pytest.mark.parametrize(
    ("policy", "rule", "closed_by"),
    [
        ("accept", "", ""),
        ("drop", "", f"{CHAIN}, whose policy is drop"),
        ("drop", "\t\ttcp dport 7443 accept", ""),
        ("drop", "\t\ttcp dport { 6443, 7440-7450 } accept", ""),
        ("accept", "\t\tcounter packets 1 bytes 60 drop", f"{CHAIN}: `counter packets 1 bytes 60 drop`"),
        ("accept", "\t\ttcp dport 7443 reject with tcp reset", f"{CHAIN}: `tcp dport 7443 reject with tcp reset`"),
        ("accept", "\t\ttcp dport 80 drop", ""),
    ],
)
def test_the_rule_of_nftables_that_stops_the_connection_is_found(policy: str, rule: str, closed_by: str) -> None:
    assert closing_rule({"iptables": "", "nftables": NFT.format(policy=policy, rule=rule)}, 7443) == closed_by


@pytest.mark.parametrize(
    ("printed", "closed_by"),
    [
        ({"iptables": ":INPUT DROP [0:0]"}, POLICY),
        ({"iptables": UFW.format(rule="")}, ""),
        ({"iptables": ":INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 7443 -j ACCEPT"}, POLICY),
        ({"nftables": NFT.format(policy="drop", rule="")}, ""),
    ],
)
def test_the_rule_that_stops_answers_is_found(printed: dict[str, str], closed_by: str) -> None:
    assert answers_closing_rule(printed) == closed_by

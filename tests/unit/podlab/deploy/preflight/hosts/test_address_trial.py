from ipaddress import IPv4Address

from node.loadbalancer import arp
from podlab.deploy.preflight.hosts import address_trial

MAC, OTHER = bytes.fromhex("02aabbccdd01"), bytes.fromhex("02aabbccdd02")
ADDRESS = IPv4Address("192.0.2.9")


def test_a_probe_is_the_one_of_rfc_5227() -> None:
    assert address_trial.probe("192.0.2.9", MAC) == arp.probe(ADDRESS, MAC)
    assert address_trial.claim(address_trial.probe("192.0.2.9", MAC)) is None, "who asks claims nothing"


def test_who_answers_and_who_announces_claim_their_addresses() -> None:
    question = arp.parse(arp.probe(ADDRESS, MAC))
    assert question
    claimed = ("192.0.2.9", "02:aa:bb:cc:dd:02")
    assert address_trial.claim(arp.reply(question, OTHER)) == claimed
    assert [address_trial.claim(each) for each in arp.announcements(ADDRESS, OTHER)] == [claimed, claimed]


def test_frames_of_other_kinds_claim_nothing() -> None:
    answer = arp.announcements(ADDRESS, OTHER)[0]
    assert address_trial.claim(answer[:30]) is None
    assert address_trial.claim(answer[:12] + b"\x86\xdd" + answer[14:]) is None


def test_the_interface_is_the_one_with_the_masters_own_address() -> None:
    shown = """1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 198.51.100.1/24 brd 198.51.100.255 scope global eth0\\       valid_lft forever preferred_lft forever
3: eth1    inet 192.0.2.1/24 brd 192.0.2.255 scope global eth1\\       valid_lft forever preferred_lft forever
3: eth1    inet 192.0.2.9/32 scope global eth1\\       valid_lft forever preferred_lft forever
"""
    assert address_trial.device_of("192.0.2.1", shown) == "eth1"
    assert address_trial.device_of("192.0.2.2", shown) == ""

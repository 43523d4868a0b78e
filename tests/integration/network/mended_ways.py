"""What others do to a node's ways is mended by the next look, and what is theirs is left as it is."""

from __future__ import annotations

from podlab_testing.segments import Segments, at, run

# What another program has: a rule, a table of its own, a route, a VXLAN device and an address.
FOREIGN = """
ip rule add from 203.0.113.0/24 table 77
ip route add 203.0.113.0/24 via 192.0.2.254 table 77
ip route add 203.0.113.128/25 via 192.0.2.254 proto 113
ip link add others type vxlan id 5 dstport 4789 local 192.0.2.1 nolearning
ip link set others up
ip address add 203.0.113.1/32 dev others
bridge fdb append 02:50:c6:33:64:03 dev others dst 192.0.2.77
ip neigh add 192.0.2.78 lladdr 02:00:00:00:00:01 dev eth0 nud permanent
"""
DAMAGE = (
    "ip route del 10.244.3.0/24",
    "ip route del 10.244.2.0/24",
    "ip -6 route del fd00:3::/64",
    "ip neigh del 10.244.3.0 dev podlab-vxlan",
    "bridge fdb del 02:50:c6:33:64:03 dev podlab-vxlan",
    "bridge fdb replace 02:50:c6:33:64:03 dev podlab-vxlan dst 192.0.2.66",
    "bridge fdb add 02:00:00:00:00:09 dev podlab-vxlan dst 192.0.2.66",
    "ip neigh add 10.244.9.0 lladdr 02:00:00:00:00:09 dev podlab-vxlan nud permanent",
    "ip address flush dev podlab-vxlan",
    "ip address add 10.9.9.9/32 dev podlab-vxlan",
    "ip link set podlab-vxlan mtu 1400",
    "ip link set podlab-vxlan down",
    "ip link set podlab-vxlan address 02:00:00:00:00:07",
    "ip link del podlab-vxlan",
    "ip link del podlab-vxlan; ip link add podlab-vxlan type vxlan id 112 dstport 8472 local 192.0.2.1",
    "ip link del podlab-vxlan; ip link add podlab-vxlan type bridge",
)


def ours() -> list[str]:
    """All that stands of ours on n1; the device's number left out."""
    routes = [at("n1", "ip", family, "route", "show", "proto", "112") for family in ("-4", "-6")]
    if "podlab-vxlan" not in at("n1", "ip", "link"):
        return routes
    on_device = (
        "ip neigh show nud permanent dev podlab-vxlan",
        "bridge fdb show dev podlab-vxlan",
        "ip -br address show scope global dev podlab-vxlan",
    )
    lines = [sorted(at("n1", *command.split()).splitlines()) for command in on_device]
    link = at("n1", "ip", "-o", "-d", "link", "show", "podlab-vxlan").partition(":")[2]
    return [*routes, *(line for found in lines for line in found), link]


def theirs() -> list[str]:
    commands = (
        "ip rule",
        "ip route show table 77",
        "ip route show proto 113",
        "ip route show default",
        "bridge fdb show dev others",
        "ip -br address show dev others",
        "ip -br address show dev eth0",
        "ip neigh show 192.0.2.78",
    )
    return [at("n1", *command.split()) for command in commands]


def damage_is_mended(segments: Segments, command: str, before: list[str], foreign: list[str]) -> None:
    run("ip", "netns", "exec", "n1", "sh", "-c", f"{command}")
    assert ours() != before, f"{command} changes nothing"
    segments.connect("n1")
    assert ours() == before, f"after {command}:\n" + "\n".join(sorted({*ours()} ^ {*before}))
    assert theirs() == foreign, command


def main() -> None:
    segments = Segments()
    at("n1", "sh", "-ec", FOREIGN)
    foreign = theirs()
    segments.connect("n1")
    before = ours()
    segments.connect("n1")
    assert ours() == before
    for command in DAMAGE:
        damage_is_mended(segments, command, before, foreign)

    segments.connect("n1", without="n3")  # a node goes
    assert not [line for line in ours() if "10.244.3" in line or "fd00:3" in line or "198.51.100.3" in line], ours()
    at("n1", "sh", "-ec", "ip route add 10.244.3.0/24 via 192.0.2.254")  # somebody else takes its place
    segments.connect("n1")
    (problem,) = segments.problems("n1")
    assert "another program's route stands there (ip route show 10.244.3.0/24)" in problem, problem
    assert "10.244.3.0/24 via 192.0.2.254 dev eth0" in at("n1", "ip", "route")
    assert "10.244.2.0/24 via 192.0.2.2 dev eth0 proto 112" in at("n1", "ip", "route")  # and harms no other node
    at("n1", "ip", "route", "del", "10.244.3.0/24")
    segments.connect("n1")
    assert ours() == before
    assert theirs() == foreign


if __name__ == "__main__":
    main()

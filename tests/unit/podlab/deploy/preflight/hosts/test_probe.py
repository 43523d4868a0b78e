"""What the probe reads of a host's own settings, from files and sockets of the test's."""

import socket
import threading
from pathlib import Path

import pytest

from podlab.deploy.preflight.hosts import probe

RUNS = {"ActiveState": "active"}


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_files_that_networkd_reads_before_podlab_s_are_found_in_its_order(tmp_path: Path) -> None:
    write(tmp_path, "usr/lib/systemd/network/00-b.network", "of the distribution")
    write(tmp_path, "usr/lib/systemd/network/00-c.network", "replaced")
    write(tmp_path, "etc/systemd/network/00-c.network", "of the host")
    write(tmp_path, "run/systemd/network/00-a.network", "made at boot")
    write(tmp_path, "etc/systemd/network/00-podlab.network", "ours")
    write(tmp_path, "etc/systemd/network/10-later.network", "later")
    write(tmp_path, "etc/systemd/network/00-a.link", "of udev")
    found = probe.link_managers({"systemd-networkd": RUNS}, str(tmp_path))
    assert found == {
        "networkd": {
            "/run/systemd/network/00-a.network": "made at boot",
            "/usr/lib/systemd/network/00-b.network": "of the distribution",
            "/etc/systemd/network/00-c.network": "of the host",
        },
        "dhcpcd": None,
    }


def test_dhcpcd_s_links_are_found_where_it_runs(tmp_path: Path) -> None:
    write(tmp_path, "etc/dhcpcd.conf", "hostname\ndenyinterfaces veth*\n# denyinterfaces x\ndenyinterfaces podlab*\n")
    assert probe.link_managers({"dhcpcd": RUNS}, str(tmp_path))["dhcpcd"] == {"deny": "veth* podlab*", "allow": ""}
    assert probe.link_managers({}, str(tmp_path)) == {"networkd": None, "dhcpcd": None}


def test_a_host_s_cluster_is_found_by_whom_it_believes(tmp_path: Path) -> None:
    assert probe.membership(str(tmp_path)) == {"authorities": "", "clusters": []}
    write(tmp_path, "etc/hosts", "127.0.0.1 localhost\n# BEGIN podlab home\n192.0.2.1 m1\n# END podlab home\n")
    write(tmp_path, "etc/podlab/pki/etcd-ca.crt", "of etcd alone")
    assert probe.membership(str(tmp_path)) == {"authorities": "of etcd alone", "clusters": ["home"]}
    write(tmp_path, "etc/podlab/pki/ca.crt", "of all")
    assert probe.membership(str(tmp_path))["authorities"] == "of all"


def test_a_name_server_answers_or_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        try:
            server.bind(("127.0.53.1", 53))
        except PermissionError:
            pytest.skip("port 53 needs root")

        def answer() -> None:
            question, client = server.recvfrom(512)
            server.sendto(question[:2] + b"\x81\x80" + question[4:], client)

        served = threading.Thread(target=answer)
        served.start()
        found = probe.resolvers("search x\nnameserver 127.0.53.2\nnameserver 127.0.53.1\n")
        served.join()
    assert found == {"127.0.53.2": False, "127.0.53.1": True}
    monkeypatch.setattr(probe, "NAMES_WITHIN_S", 0.05)
    assert probe.resolvers("nameserver 127.0.53.2\n") == {"127.0.53.2": False}
    assert probe.resolvers("# none\n") == {}

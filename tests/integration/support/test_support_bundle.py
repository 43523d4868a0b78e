"""`podlab support-bundle` over real SSH and of a real API server; planted secrets are nowhere in the archive."""

import base64
import os
import tarfile
from pathlib import Path

import pytest
import yaml
from podlab_testing.cluster import Cluster
from podlab_testing.command_line import Podlab, configure
from podlab_testing.ssh_server import SSHD, Server, ssh_server

pytestmark = pytest.mark.skipif(
    SSHD is None or os.geteuid() != 0, reason="a server of our own needs openssh-server and root"
)
TOKEN, DATA, PASSWORD = "t0k3n-planted", "correct horse planted", "planted-xyzzy"
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "annotations": {"note": f"it is {DATA}"}},
    "stringData": {"word": DATA},
}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "planted-config"}}
TEMPLATE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "x:1",
                "args": ["--password=planted-argument", f"--word={DATA}"],
                "env": [{"name": "API_KEY", "value": "planted-variable"}, {"name": "LEVEL", "value": "debug"}],
            }
        ]
    },
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE},
}


def inventory(folder: Path, server: Server) -> Path:
    fit = {
        "ansible_host": "127.0.0.1",
        "ansible_user": "root",
        "ansible_become": False,
        "ansible_ssh_private_key_file": str(server.key),
        "ansible_ssh_common_args": server.arguments(),
        "ansible_control_path": "%(directory)s/{}",
        "ansible_become_password": PASSWORD,
        "podlab_network_mtu": 1400,
        "node_labels": {"note": f"{PASSWORD}-by-mistake"},
    }
    hosts = {
        name: {**fit, "ansible_control_path": f"{folder}/{name}", "ansible_port": port}
        for name, port in (("m1", server.port), ("n1", 1))
    }
    groups = {"masters": {"hosts": {"m1": hosts["m1"]}}, "nodes": {"hosts": {"n1": hosts["n1"]}}}
    path = folder / "hosts.yml"
    path.write_text(yaml.safe_dump({"all": {"children": groups}}))
    return path


def texts(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as tar:
        found = {member.name: tar.extractfile(member) for member in tar}
        return {name.partition("/")[2]: file.read().decode() for name, file in found.items() if file is not None}


async def collected(podlab: Podlab, server: Server) -> tuple[dict[str, str], str]:
    hosts = inventory(podlab.directory, server)
    state = podlab.directory / ".podlab/test"
    words = ("-i", str(hosts), "-o", "b.tar.gz", "-e", f"podlab_state_dir={state}", "-e", "podlab_cluster=test")
    done = await podlab("support-bundle", *words)
    assert done.code == 0, done
    return texts(podlab.directory / "b.tar.gz"), done.err


async def test_a_bundle_has_what_is_known_and_no_secret(tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "sshd").mkdir()
    podlab = configure(tmp_path, cluster.server, cluster.authority.tls())
    podlab.write(".podlab/test/pki/tokens.csv", f'{TOKEN},admin,1,"system:masters"\n')
    planted_key = "MC4CAQAwBQYDK2VwBCIEIPLANTED"
    podlab.write(
        ".podlab/test/pki/m1/x.key", f"-----BEGIN PRIVATE KEY-----\n{planted_key}\n-----END PRIVATE KEY-----\n"
    )
    noted = {**CONFIG, "metadata": {"name": "c", "annotations": {"a": TOKEN, "b": f"see {planted_key}"}}}
    podlab.write("all.yaml", yaml.safe_dump_all([SECRET, noted, DEPLOYMENT]))
    await podlab.ok("apply", "-f", "all.yaml")
    with ssh_server(tmp_path / "sshd") as server:
        found, warned = await collected(podlab, server)
    assert "n1 is not in it" in warned
    assert "host n1 is missing: it cannot be used: " in found["README.txt"]
    assert "Linux" in found["hosts/m1/versions/kernel.txt"]
    assert '"podlab_network_mtu": 1400' in found["hosts/m1/settings/inventory.json"]
    assert '"name": "web"' in found["cluster/objects/apps/deployments.json"]
    assert "debug" in found["cluster/objects/apps/deployments.json"]
    assert '"name": "db"' in found["cluster/objects/core/secrets.json"]
    whole = "\n".join(found.values())
    words = (TOKEN, DATA, base64.b64encode(DATA.encode()).decode(), PASSWORD, planted_key)
    for planted in (*words, "planted-config", "planted-argument", "planted-variable"):
        assert planted not in whole


async def test_without_an_api_server_the_hosts_are_told_and_it_is_said(tmp_path: Path, cluster: Cluster) -> None:
    (tmp_path / "sshd").mkdir()
    podlab = configure(tmp_path, "127.0.0.1:1", cluster.authority.tls())
    with ssh_server(tmp_path / "sshd") as server:
        found, warned = await collected(podlab, server)
    assert "Connection refused" in warned
    assert "missing: the API server was not asked for objects" in found["README.txt"]
    assert "hosts/m1/network/addresses.txt" in found

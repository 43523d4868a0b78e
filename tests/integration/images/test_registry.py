"""The cluster's own registry: docker-registry and containerd with the files that the roles place on hosts."""

from __future__ import annotations

import grp
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from ssl import create_default_context

import pytest
from jinja2 import Environment
from podlab_testing import containerd
from podlab_testing.ansible_code import load
from podlab_testing.ports import reserved_ports
from podlab_testing.source_code import PROJECT
from podlab_testing.waiting import WITHIN_S

from node.kubelet.cri.containerd import Containerd
from node.kubelet.cri.runtime import RuntimeFailure
from podlab.deploy import certificates
from podlab.deploy.images import build

HELLO, NAME = "podlab.local/hello:1.0", "registry.podlab.local:5000/team/app:1"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not containerd.CONTAINERD.exists() or not containerd.REGISTRY.exists(),
    reason="containerd needs root; `scripts/bootstrap servers` installs it and docker-registry",
)


@dataclass(frozen=True)
class Registry:
    """At 127.0.0.1; `authorization` is what nodes send it."""

    port: int
    ca: Path
    authorization: str

    def status(self, headers: dict[str, str]) -> int:
        connection = HTTPSConnection("127.0.0.1", self.port, context=create_default_context(cafile=self.ca), timeout=5)
        try:
            connection.request("GET", "/v2/", headers=headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()


def rendered(role: str, template: str, **known: object) -> str:
    text = (PROJECT / "playbooks/roles" / role / "templates" / template).read_text()
    return Environment(trim_blocks=True).from_string(text).render(**known)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """With a certificate of the cluster's CA, and the password that the module makes."""
    pki, own = tmp_path / "pki", tmp_path / "own"
    hosts = {"m1": "127.0.0.1"}
    certificates.ensure(pki, certificates.wanted(hosts, {}, [], "10.96.0.0/16", registry="m1"))
    group = grp.getgrgid(os.getgid()).gr_name
    _, authorization = load("podlab_registry").ensured({"directory": str(own), "group": group}, check=False)
    with reserved_ports(1) as (port,), (tmp_path / "log").open("wb") as log:
        text = rendered("registry", "config.yml.j2", podlab_ports={"registry": port})
        for there, here in (("/etc/podlab/pki", pki / "m1"), ("/etc/podlab/registry", own), ("/var/lib/podlab", own)):
            text = text.replace(there, str(here))
        (own / "config.yml").write_text(text)
        command = [str(containerd.REGISTRY), "serve", str(own / "config.yml")]
        with subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                made = Registry(port, pki / "ca.crt", authorization)
                _wait(made, process, tmp_path / "log")
                yield made
            finally:
                process.terminate()
                process.wait(timeout=WITHIN_S)


def test_the_registry_is_for_those_who_know_the_password(registry: Registry) -> None:
    assert registry.status({"Authorization": f"Basic {registry.authorization}"}) == 200
    assert registry.status({"Authorization": "Basic cG9kbGFiOm5v"}) == 401
    assert registry.status({}) == 401


async def test_nodes_push_to_it_and_pods_pull_from_it_without_secrets(registry: Registry, tmp_path: Path) -> None:
    with containerd.running_containerd() as own:
        folder = own.certs / "registry.podlab.local:5000"
        folder.mkdir()
        known = {"runtime_registry_address": f"127.0.0.1:{registry.port}"}
        text = rendered("runtime", "hosts.toml.j2", **known, runtime_registry={"authorization": registry.authorization})
        (folder / "hosts.toml").write_text(text.replace("/etc/podlab/pki/ca.crt", str(registry.ca)))
        own.ctr("images", "import", str(build(HELLO, tmp_path)))
        own.ctr("images", "tag", HELLO, NAME)
        own.ctr("images", "push", "--hosts-dir", str(own.certs), NAME)
        own.ctr("images", "remove", NAME)
        runtime = Containerd(own.endpoint)
        try:
            await runtime.pull(NAME, None)
            found = await runtime.image(NAME)
            assert found is not None
            assert NAME in found.names
            with pytest.raises(RuntimeFailure, match="not found"):
                await runtime.pull(NAME.replace("app:1", "none:1"), None)
        finally:
            await runtime.close()


def _wait(registry: Registry, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            registry.status({})
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return

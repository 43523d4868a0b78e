import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from testinfra.host import Host as Machine

from podlab import pki
from podlab.client.config import ClientConfig
from podlab.deploy.preflight.checks.requirements import PORTS
from podlab.deploy.verify import tls_probe
from podlab.deploy.verify.machines import run_script
from podlab.ports import ETCD as ETCD_CLIENTS
from podlab.ports import KUBELET_HTTPS, REST

# What is the cluster's own: etcd has an authority of its own, and is asked below.
COMPONENTS = {
    group: tuple(f"{name}:{port}" for port, name in ports.items()) for group, ports in PORTS.items() if group != "etcd"
}
ETCD = {"etcd": tuple(f"{name}:{port}" for port, name in PORTS["etcd"].items())}
# Kubernetes' REST API lets anybody ask for health and version, so that a load balancer can; a kubelet's HTTPS takes
# bearer tokens, too, and says so (401) to who shows nothing.
TOKENS_TOO = (f":{REST}", f":{KUBELET_HTTPS}")
CERTIFICATES_ONLY = {
    group: tuple(name for name in names if not name.endswith(TOKENS_TOO)) for group, names in COMPONENTS.items()
}


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A certificate with its key that claims to be the administrator's, signed by a CA that no host knows."""
    folder = tmp_path_factory.mktemp("stranger")
    pki.ensure_certificate(pki.ensure_ca(folder), folder, "admin", "kubernetes-admin", ["system:masters"], [])
    return (folder / "admin.crt").read_text() + (folder / "admin.key").read_text()


@pytest.fixture(scope="session")
def call_host(machines: dict[str, Machine], client_config: ClientConfig, stranger: str) -> Callable[[str, str], Any]:
    """Makes all calls to a component of a host, once for all checks, and tells what came of each."""
    ca = client_config.tls.ca.read_text()

    @cache
    def call(host_name: str, component: str) -> Any:
        name, _, port = component.partition(":")
        asked = {"port": port, "ca": ca, "stranger": stranger, "own": f"/etc/podlab/pki/{name}"}
        return run_script(machines[host_name], tls_probe, json.dumps(asked))

    return call


@pytest.fixture
def calls(call_host: Callable[[str, str], Any], machine: Machine, host_name: str, component: str) -> Any:
    outcome = call_host(host_name, component)
    unit = f"podlab-{component.partition(':')[0]}"
    assert outcome["listening"], f"nothing listens on {component}; see journalctl -u {unit}"
    return outcome


@pytest.mark.each("component", COMPONENTS)
def test_a_component_serves_its_cluster_by_tls(calls: Any) -> None:
    """{component} answers callers of its cluster, by TLS 1.2 or newer and with a certificate of the cluster's CA."""
    own = calls["own"]
    assert own["answered"], f"a call with the component's own certificate failed: {own['error'] or 'no answer'}"
    assert own["tls"] in ("TLSv1.2", "TLSv1.3"), f"it speaks {own['tls']}"


@pytest.mark.each("component", COMPONENTS)
def test_a_component_refuses_plain_text(calls: Any) -> None:
    """{component} refuses callers without TLS."""
    assert not calls["plain"]["answered"], "it answered a caller in plain text"


@pytest.mark.each("component", CERTIFICATES_ONLY)
def test_a_component_refuses_anonymous_callers(calls: Any) -> None:
    """{component} refuses callers without a certificate."""
    assert not calls["anonymous"]["answered"], "it answered a caller that showed no certificate"


@pytest.mark.each("component", COMPONENTS)
def test_a_component_refuses_strangers(calls: Any) -> None:
    """{component} refuses callers with a certificate of an unknown CA."""
    assert not calls["stranger"]["answered"], "it answered a caller whose certificate another CA signed"


@pytest.mark.each("component", ETCD)
def test_etcd_is_for_those_of_its_own_authority_alone(
    machine: Machine, component: str, stranger: str, client_config: ClientConfig
) -> None:
    """{component} is for those with a certificate of etcd's own authority, and for no others of the cluster."""
    name, _, port = component.partition(":")
    authority = machine.file(f"/etc/podlab/pki/{name}-ca.crt").content_string
    admin = client_config.tls.cert.read_text() + client_config.tls.key.read_text()
    for shown, whose in ((stranger, "a stranger's"), (admin, "the administrator's")):
        asked = {"port": port, "ca": authority, "stranger": shown, "own": f"/etc/podlab/pki/{name}"}
        calls: Any = run_script(machine, tls_probe, json.dumps(asked))
        assert calls["listening"], f"nothing listens on {component}; see journalctl -u podlab-etcd"
        if port == str(ETCD_CLIENTS):  # members tell each other nothing that begins as gRPC does
            assert calls["own"]["answered"], f"a member's call failed: {calls['own']['error'] or 'no answer'}"
        assert not calls["plain"]["answered"], "it answered a caller in plain text"
        assert not calls["anonymous"]["answered"], "it answered a caller that showed no certificate"
        assert not calls["stranger"]["answered"], f"it answered a caller with {whose} certificate"

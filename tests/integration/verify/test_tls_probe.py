"""The probe against real gRPC servers: those that a component runs, and those that it must never be."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from podlab_testing.waiting import WITHIN_S

from podlab import pki
from podlab.deploy.verify import tls_probe
from podlab.tls import Tls


@pytest.fixture
def own(tmp_path: Path) -> Tls:
    return certificate(tmp_path / "own")


def certificate(folder: Path) -> Tls:
    """A component's certificate, of a CA of its own."""
    pki.ensure_certificate(pki.ensure_ca(folder), folder, "kubelet", "system:node:n1", ["system:nodes"], ["127.0.0.1"])
    return Tls(ca=folder / "ca.crt", cert=folder / "kubelet.crt", key=folder / "kubelet.key")


@pytest.fixture
def probe(tmp_path: Path, own: Tls) -> Iterator[Any]:
    """Starts a gRPC server with the given credentials and returns what the probe prints about it."""
    stranger = certificate(tmp_path / "stranger")
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)

        def run(credentials: grpc.ServerCredentials | None) -> dict[str, Any]:
            port = (
                server.add_secure_port("127.0.0.1:0", credentials)
                if credentials
                else server.add_insecure_port("127.0.0.1:0")
            )
            server.start()
            return dict(
                tls_probe.main(
                    {
                        "port": str(port),
                        "ca": own.ca.read_text(),
                        "stranger": stranger.cert.read_text() + stranger.key.read_text(),
                        "own": str(own.cert.with_suffix("")),
                    }
                )
            )

        yield run
        server.stop(grace=None).wait(timeout=WITHIN_S)


def answered(outcome: dict[str, Any]) -> dict[str, bool]:
    return {caller: outcome[caller]["answered"] for caller in ("plain", "anonymous", "stranger", "own")}


def test_a_component_lets_in_its_own_cluster_only(probe: Any, own: Tls) -> None:
    outcome = probe(own.server_credentials())
    assert answered(outcome) == {"plain": False, "anonymous": False, "stranger": False, "own": True}
    assert outcome["own"]["tls"] == "TLSv1.3"


def test_a_server_without_tls_is_found_out(probe: Any) -> None:
    outcome = probe(None)
    assert answered(outcome) == {"plain": True, "anonymous": False, "stranger": False, "own": False}


def test_a_server_that_asks_for_no_certificate_is_found_out(probe: Any, own: Tls) -> None:
    outcome = probe(grpc.ssl_server_credentials([(own.key.read_bytes(), own.cert.read_bytes())]))
    assert answered(outcome) == {"plain": False, "anonymous": True, "stranger": True, "own": True}


def test_a_server_of_another_ca_gets_no_call(probe: Any, tmp_path: Path) -> None:
    outcome = probe(certificate(tmp_path / "other").server_credentials())
    assert answered(outcome)["own"] is False
    assert outcome["own"]["error"] == "CERTIFICATE_VERIFY_FAILED"


def test_a_port_on_which_nothing_listens_is_said_to_be_so() -> None:
    assert tls_probe.main({"port": "1", "ca": "", "stranger": "", "own": ""}) == {"listening": False}

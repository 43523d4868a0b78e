"""An API server in a process of its own, so that its memory can be looked at."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests
import yaml
from podlab_testing.ports import reserved_ports

from podlab import pki

START_LIMIT_S = 30.0
ADMIN = "kubernetes-admin"


@dataclass(frozen=True)
class Server:
    """Its address, a session of the administrator's, and its process."""

    base: str
    session: requests.Session
    process: psutil.Process
    log: Path

    def memory_mib(self) -> float:
        """What the process holds."""
        return float(self.process.memory_info().rss) / (1 << 20)


@pytest.fixture(scope="session")
def ports() -> Iterator[tuple[int, ...]]:
    """The server's two ports."""
    with reserved_ports(2) as reserved:
        yield reserved


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, ports: tuple[int, int]) -> Iterator[Server]:
    """Ready to answer; ended with the tests."""
    directory = tmp_path_factory.mktemp("apiserver")
    ca = pki.ensure_ca(directory)
    pki.ensure_certificate(ca, directory, "server", "system:apiserver", ["system:masters"], ["127.0.0.1"])
    pki.ensure_certificate(ca, directory, "admin", ADMIN, ["system:masters"], ["127.0.0.1"])
    port, rest_port = ports
    pki.ensure_key(directory / "tokens.key")
    config, log = directory / "apiserver.yaml", directory / "log"
    settings = {
        "cluster_name": "fuzz",
        "advertise_address": "192.0.2.1",
        "bind_address": "127.0.0.1",
        "port": port,
        "rest_port": rest_port,
        "service_account_keys": [str(directory / "tokens.key")],
        "data_dir": str(directory / "data"),
        "tls": {"ca": str(directory / "ca.crt"), "cert": f"{directory}/server.crt", "key": f"{directory}/server.key"},
    }
    config.write_text(yaml.safe_dump(settings))
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "master.apiserver.main", "--config", str(config)], stdout=out, stderr=out
        )
    try:
        with requests.Session() as session:
            session.verify = str(directory / "ca.crt")
            session.cert = f"{directory}/admin.crt", f"{directory}/admin.key"
            session.trust_env = False
            _wait(process, session, f"https://127.0.0.1:{rest_port}", log)
            yield Server(f"https://127.0.0.1:{rest_port}", session, psutil.Process(process.pid), log)
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], session: requests.Session, base: str, log: Path) -> None:
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if session.get(f"{base}/readyz", timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise RuntimeError(f"the server does not answer: {log.read_text()}")

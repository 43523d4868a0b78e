"""A containerd and an image registry of one's own, real ones, on a socket and on loopback, for as long as a test."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from podlab_testing.ports import reserved_ports

CONTAINERD, REGISTRY = Path("/usr/bin/containerd"), Path("/usr/bin/docker-registry")
STARTS_WITHIN_S = 30
SANDBOX_IMAGE = "podlab.local/pause:1"
_CONFIG = """version = 2
root = "{at}/root"
state = "{at}/state"
[grpc]
address = "{at}/c.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{sandbox_image}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{at}/certs.d"
[plugins."io.containerd.internal.v1.opt"]
path = "{at}/opt"
"""
_REGISTRY = """version: 0.1
storage: {{filesystem: {{rootdirectory: {at}/data}}, delete: {{enabled: true}}}}
http: {{addr: "127.0.0.1:{port}"}}
{auth}
"""


@dataclass(frozen=True)
class OwnContainerd:
    """Its directory is short enough for sockets; registries are described in `certs`."""

    directory: Path

    @property
    def endpoint(self) -> str:
        return f"unix://{self.directory}/c.sock"

    @property
    def certs(self) -> Path:
        return self.directory / "certs.d"

    def ctr(self, *words: str, stdin: bytes = b"") -> str:
        command = ["ctr", "--address", f"{self.directory}/c.sock", "--namespace", "k8s.io", *words]
        return subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=60).stdout.decode()


@contextlib.contextmanager
def running_containerd() -> Iterator[OwnContainerd]:
    with TemporaryDirectory(prefix="ctrd-") as directory:
        at = Path(directory)
        (at / "certs.d").mkdir()
        (at / "config.toml").write_text(_CONFIG.format(at=at, sandbox_image=SANDBOX_IMAGE))
        command = [str(CONTAINERD), "--config", str(at / "config.toml")]
        with (at / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            own = OwnContainerd(at)
            try:
                _until(lambda: own.ctr("version"), process, at / "log")
                yield own
            finally:
                process.terminate()
                process.wait(timeout=STARTS_WITHIN_S)


@contextlib.contextmanager
def running_registry(directory: Path, *, htpasswd: str = "") -> Iterator[str]:
    """host:port of a registry that speaks HTTP. With `htpasswd`, lines of user:bcrypt, it wants to know who asks."""
    auth = ""
    if htpasswd:
        (directory / "htpasswd").write_text(htpasswd)
        auth = f"auth: {{htpasswd: {{realm: test, path: {directory}/htpasswd}}}}"
    with reserved_ports(1) as (port,):
        (directory / "registry.yml").write_text(_REGISTRY.format(at=directory, port=port, auth=auth))
        command, log = [str(REGISTRY), "serve", str(directory / "registry.yml")], directory / "registry.log"
        with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
            try:
                _until(lambda: urlopen(f"http://127.0.0.1:{port}/", timeout=1), process, log)
                yield f"127.0.0.1:{port}"
            finally:
                process.terminate()
                process.wait(timeout=STARTS_WITHIN_S)


def _until(works: object, process: subprocess.Popen[bytes], log: Path) -> None:
    assert callable(works)
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            works()
        except (subprocess.CalledProcessError, URLError, OSError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return

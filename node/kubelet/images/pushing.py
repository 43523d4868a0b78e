"""Pushes an image, by containerd's own client and what it is told of registries in certs.d.

A login is written to a directory of root's alone for as long as the push lasts: on a command line all could read it.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import tempfile
import tomllib
from pathlib import Path

from node.kubelet.cri.runtime import RegistryCredentials
from node.kubelet.images.ctr import Ctr, CtrError
from podlab.api.values import imagenames

CERTS = Path("/etc/containerd/certs.d")
_DOCKER_IO_SERVER = "registry-1.docker.io"


async def push(ctr: Ctr, name: str, credentials: RegistryCredentials | None, certs: Path) -> str:
    """The digest that the registry has then. Raises CtrError."""
    digest = await _digest(ctr, name)
    with tempfile.TemporaryDirectory(prefix="podlab-push-") as directory:
        hosts = certs
        if credentials is not None:
            hosts = Path(directory)
            await asyncio.to_thread(_write_login, hosts, name, credentials, certs)
        options = ["--hosts-dir", str(hosts)] if hosts.is_dir() else []
        await ctr.run("images", "push", *options, name)
    return digest


async def _digest(ctr: Ctr, name: str) -> str:
    """Of the manifest that the name stands for."""
    listed = await ctr.run("images", "list", f"name=={name}")
    words = [line.split() for line in listed.splitlines() if line.startswith(f"{name} ")]
    if not words:
        raise CtrError(f"{name} is not there")
    return next(word for word in words[0] if word.startswith("sha256:"))


def _write_login(directory: Path, name: str, credentials: RegistryCredentials, certs: Path) -> None:
    registry = imagenames.registry_and_path(name)[0]
    known = certs / registry
    if known.is_dir():
        shutil.copytree(known, directory / registry)
    else:
        (directory / registry).mkdir()
    found = directory / registry / "hosts.toml"
    settings = tomllib.loads(found.read_text()) if found.is_file() else {}
    found.write_text(hosts_toml(registry, settings, credentials))


def hosts_toml(registry: str, known: dict[str, object], credentials: RegistryCredentials) -> str:
    """containerd's settings of one registry, with a login. Of what was `known`, place and trust stay."""
    name = _DOCKER_IO_SERVER if registry == imagenames.DEFAULT_REGISTRY else registry
    server = str(known.get("server") or f"https://{name}")
    table = known.get("host")
    own = table.get(server) if isinstance(table, dict) else None
    trusted = {**known, **(own if isinstance(own, dict) else {})}
    token = base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()
    told = ['capabilities = ["pull", "resolve", "push"]']
    if isinstance(ca := trusted.get("ca"), str):
        told.append(f'ca = "{ca}"')
    if trusted.get("skip_verify") is True:
        told.append("skip_verify = true")
    login = f'Authorization = ["Basic {token}"]'
    # containerd 1.6 wants a table below `host`, and tries the server itself after it: both are told the same.
    lines = [f'server = "{server}"', *told, "[header]", login]
    lines += [f'[host."{server}"]', *told, f'[host."{server}".header]', login]
    return "\n".join(lines) + "\n"

# Copyright: Podlab contributors
# Apache License 2.0 (see LICENSE)
"""Where a cluster's API server is, and who we are to it."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

try:
    import yaml

    YAML_MISSING = ""
except ImportError:
    YAML_MISSING = traceback.format_exc()

REST_PORT = 6443
ARGUMENTS = {
    "cluster": {"type": "str"},
    "kubeconfig": {"type": "path"},
    "request_timeout": {"type": "int", "default": 30},
}


class ConnectionSettingsError(Exception):
    """No cluster is found, or what is said of it is no use; the message says which file."""


@dataclass(frozen=True)
class Server:
    host: str
    port: int
    tls: ssl.SSLContext
    token: str = ""


def server_of(params: dict) -> Server:
    """Raises ConnectionSettingsError."""
    try:
        if params["kubeconfig"]:
            return from_kubeconfig(Path(params["kubeconfig"]))
        return from_directory(directory_of(params["cluster"] or os.environ.get("PODLAB_CLUSTER") or "lab"))
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        where = params["kubeconfig"] or f"the folder of the cluster {params['cluster'] or ''}"
        raise ConnectionSettingsError(f"{where}: {type(error).__name__}: {error}") from error


def directory_of(cluster: str) -> Path:
    """The cluster's folder. Raises ConnectionSettingsError."""
    here = Path.cwd()
    home = os.environ.get("PODLAB_HOME")
    for folder in [*([Path(home)] if home else []), here, *here.parents, Path.home()]:
        found = folder / ".podlab" / cluster
        if (found / "client.yaml").is_file():
            return found
    raise ConnectionSettingsError(
        f"no .podlab/{cluster} in {here}, above it or at home: name a kubeconfig, or another cluster"
    )


def from_directory(directory: Path) -> Server:
    said = yaml.safe_load((directory / "client.yaml").read_text())
    first = said["server"].partition(",")[0]
    host, _separator, port = (said.get("endpoint") or f"{first.rpartition(':')[0]}:{REST_PORT}").rpartition(":")
    context = ssl.create_default_context(cafile=str(directory / said["tls"]["ca"]))
    context.load_cert_chain(directory / said["tls"]["cert"], directory / said["tls"]["key"])
    return Server(host.strip("[]"), int(port), context)


def from_kubeconfig(path: Path) -> Server:
    said = yaml.safe_load(path.read_text())

    def named(section: str, kind: str, name: str) -> dict:
        for entry in said[section]:
            if entry["name"] == name:
                return entry[kind]
        raise ConnectionSettingsError(f"{path}: there is no {kind} {name}")

    context = named("contexts", "context", said["current-context"])
    cluster, user = named("clusters", "cluster", context["cluster"]), named("users", "user", context["user"])
    url = urlsplit(cluster["server"])
    if url.scheme != "https" or not url.hostname:
        raise ConnectionSettingsError(f"{path}: server: expected https://HOST:PORT, found {cluster['server']}")
    tls = ssl.create_default_context(cadata=content(path, cluster, "certificate-authority").decode())
    show(tls, content(path, user, "client-certificate"), content(path, user, "client-key"))
    return Server(url.hostname, url.port or 443, tls, user.get("token", ""))


def content(path: Path, entry: dict, name: str) -> bytes:
    """What is embedded as NAME-data, or in the file that NAME says; empty where neither is there."""
    if f"{name}-data" in entry:
        return base64.b64decode(entry[f"{name}-data"])
    return (path.parent / entry[name]).read_bytes() if name in entry else b""


def show(tls: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Python takes certificates from files only: this one is there for a moment, and its owner's."""
    if certificate:
        with tempfile.NamedTemporaryFile() as both:
            both.write(certificate + b"\n" + key)
            both.flush()
            tls.load_cert_chain(both.name)

"""The Ingress agent's settings: /etc/podlab/ingress.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from podlab.tls import Tls


@dataclass(frozen=True)
class IngressSettings:
    """`apiserver` is host:port, or several addresses with commas between; `hosts` are the nodes that
    serve Ingresses, with the addresses that clients use.

    `directory` is where HAProxy reads what it is to do; `admin_address` (host:port) shows its routes and metrics.
    """

    node_name: str
    apiserver: str
    tls: Tls
    hosts: dict[str, str]
    directory: Path = Path("/run/podlab-ingress")
    haproxy: Path = Path("/usr/sbin/haproxy")
    http_port: int = 80
    https_port: int = 443
    admin_address: str = "127.0.0.1:8404"

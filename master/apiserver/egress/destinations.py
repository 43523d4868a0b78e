"""Where a request goes, and whom it trusts there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServiceReference:
    """A port of a Service, by its number or by its name; the name is empty for a port without one."""

    namespace: str
    name: str
    port: int | str = 443

    @property
    def host(self) -> str:
        """The name that a server of it has in its certificate."""
        return f"{self.name}.{self.namespace}.svc"


@dataclass(frozen=True, slots=True)
class PodPort:
    """A port of a pod. It is reached through the kubelet of the pod's node, so that no route to the pod is needed."""

    namespace: str
    pod: str
    port: int

    @property
    def host(self) -> str:
        """What the pod is called in messages."""
        return f"{self.pod}.{self.namespace}"


@dataclass(frozen=True, slots=True)
class Address:
    """An address and a port that the API server's own host reaches."""

    host: str
    port: int


Backend = PodPort | Address
"""What a connection is made to."""
Destination = ServiceReference | Backend | str
"""What a request is sent to; a text is a URL."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to believe in TLS, and who to be there.

    `ca_bundle` is PEM of the authorities; without it they are the system's. `server_name` is what the server's
    certificate has to name; by default it is the Service's, or the URL's host. `client_certificate` is the paths of a
    certificate and its key, PEM.
    """

    ca_bundle: bytes = b""
    server_name: str = ""
    insecure: bool = False
    client_certificate: tuple[Path, Path] | None = None


SYSTEM = Trust()

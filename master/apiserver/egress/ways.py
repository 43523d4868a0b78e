"""How one who can answer is asked: as what the pool of connections, TLS and HTTP know it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from yarl import URL

from master.apiserver.egress.destinations import Backend, Destination, PodPort, ServiceReference
from podlab.errors import BadRequest

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Way:
    """`url` is whom the connection is made to, `host` what the server is called in HTTP's header Host, `server_name` in
    its certificate, and `shown` is how messages name what is asked. `pod` is the pod that is reached through its
    kubelet; None for what TCP reaches."""

    url: URL
    host: str
    server_name: str
    shown: str
    pod: PodPort | None = None

    @property
    def place(self) -> str:
        """Host and port of the connection, for messages."""
        return f"{self.url.host}:{self.url.port}"


def to_url(text: str, path: str = "") -> Way:
    """A URL's; a path is appended to its own. Raises BadRequest for what is no URL of HTTP."""
    try:
        url = URL(text + path, encoded=True)
        is_http = url.scheme in _DEFAULT_PORTS and bool(url.host) and bool(url.port)
    except ValueError as error:
        raise BadRequest(f"{text!r} is not a URL: {error}") from error
    if not is_http:
        raise BadRequest(f"{text!r} is not a URL that begins with http:// or https:// and a host")
    return Way(url, url.host_port_subcomponent or "", url.host or "", str(url))


def to_backend(backend: Backend, scheme: str, path: str, *, service: ServiceReference | None = None) -> Way:
    """That of a pod, or of an address; of a Service when it answers for one."""
    known = service or backend
    pod = backend if isinstance(backend, PodPort) else None
    url = URL(f"{scheme}://{_bracketed(backend.host)}:{backend.port}{path}", encoded=True)
    host = _bracketed(known.host)
    if isinstance(known.port, int) and known.port != _DEFAULT_PORTS[scheme]:
        host += f":{known.port}"
    return Way(url, host, known.host, shown(known, scheme, path), pod)


def shown(to: Destination, scheme: str, path: str) -> str:
    """How messages name what is asked, before it is known who answers."""
    return to + path if isinstance(to, str) else f"{scheme}://{_bracketed(to.host)}:{to.port}{path}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host

"""Who calls: the common name and the organizations of the client certificate that TLS has verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import grpc
from cryptography import x509

from podlab import subject
from podlab.errors import Unauthorized
from podlab.pki import made_at


@dataclass(frozen=True, slots=True)
class Certified:
    """When the certificate that was shown was made, in Unix time, and the nodes whose own it is."""

    nodes: tuple[str, ...]
    made_at: float


@dataclass(frozen=True, slots=True)
class User:
    """A caller, as authentication has found out. `extra` is what else it knows, by lower-case keys."""

    name: str
    groups: frozenset[str]
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    certified: Certified | None = field(default=None, compare=False)


AUTHENTICATED = "system:authenticated"
"""The group of everybody who has proved who they are."""
NODE, PROXIES = "system:node:", "system:node-proxiers"
"""How the names of kubelets begin, and the group of those who write Services' rules on nodes."""
ANONYMOUS = User("system:anonymous", frozenset({"system:unauthenticated"}))


def caller(context: grpc.aio.ServicerContext[Any, Any]) -> User:
    """The user behind a call. Raises Unauthorized when the certificate names nobody."""
    for pem in context.auth_context().get("x509_pem_cert", ()):
        return user_of(pem)
    raise Unauthorized("no client certificate: this port knows its callers by certificates of the cluster's CA only")


@lru_cache(maxsize=1024)
def user_of(pem: bytes) -> User:
    """The user that a certificate names: CN, and O as groups. Raises Unauthorized when it does not name just one."""
    return _named(x509.load_pem_x509_certificate(pem))


@lru_cache(maxsize=1024)
def user_of_der(der: bytes) -> User:
    """As `user_of`, for a certificate as TLS carries it."""
    return _named(x509.load_der_x509_certificate(der))


def _named(certificate: x509.Certificate) -> User:
    try:
        found = subject.read(certificate.subject)
    except ValueError as error:
        raise Unauthorized(f"the client certificate names no user: {error}") from error
    certified = Certified(_nodes(certificate, found), made_at(certificate).timestamp())
    return User(found.common_name, frozenset((AUTHENTICATED, *found.organizations)), certified=certified)


def _nodes(certificate: x509.Certificate, found: subject.Subject) -> tuple[str, ...]:
    """A kubelet's says it in its name, a proxy's in the names that it serves under."""
    if found.common_name.startswith(NODE):
        return (found.common_name.removeprefix(NODE),)
    if PROXIES not in found.organizations:
        return ()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name for name in names.get_values_for_type(x509.DNSName) if name != "localhost")

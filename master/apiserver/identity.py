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


@dataclass(frozen=True, slots=True)
class User:
    """A caller, as authentication has found out. `extra` is what else it knows, by lower-case keys."""

    name: str
    groups: frozenset[str]
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}), hash=False)


AUTHENTICATED = "system:authenticated"
"""The group of everybody who has proved who they are."""
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
    return User(found.common_name, frozenset((AUTHENTICATED, *found.organizations)))

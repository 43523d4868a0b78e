"""Who calls: the common name and the organizations of the client certificate that TLS has verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import grpc
from cryptography import x509
from cryptography.x509.oid import NameOID

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
    """The user that a certificate names: CN, and O as groups. Raises Unauthorized when it has no CN."""
    return _subject(x509.load_pem_x509_certificate(pem))


@lru_cache(maxsize=1024)
def user_of_der(der: bytes) -> User:
    """As `user_of`, for a certificate as TLS carries it."""
    return _subject(x509.load_der_x509_certificate(der))


def _subject(certificate: x509.Certificate) -> User:
    subject = certificate.subject
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names or not names[0].value:
        raise Unauthorized("the client certificate has no common name (CN), so it names no user")
    groups = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return User(str(names[0].value), frozenset((AUTHENTICATED, *(str(group.value) for group in groups))))

"""Whom a client certificate that TLS has verified names: by its common name and its organizations."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509

from master.apiserver.authentication.user import AGENTS, AUTHENTICATED, NODE, Certified, User
from podlab import subject
from podlab.errors import ServicerContext, Unauthorized
from podlab.pki import made_at


def caller(context: ServicerContext) -> User:
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
    """A kubelet's says it in its name, other agents' in the names that they serve under."""
    if found.common_name.startswith(NODE):
        return (found.common_name.removeprefix(NODE),)
    if not AGENTS.intersection(found.organizations):
        return ()
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(name for name in names.get_values_for_type(x509.DNSName) if name != "localhost")

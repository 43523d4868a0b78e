"""Callers that a front proxy has authenticated and names in headers. Believed of whoever shows a certificate of the
front proxy's authority, with one of the names that may.

https://kubernetes.io/docs/reference/access-authn-authz/authentication/#authenticating-proxy
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from master.apiserver.authentication.user import ANONYMOUS, AUTHENTICATED, User
from podlab import subject
from podlab.errors import Unauthorized

USER, UID, GROUP, EXTRA = "X-Remote-User", "X-Remote-Uid", "X-Remote-Group", "X-Remote-Extra-"
_PREFIX: Final = "x-remote-"
_UNAUTHENTICATED: Final = "system:unauthenticated"
# What Go's client-go leaves as it is in the names of extra headers: the characters of tokens, but for the percent sign.
_SAFE: Final = "!#$&'*+-.^_`|~"

Headers = Iterable[tuple[str, str]]


class FrontProxy:
    """Whose certificates may name others. `authorities` is PEM; no `names` means any name."""

    def __init__(self, authorities: bytes, names: Iterable[str]) -> None:
        self._authorities = tuple(x509.load_pem_x509_certificates(authorities))
        self._names = frozenset(names)
        self._checked = lru_cache(maxsize=1024)(self._common_name)

    def is_shown(self, certificate: bytes) -> bool:
        """Whether TLS has verified the certificate, DER, because of these authorities."""
        return self._checked(certificate) is not None

    def user(self, certificate: bytes, headers: Headers) -> User | None:
        """Whom the headers name; None when they name nobody. Raises Unauthorized for a certificate that may not."""
        name = self._checked(certificate)
        if name is None or (self._names and name not in self._names):
            raise Unauthorized("Unauthorized")
        return named(headers)

    def _common_name(self, certificate: bytes) -> str | None:
        """None for a certificate of another authority."""
        shown = x509.load_der_x509_certificate(certificate)
        if not any(_has_signed(one, shown) for one in self._authorities):
            return None
        try:
            return subject.read(shown.subject).common_name
        except ValueError:
            return ""


def named(headers: Headers) -> User | None:
    """Whom headers name. Pure."""
    user, uid, groups, extra = "", "", [], defaultdict(list)
    for name, value in headers:
        match name.lower():
            case "x-remote-user":
                user = user or value
            case "x-remote-uid":
                uid = uid or value
            case "x-remote-group":
                groups.append(value)
            case key if key.startswith(EXTRA.lower()):
                extra[unquote(key.removeprefix(EXTRA.lower()))].append(value)
    if not user:
        return None
    told = frozenset(filter(None, groups))
    if user != ANONYMOUS.name and _UNAUTHENTICATED not in told:
        told |= {AUTHENTICATED}
    return User(user, told, uid, MappingProxyType({key: tuple(values) for key, values in extra.items()}))


def telling(user: User) -> Iterator[tuple[str, str]]:
    """The headers that name the user to another server. Pure."""
    yield USER, user.name
    if user.uid:
        yield UID, user.uid
    yield from ((GROUP, group) for group in sorted(user.groups))
    for key, values in user.extra.items():
        yield from ((EXTRA + quote(key, safe=_SAFE), value) for value in values)


def is_about_users(header: str) -> bool:
    """Whether a header of that name could tell a server whom a request is for."""
    return header[: len(_PREFIX)].lower() == _PREFIX


def _has_signed(authority: x509.Certificate, shown: x509.Certificate) -> bool:
    try:
        shown.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True

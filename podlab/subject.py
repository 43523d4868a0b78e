"""Whom a certificate, or a request for one, names: the only reading of X.509 subjects that Podlab has.

Who approves a request, who signs it and who is called by the certificate must see one name. A subject of which two
readers could make two names, as with several common names, is therefore nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

_PARTS = {NameOID.COMMON_NAME: "CN", NameOID.ORGANIZATION_NAME: "O"}


@dataclass(frozen=True, slots=True)
class Subject:
    """The user's name (CN), and the user's groups (O) in their order."""

    common_name: str
    organizations: tuple[str, ...] = ()

    def to_name(self) -> x509.Name:
        """The X.509 name that says just this."""
        groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in self.organizations]
        return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, self.common_name)])


def read(name: x509.Name) -> Subject:
    """Raises ValueError for a name that has not exactly one CN, or that holds anything but CN and O."""
    said: dict[str, list[str]] = {"CN": [], "O": []}
    for attribute in name:
        part = _PARTS.get(attribute.oid)
        if part is None:
            raise ValueError(
                f"the subject holds {attribute.rfc4514_attribute_name}: only CN, the user, and O, the user's groups, "
                "may stand in it"
            )
        if not isinstance(attribute.value, str) or not attribute.value or not attribute.value.isprintable():
            raise ValueError(f"the {part} of the subject is no printable text")
        said[part].append(attribute.value)
    if not said["CN"]:
        raise ValueError("the subject has no common name (CN), so it names no user")
    if len(said["CN"]) > 1:
        raise ValueError(f"the subject has {len(said['CN'])} common names (CN): one user has one")
    return Subject(said["CN"][0], tuple(said["O"]))

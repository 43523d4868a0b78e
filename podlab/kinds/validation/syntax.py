"""The syntax of names, keys and values. Each check returns what is wrong, in Kubernetes' words.

Names and labels repeat from object to object, so their checks remember.
"""

import ipaddress
import json
import re
from collections.abc import Sequence
from functools import lru_cache

from podlab.api.values import names

_CACHED = 4096
_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")

_NATIVE_DOMAIN = "kubernetes.io/"
_NO_CIDR = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_LEADING_ZEROS = re.compile(r"(^|\.)0+(?=[0-9])")

Faults = Sequence[str]

label = lru_cache(_CACHED)(names.rfc1123_label)
label_1035 = lru_cache(_CACHED)(names.rfc1035_label)
qualified_name = lru_cache(_CACHED)(names.qualified_name)
label_value = lru_cache(_CACHED)(names.label_value)
port_name = lru_cache(_CACHED)(names.port_name)
subdomain = names.rfc1123_subdomain
config_key = lru_cache(_CACHED)(names.config_key)
path_segment = names.path_segment


@lru_cache(_CACHED)
def environment_name(value: str) -> Faults:
    """The name of an environment variable."""
    if value and all(" " <= character <= "~" and character != "=" for character in value):
        return ()
    return ("a valid environment variable name must consist only of printable ASCII characters other than '='",)


def ip_address(value: str) -> Faults:
    """An IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return ("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",)
    return ()


def dns_name(value: str) -> Faults:
    """A name of a host, and no address."""
    if not ip_address(value):
        return ("must be a DNS name, not an IP address",)
    return subdomain(value)


def endpoint_address(value: str) -> Faults:
    """An address that traffic of a Service may be sent to."""
    if faults := ip_address(value):
        return faults
    address = ipaddress.ip_address(value)
    for what, unusable in (
        ("unspecified", address.is_unspecified),
        ("in the loopback range (127.0.0.0/8, ::1/128)", address.is_loopback),
        ("in the link-local range (169.254.0.0/16, fe80::/10)", address.is_link_local),
        ("in the multicast range (224.0.0.0/4, ff00::/10)", address.is_multicast),
    ):
        if unusable:
            return (f"may not be {what}",)
    return ()


def domain_prefixed_path(value: str) -> Faults:
    """A domain and a path below it: acme.io/foo."""
    domain, slash, path = value.partition("/")
    if not slash or not domain or not path:
        return ('must be a domain-prefixed path (such as "acme.io/foo")',)
    if not _PATH.fullmatch(path):
        return (f"Invalid path (regex used for validation is '{_PATH.pattern}')",)
    return subdomain(domain)


def cidr(value: str) -> Faults:
    """A network in CIDR notation, strictly: KEP-4858, on since 1.36 (IsValidCIDRForLegacyField)."""
    address, _, length = value.rpartition("/")
    # Python reads no leading zeros, Kubernetes says what is wrong with them.
    plain = _LEADING_ZEROS.sub(r"\1", address)
    if "%" in address or not re.fullmatch("[0-9]{1,4}", length):
        return (_NO_CIDR,)
    try:
        found = ipaddress.ip_interface(f"{plain}/{int(length)}")
    except ValueError:
        return (_NO_CIDR,)
    if plain != address or length != str(int(length)):
        return ("must not have leading 0s in IP or prefix length",)
    if isinstance(found, ipaddress.IPv6Interface) and found.ip.ipv4_mapped is not None:
        return ("must not have an IPv4-mapped IPv6 address",)
    if found.ip != found.network.network_address:
        return ("must not have bits set beyond the prefix length",)
    return ()


def interface_address(value: str) -> Faults:
    """An address of a network interface, with the length of its network."""
    try:
        found = ipaddress.ip_interface(value)
    except ValueError:
        found = None
    if found is None or "/" not in value:
        return ("must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)",)
    return () if str(found) == value else (f'must be in canonical form ("{found}")',)


def relative_path(value: str) -> Faults:
    """A path below a volume."""
    if value.startswith("/"):
        return ("must be a relative path",)
    return no_backsteps(value)


def no_backsteps(value: str) -> Faults:
    """A path that does not climb."""
    return ("must not contain '..'",) if ".." in value.split("/") else ()


def quoted(value: str) -> str:
    """As messages show a text within their own words."""
    return json.dumps(value, ensure_ascii=False)


def is_extended_resource(name: str) -> bool:
    """Whether containers can ask for it as a resource that is no native one."""
    if "/" not in name or _NATIVE_DOMAIN in name or name.startswith("requests."):
        return False
    return not qualified_name(f"requests.{name}")

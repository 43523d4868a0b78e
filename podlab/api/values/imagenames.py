"""Names of container images, as Docker and containerd write them. Pure.

https://github.com/distribution/reference: [REGISTRY/]PATH[:TAG][@DIGEST]
"""

from __future__ import annotations

import re

DEFAULT_REGISTRY = "docker.io"
_OTHER_NAMES = {"index.docker.io": DEFAULT_REGISTRY, "registry-1.docker.io": DEFAULT_REGISTRY}
_OFFICIAL = "library/"

# What Docker's reference grammar allows, without its length limits.
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    rf"{_COMPONENT}(?:/{_COMPONENT})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,})?"
)


def is_reference(name: str) -> bool:
    """Whether it could name an image."""
    return _REFERENCE.fullmatch(name) is not None


def registry_and_path(name: str) -> tuple[str, str]:
    """The registry, as host[:port], and the rest. A first part without dot and port is no registry."""
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return DEFAULT_REGISTRY, f"{_OFFICIAL}{name}" if not slash else name
    found = registry(first)
    return found, f"{_OFFICIAL}{rest}" if found == DEFAULT_REGISTRY and "/" not in rest else rest


def registry(host: str) -> str:
    """The one name of a registry that has several."""
    return _OTHER_NAMES.get(host, host)


def normalized(name: str) -> str:
    """In full, as runtimes keep it: `web` is docker.io/library/web:latest. Raises ValueError when it is no name."""
    if not is_reference(name):
        raise ValueError(f"{name!r} names no image: write [REGISTRY/]NAME[:TAG], in small letters")
    host, path = registry_and_path(name)
    tagged = ":" in path.rpartition("/")[2]
    return f"{host}/{path}" if tagged else f"{host}/{path}:latest"


def repository_and_tag(name: str) -> tuple[str, str]:
    """Of a full name, as people write it: docker.io/library/web:1 is of `web`. The tag is empty in a name by digest."""
    bare, at, _ = name.partition("@")
    head, slash, last = bare.rpartition("/")
    last, _, tag = last.partition(":")
    repository = f"{head}{slash}{last}".removeprefix(f"{DEFAULT_REGISTRY}/").removeprefix(_OFFICIAL)
    return repository, "" if at else tag


def is_tag(name: str) -> bool:
    """Whether a full name is one by tag, rather than by digest."""
    return "@" not in name

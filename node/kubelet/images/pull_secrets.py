"""The credentials of a pod's pull secrets for the registry of an image. Pure.

https://kubernetes.io/docs/concepts/containers/images/#config-json
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from node.kubelet.cri.runtime import RegistryCredentials
from podlab.api.secrettypes import DOCKER_KEYS
from podlab.api.values import imagenames
from podlab.core.v1 import config_pb2


def for_image(image: str, secrets: Iterable[config_pb2.Secret]) -> tuple[RegistryCredentials, ...]:
    """In the order in which they are tried: the most specific first. A malformed Secret has none."""
    found = [
        (len(pattern), credentials)
        for secret in secrets
        for pattern, credentials in _entries(secret)
        if covers(pattern, image)
    ]
    found.sort(key=lambda entry: -entry[0])
    return tuple(dict.fromkeys(credentials for _, credentials in found))


def _entries(secret: config_pb2.Secret) -> Iterator[tuple[str, RegistryCredentials]]:
    form = DOCKER_KEYS.get(secret.type, "")
    try:
        config = json.loads(secret.data.get(form, b"{}"))
        entries = config.get("auths", {}) if form == ".dockerconfigjson" else config
        for server, entry in entries.items():
            if (credentials := _credentials(entry)) is not None:
                yield _pattern(server), replace(credentials, origin=_named(secret))
    except (ValueError, AttributeError):
        return


def _named(secret: config_pb2.Secret) -> str:
    """A Secret that was made anew under the same name is another one."""
    return f"{secret.metadata.namespace}/{secret.metadata.name}/{secret.metadata.uid}"


def _credentials(entry: Mapping[str, object]) -> RegistryCredentials | None:
    token = str(entry.get("identitytoken", ""))
    if entry.get("username") or token:
        return RegistryCredentials(str(entry.get("username", "")), str(entry.get("password", "")), token)
    try:
        user, colon, password = base64.b64decode(str(entry.get("auth", ""))).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return RegistryCredentials(user, password.rstrip("\x00")) if colon else None


def _pattern(server: str) -> str:
    """The server without its scheme, and without the version in Docker's own address."""
    bare = server.removeprefix("https://").removeprefix("http://").rstrip("/")
    for version in ("/v1", "/v2"):
        bare = bare.removesuffix(version)
    host, slash, path = bare.partition("/")
    return imagenames.registry(host) + slash + path


def covers(pattern: str, image: str) -> bool:
    """An asterisk matches one part of the host's name; a path covers what is below it."""
    host, path = imagenames.registry_and_path(image)
    wanted_host, _, wanted_path = _pattern(pattern).partition("/")
    wanted, given = wanted_host.split("."), host.split(".")
    if len(wanted) != len(given) or not all(fnmatchcase(*pair) for pair in zip(given, wanted, strict=True)):
        return False
    return not wanted_path or path == wanted_path or path.startswith((f"{wanted_path}/", f"{wanted_path}:"))

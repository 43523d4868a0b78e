"""Who registries know us as: what `docker login`, `podman login` and `buildah login` have written down here.

https://man.archlinux.org/man/containers-auth.json.5
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from podlab.api.values import imagenames
from podlab.cli.failures import CommandError
from podlab.v1 import images_pb2 as pb


def of_image(name: str, environment: Mapping[str, str] = os.environ) -> pb.RegistryLogin | None:
    """For the image's registry; None when nothing is written down. Raises CommandError for a file that is not whole."""
    try:
        registry, _ = imagenames.registry_and_path(imagenames.normalized(name))
    except ValueError as error:
        raise CommandError(f"NAME: Invalid value: {error}") from error
    for path in _files(environment):
        if path.is_file() and (login := _login(path, registry)) is not None:
            return login
    return None


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Those that the tools write, the more particular first."""
    if given := environment.get("REGISTRY_AUTH_FILE"):
        yield Path(given)
    yield Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}") / "containers/auth.json"
    yield Path("/run/containers") / str(os.getuid()) / "auth.json"
    home = Path(environment.get("HOME") or Path.home())
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"


def _login(path: Path, registry: str) -> pb.RegistryLogin | None:
    try:
        entries = json.loads(path.read_text()).get("auths") or {}
        for server, entry in entries.items():
            host = server.removeprefix("https://").removeprefix("http://").partition("/")[0]
            if imagenames.registry(host) == registry and entry.get("auth"):
                user, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
                return pb.RegistryLogin(username=user, password=password)
    except (ValueError, AttributeError, binascii.Error) as error:
        raise CommandError(f"{path} holds no logins that can be read: log in again (`docker login`)") from error
    return None

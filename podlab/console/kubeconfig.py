"""The contexts of a kubeconfig. Pure but for the files that it names."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import yaml

from podlab.console.upstream import Upstream, UpstreamError

_NOT_SUPPORTED = ("exec", "auth-provider")


def contexts(path: Path) -> Iterator[Upstream | UpstreamError]:
    """Each context that can be used, and for each other one why not. Raises UpstreamError where the file is none."""
    try:
        document = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UpstreamError(f"{path}: cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise UpstreamError(f"{path}: is no kubeconfig: it has to be a mapping with clusters, users and contexts")
    for name, context in _named(document, "contexts", "context").items():
        try:
            yield _upstream(path, document, name, context)
        except UpstreamError as error:
            yield error


def _upstream(path: Path, document: dict[str, object], name: str, context: dict[str, object]) -> Upstream:
    cluster = _entry(path, document, "clusters", "cluster", _text(context, "cluster"), name)
    user = _entry(path, document, "users", "user", _text(context, "user"), name) if _text(context, "user") else {}
    for field in _NOT_SUPPORTED:
        if field in user:
            raise UpstreamError(
                f"{path}: context {name}: user {_text(context, 'user')} has {field}, which the console does not run: "
                "give it a client certificate or a token"
            )
    if cluster.get("proxy-url"):
        raise UpstreamError(f"{path}: context {name}: proxy-url is not followed: the server has to be reached directly")
    where = path.parent
    username = _text(user, "username")
    return Upstream(
        name=name,
        server=_text(cluster, "server").rstrip("/"),
        ca=_content(where, cluster, "certificate-authority"),
        certificate=_content(where, user, "client-certificate"),
        key=_content(where, user, "client-key"),
        token=_text(user, "token") or _file(where, _text(user, "tokenFile")).decode().strip(),
        basic=(username, _text(user, "password")) if username else None,
        namespace=_text(context, "namespace"),
        verified=cluster.get("insecure-skip-tls-verify") is not True,
    )


def _entry(
    path: Path, document: dict[str, object], table: str, field: str, wanted: str, context: str
) -> dict[str, object]:
    found = _named(document, table, field).get(wanted)
    if found is None:
        raise UpstreamError(f"{path}: context {context}: there is no {field} {wanted!r} in {table}")
    return found


def _named(document: dict[str, object], table: str, field: str) -> dict[str, dict[str, object]]:
    """The entries of a table by their names; those that are no entries are left out, as kubectl does."""
    entries = document.get(table)
    return {
        str(entry["name"]): entry[field]
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and "name" in entry and isinstance(entry.get(field), dict)
    }


def _text(entry: dict[str, object], field: str) -> str:
    value = entry.get(field)
    return value if isinstance(value, str) else ""


def _content(where: Path, entry: dict[str, object], field: str) -> bytes:
    """What stands in the kubeconfig itself comes before what a file of that name holds."""
    try:
        inside = b64decode(_text(entry, f"{field}-data"), validate=True)
    except binascii.Error as error:
        raise UpstreamError(f"{field}-data is not base64: {error}") from error
    return inside or _file(where, _text(entry, field))


def _file(where: Path, name: str) -> bytes:
    if not name:
        return b""
    try:
        return (where / name).read_bytes()
    except OSError as error:
        raise UpstreamError(f"{where / name}: cannot be read: {error.strerror}") from error

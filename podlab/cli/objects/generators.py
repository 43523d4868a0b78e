"""The objects that `podlab create KIND` makes from a few words."""

from collections.abc import Sequence
from pathlib import Path

from podlab.api.values import names
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.cli.failures import CommandError
from podlab.core.v1.config_pb2 import ConfigMap, Secret
from podlab.core.v1.namespace_pb2 import Namespace


def deployment(
    name: str, namespace: str, images: Sequence[str], replicas: int, port: int | None, command: Sequence[str]
) -> Deployment:
    """As kubectl makes it: label app=NAME, containers named after their images."""
    containers = [{"name": _container_name(image), "image": image, "command": list(command)} for image in images]
    taken = [container["name"] for container in containers]
    if len(set(taken)) != len(taken):
        raise CommandError(f"two images give the same container name: {', '.join(map(str, taken))}: write a manifest")
    if port is not None:
        containers[0]["ports"] = [{"containerPort": port}]  # type: ignore[list-item]
    labels = {"app": name}
    return Deployment(
        metadata={"name": name, "namespace": namespace, "labels": labels},  # type: ignore[arg-type]
        spec={  # type: ignore[arg-type]
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}},
        },
    )


def _container_name(image: str) -> str:
    """The image's last part without tag and digest, made into a label."""
    base = image.rpartition("/")[2].partition("@")[0].partition(":")[0].lower()
    name = "".join(char if char.isalnum() else "-" for char in base).strip("-")
    if names.rfc1123_label(name):
        raise CommandError(f"{image!r}: no container can be named after this image: write a manifest")
    return name


def namespace(name: str) -> Namespace:
    return Namespace(metadata={"name": name})  # type: ignore[arg-type]


def config_map(name: str, namespace: str, literals: Sequence[str], files: Sequence[str]) -> ConfigMap:
    """Files that are not text go into binaryData."""
    made = ConfigMap(metadata={"name": name, "namespace": namespace})  # type: ignore[arg-type]
    for key, content in _entries(literals, files).items():
        try:
            made.data[key] = content.decode()
        except UnicodeDecodeError:
            made.binaryData[key] = content
    return made


def secret(name: str, namespace: str, secret_type: str, literals: Sequence[str], files: Sequence[str]) -> Secret:
    made = Secret(metadata={"name": name, "namespace": namespace}, type=secret_type)  # type: ignore[arg-type]
    for key, content in _entries(literals, files).items():
        made.data[key] = content
    return made


def _entries(literals: Sequence[str], files: Sequence[str]) -> dict[str, bytes]:
    """What `--from-literal KEY=VALUE` and `--from-file [KEY=]PATH` stand for."""
    found: list[tuple[str, bytes]] = []
    for literal in literals:
        key, equals, value = literal.partition("=")
        if not equals:
            raise CommandError(f"--from-literal {literal!r}: expected KEY=VALUE")
        found.append((key, value.encode()))
    for file in files:
        key, equals, path = file.rpartition("=")
        found += _file_entries(key if equals else "", Path(path))
    keys = [key for key, _ in found]
    for key in keys:
        if problems := names.config_key(key):
            raise CommandError(f"{key!r} is no valid key: {problems[0]}")
        if keys.count(key) > 1:
            raise CommandError(f"the key {key!r} is given twice")
    return dict(found)


def _file_entries(key: str, path: Path) -> list[tuple[str, bytes]]:
    """A file under its own name or the key; a directory's files under theirs."""
    if path.is_dir():
        if key:
            raise CommandError(f"--from-file {key}={path}: a directory takes no key")
        return [(child.name, child.read_bytes()) for child in sorted(path.iterdir()) if child.is_file()]
    return [(key or path.name, path.read_bytes())]

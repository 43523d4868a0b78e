"""Manifests from files, directories and standard input, checked as a whole before anything is done with them."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.objects import metadata
from podlab.api.serializer import codec, manifest
from podlab.cli.failures import CommandError
from podlab.cli.objects.targets import reference
from podlab.errors import BadRequest
from podlab.kinds import builtin

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Source:
    """One object of a manifest: as written, as understood, and where it stood. Its namespace is filled in."""

    data: dict[str, Any]
    message: Message
    file: str

    @property
    def kind(self) -> Kind:
        return kinds.of(self.message)

    @property
    def name(self) -> str:
        return metadata(self.message).name

    @property
    def namespace(self) -> str:
        return metadata(self.message).namespace

    def __str__(self) -> str:
        return f"{reference(self.kind)}/{self.name}"


def read(files: Sequence[str], namespace: str, *, explicit: bool) -> list[Source]:
    """Every object, Namespaces first. Raises CommandError with all that is wrong in all files.

    `namespace` is for objects that name none; with `explicit` it was asked for, and others are refused.
    """
    sources: list[Source] = []
    problems: list[str] = []
    for file, text in _texts(files):
        try:
            documents = manifest.read(text)
        except BadRequest as error:
            problems.append(f"{file}: {error.message}")
            continue
        for document in documents:
            try:
                sources.append(_source(document, file, namespace, explicit=explicit))
            except BadRequest as error:
                problems += [f"{file}: {document.title}: {problem}" for problem in error.causes or (error.message,)]
    if problems:
        raise CommandError("\n       ".join(problems))
    if not sources:
        raise CommandError(f"no objects in {', '.join('standard input' if file == '-' else file for file in files)}")
    return sorted(sources, key=lambda source: source.kind.name != "Namespace")


def _source(document: manifest.Document, file: str, namespace: str, *, explicit: bool) -> Source:
    message = codec.from_dict(document.data, codec.kind_of(document.data, builtin.catalog()))
    kind, meta = kinds.of(message), metadata(message)
    data = {**document.data, "metadata": {**(document.data.get("metadata") or {})}}
    if kind.namespaced:
        if explicit and meta.namespace not in ("", namespace):
            raise BadRequest(f'metadata.namespace: "{meta.namespace}" is not the namespace given: "{namespace}"')
        meta.namespace = data["metadata"]["namespace"] = meta.namespace or namespace
    elif meta.namespace:
        raise BadRequest(f'metadata.namespace: "{meta.namespace}": a {kind.name} belongs to no namespace')
    return Source(data, message, file)


def _texts(files: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in files:
        if name == "-":
            yield "standard input", sys.stdin.read()
            continue
        path = Path(name)
        if path.is_dir():
            inside = sorted(child for child in path.iterdir() if child.suffix in _SUFFIXES and child.is_file())
            if not inside:
                raise CommandError(f"{path}: no manifest in this directory ({', '.join(_SUFFIXES)})")
        elif path.exists():
            inside = [path]
        else:
            raise CommandError(f'the path "{path}" does not exist')
        for child in inside:
            try:
                yield str(child), child.read_text()
            except UnicodeDecodeError as error:
                raise CommandError(f"{child}: is not text in UTF-8: {error.reason} at byte {error.start}") from error

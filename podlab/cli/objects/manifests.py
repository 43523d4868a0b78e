"""Manifests from files, directories and standard input, checked as a whole before anything is done with them."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from podlab.api import definitions, kinds
from podlab.api.kinds import Kind
from podlab.api.objects import metadata
from podlab.api.serializer import codec, manifest
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.cli import discovery
from podlab.cli.discovery import LoadCatalog
from podlab.cli.failures import CommandError
from podlab.cli.objects.targets import reference
from podlab.errors import BadRequest
from podlab.kinds import builtin

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Source:
    """One object of a manifest: as written, as understood, of which kind, and where it stood. Its namespace is filled
    in."""

    data: dict[str, Any]
    message: Message
    kind: Kind
    file: str

    @property
    def name(self) -> str:
        return metadata(self.message).name

    @property
    def namespace(self) -> str:
        return metadata(self.message).namespace

    def __str__(self) -> str:
        return f"{reference(self.kind)}/{self.name}"


@dataclass(frozen=True)
class _Document:
    """What a file says, before it is known of which kind it is."""

    said: manifest.Document
    file: str

    @property
    def is_definition(self) -> bool:
        """Whether it defines a kind, of which there may be others among the documents."""
        own, data = kinds.of(CustomResourceDefinition), self.said.data
        return isinstance(data, dict) and (data.get("apiVersion"), data.get("kind")) == (own.api_version, own.name)


def read(files: Sequence[str], namespace: str, *, explicit: bool, more: LoadCatalog = builtin.catalog) -> list[Source]:
    """Every object: Namespaces first, then definitions of kinds. Raises CommandError with all that is wrong in all
    files.

    `namespace` is for objects that name none; with `explicit` it was asked for, and others are refused. `more` is asked
    for kinds that are neither built-in nor defined in the files.
    """
    problems: list[str] = []
    documents = _documents(files, problems)
    sources: list[Source] = []
    for document in sorted(documents, key=lambda one: not one.is_definition):
        try:
            sources.append(_source(document, namespace, explicit=explicit, more=more))
        except BadRequest as error:
            problems += [f"{document.file}: {document.said.title}: {each}" for each in error.causes or (error.message,)]
    if problems:
        raise CommandError("\n       ".join(problems))
    if not sources:
        raise CommandError(f"no objects in {', '.join('standard input' if file == '-' else file for file in files)}")
    return sorted(sources, key=lambda source: source.kind.name != "Namespace")


def _documents(files: Sequence[str], problems: list[str]) -> list[_Document]:
    found: list[_Document] = []
    for file, text in _texts(files):
        try:
            found += [_Document(document, file) for document in manifest.read(text)]
        except BadRequest as error:
            problems.append(f"{file}: {error.message}")
    return found


def _source(document: _Document, namespace: str, *, explicit: bool, more: LoadCatalog) -> Source:
    said = document.said.data
    kind = _kind(said, more)
    message = codec.from_dict(said, kind)
    if isinstance(message, CustomResourceDefinition) and definitions.storage_version(message) is not None:
        discovery.define(message)
    meta = metadata(message)
    data = {**said, "metadata": {**(said.get("metadata") or {})}}
    if kind.namespaced:
        if explicit and meta.namespace not in ("", namespace):
            raise BadRequest(f'metadata.namespace: "{meta.namespace}" is not the namespace given: "{namespace}"')
        meta.namespace = data["metadata"]["namespace"] = meta.namespace or namespace
    elif meta.namespace:
        raise BadRequest(f'metadata.namespace: "{meta.namespace}": a {kind.name} belongs to no namespace')
    return Source(data, message, kind, document.file)


def _kind(said: dict[str, Any], more: LoadCatalog) -> Kind:
    """Raises BadRequest for what is of no kind, and what `more` raises."""
    try:
        return codec.kind_of(said, discovery.known())
    except BadRequest:
        return codec.kind_of(said, more())


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

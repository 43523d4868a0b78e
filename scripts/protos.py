"""Generates the message and service modules (and their type stubs) from protos/, and a table of their comments.

Run by `make protos` and by the build backend; what it writes is git-ignored and never edited.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
# What the API server tells of kinds and fields: by full name, the comment.
DESCRIPTIONS = Path("podlab/descriptions.json")
# Numbers of descriptor.proto, of which paths to comments are made.
_FILE_MESSAGES, _MESSAGE_FIELDS, _MESSAGE_NESTED = 4, 2, 3


def generate(root: Path, *, stubs: bool) -> None:
    """Compiles every .proto below `root/protos` into `root`; raises RuntimeError when protoc refuses one."""
    protos = root / "protos"
    files = sorted(str(path.relative_to(protos)) for path in protos.rglob("*.proto"))
    services = [name for name in files if "\nservice " in (protos / name).read_text()]
    well_known = Path(str(importlib.util.find_spec("grpc_tools").submodule_search_locations[0])) / "_proto"  # type: ignore[union-attr,index]
    paths = ["protoc", f"-I{protos}", f"-I{well_known}"]
    messages = [f"--python_out={root}", *([f"--mypy_out=quiet:{root}"] if stubs else [])]
    grpc = [f"--grpc_python_out={root}", *([f"--mypy_grpc_out=quiet:{root}"] if stubs else [])]
    for arguments in ([*paths, *messages, *files], [*paths, *grpc, *services]):
        _run(arguments)
    ours = [name for name in files if not name.startswith(("podlab/v1/", "podlab/foreign/"))]
    with tempfile.NamedTemporaryFile() as found:
        _run([*paths, "--include_source_info", f"--descriptor_set_out={found.name}", *ours])
        described = descriptor_pb2.FileDescriptorSet.FromString(Path(found.name).read_bytes())
    told = {name: text for file in described.file for name, text in descriptions(file)}
    (root / DESCRIPTIONS).write_text(json.dumps(told, indent=0, sort_keys=True) + "\n")


def descriptions(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """The comments above a file's messages and fields, as one line each."""
    comments = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}
    for index, message in enumerate(file.message_type):
        yield from _of_message(message, file.package, (_FILE_MESSAGES, index), comments)


def _of_message(
    message: descriptor_pb2.DescriptorProto, scope: str, path: tuple[int, ...], comments: dict[tuple[int, ...], str]
) -> Iterator[tuple[str, str]]:
    name = f"{scope}.{message.name}"
    places = [(name, path)]
    places += [(f"{name}.{field.name}", (*path, _MESSAGE_FIELDS, index)) for index, field in enumerate(message.field)]
    for full_name, place in places:
        if comments.get(place):
            yield full_name, " ".join(comments[place].split())
    for index, nested in enumerate(message.nested_type):
        yield from _of_message(nested, name, (*path, _MESSAGE_NESTED, index), comments)


def _run(arguments: list[str]) -> None:
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc failed; its own message stands above")


if __name__ == "__main__":
    generate(ROOT, stubs="--no-stubs" not in sys.argv)

"""Generates the message and service modules (and their type stubs) from protos/.

Run by `make protos` and by the build backend; what it writes is git-ignored and never edited.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent


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
        if protoc.main(arguments) != 0:
            raise RuntimeError("protoc failed; its own message stands above")


if __name__ == "__main__":
    generate(ROOT, stubs="--no-stubs" not in sys.argv)

"""What a release is made from, and the digest that names it."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGES = ("podlab", "master", "node")
# What decides about the wheel besides the packages themselves.
OTHERS = ("pyproject.toml", "README.md", "protos", "scripts")
GENERATED = ("_pb2.py", "_pb2_grpc.py", "descriptions.json")
_BUILD_DIGITS = 8


def project_root() -> Path:
    """The project's directory, which holds pyproject.toml and playbooks/. Raises FileNotFoundError."""
    root = Path(__file__).resolve().parents[3]
    if not (root / "pyproject.toml").is_file():
        raise FileNotFoundError(f"{root} holds no pyproject.toml: deploy from a checkout of Podlab's sources")
    return root


def source_files(root: Path) -> Iterator[Path]:
    """The files that a wheel depends on; not those that are generated from others."""
    for name in (*PACKAGES, *OTHERS):
        top = root / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith((*GENERATED, ".pyi")):
                yield path


def build(state: str) -> str:
    """What a release calls itself that is made from the sources with this digest."""
    return state[:_BUILD_DIGITS]


def digest(root: Path, paths: Iterable[Path]) -> str:
    """A name for the content of files: 16 hex digits that differ when a path, mode or content does."""
    total = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(root)} {path.stat().st_mode:o} {content}\n".encode())
    return total.hexdigest()[:16]

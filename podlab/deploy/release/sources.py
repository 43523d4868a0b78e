"""What a release is made from, and the digest that names it."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGES = ("podlab", "master", "node")
# What decides about the wheel besides the packages themselves.
OTHERS = ("pyproject.toml", "README.md", "protos", "scripts")
GENERATED = ("_pb2.py", "_pb2_grpc.py", "descriptions.json")
INSTALLED = "project"
"""The folder in the package `podlab` of a wheel that holds playbooks, checks and examples."""
CONSOLE_PAGES = ("podlab", "console", "static")
_BUILD_DIGITS = 8


def project_root() -> Path:
    """The folder with pyproject.toml and playbooks/: the checkout, or what an installed wheel has of it.

    Raises FileNotFoundError.
    """
    here = Path(__file__).resolve()
    for root in (here.parents[3], here.parents[2] / INSTALLED):
        if (root / "pyproject.toml").is_file() and (root / "playbooks").is_dir():
            return root
    raise FileNotFoundError(f"{here.parents[3]} holds no playbooks: install Podlab's wheel, or use a checkout")


def packages_root(root: Path) -> Path:
    """The folder that our packages are in: the checkout itself, or that which the wheel was installed to."""
    return root.parents[1] if is_installed(root) else root


def is_installed(root: Path) -> bool:
    """Whether it is a wheel's, and no checkout: what is generated is there then, and what that is made from is not."""
    return root.name == INSTALLED and root.parent.name == "podlab"


def source_files(root: Path) -> Iterator[Path]:
    """The files that a wheel depends on; in a checkout without those that are generated from others."""
    generated = () if is_installed(root) else GENERATED
    base = packages_root(root)
    packages = (path for name in PACKAGES for path in _files(base / name) if is_source(path.relative_to(base)))
    others = (path for name in OTHERS for path in _files(root / name))
    for path in (*packages, *others):
        if "__pycache__" not in path.parts and not path.name.endswith((*generated, ".pyi")):
            yield path


def _files(top: Path) -> list[Path]:
    return [path for path in (sorted(top.rglob("*")) if top.is_dir() else [top]) if path.is_file()]


def is_source(path: Path) -> bool:
    """Whether hosts get a file, named from where the packages are: no compiled code, and nothing that only deploys."""
    at_home = path.parts[:2] == ("podlab", INSTALLED) or path.parts[:3] == CONSOLE_PAGES
    return "__pycache__" not in path.parts and not at_home


def build(state: str) -> str:
    """What a release calls itself that is made from the sources with this digest."""
    return state[:_BUILD_DIGITS]


def digest(root: Path, paths: Iterable[Path]) -> str:
    """A name for the content of files: 16 hex digits that differ when a path, mode or content does."""
    total = hashlib.sha256()
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(packages_root(root))} {path.stat().st_mode:o} {content}\n".encode())
    return total.hexdigest()[:16]

"""One file with all that an offline install needs: an uncompressed tar of what is compressed or packed already.

Its first member, `bundle.json`, says what it is for and has the SHA-256 of all that follows:

    wheels/<target>/*.whl      what Podlab needs on hosts: cp311-x86_64
    packages/<system>.tar      Debian packages with their index: debian-12-x86_64
    images/<machine>/*.tar     Podlab's own images: x86_64
    controller/<target>/*.whl  Podlab and what it needs on the machine that deploys
    INSTALL                    what to do with it there
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from podlab.deploy.release.wheels import made_once

FORMAT = "podlab-bundle/2"
_CONTENTS = "bundle.json"
_MOST_CONTENTS_BYTES = 16 << 20
_BLOCK = 1 << 20


class BundleError(Exception):
    """The bundle is not whole, or not for this; the message says what is wrong, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a bundle is for. `requirements` are what its wheels fulfil, `packages` what each system can install of it;
    `files` has the SHA-256 of each.
    """

    podlab: str
    requirements: list[str]
    targets: list[str]
    systems: list[str]
    packages: list[str]
    images: list[str]
    files: dict[str, str] = field(default_factory=dict)
    format: str = FORMAT


def pack(target: Path, folder: Path, contents: Contents) -> Contents:
    """Write the folder's files as a bundle, whole or not at all. Raises OSError."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    told = Contents(**{**asdict(contents), "files": {name: _sum_of_file(folder / name) for name in names}})
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    try:
        with tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar:
            text = json.dumps(asdict(told), indent=1).encode()
            tar.addfile(_member(_CONTENTS, len(text)), io.BytesIO(text))
            for name in names:
                with (folder / name).open("rb") as content:
                    tar.addfile(_member(name, (folder / name).stat().st_size), content)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return told


def contents(path: Path) -> Contents:
    """What the bundle says of itself, which is its beginning. Raises BundleError."""
    with _reading(path) as tar:
        return _contents(path, tar)


def lacking(contents: Contents, requirements: Collection[str], target: str) -> str:
    """What hosts of the target would miss, as a sentence without its subject; empty where that is nothing."""
    if other := sorted(set(requirements) ^ set(contents.requirements)):
        return f"is of another release of Podlab, which differs in {', '.join(other)}: make it anew with this one"
    if target not in contents.targets:
        return f"has wheels for {', '.join(contents.targets)} and not for {target}: name its system in bundle_systems"
    return ""


def unpacked(path: Path, cache: Path) -> Path:
    """The folder in the cache with the bundle's files; unpacked, and each of them verified, where it is not there.

    Raises BundleError.
    """
    told = contents(path)
    digest = hashlib.sha256(json.dumps(asdict(told), sort_keys=True).encode()).hexdigest()[:16]
    return made_once(cache / f"bundle-{digest}", lambda folder: _unpack(path, folder))


def _unpack(path: Path, folder: Path) -> None:
    with _reading(path) as tar:
        told = _contents(path, tar)
        left = dict(told.files)
        while (member := tar.next()) is not None:
            wanted, content = left.pop(member.name, None), tar.extractfile(member)
            if wanted is None or content is None:
                raise _damaged(path, f"{member.name!r} is not in its list, or there twice")
            target = folder / member.name
            if not target.resolve().is_relative_to(folder.resolve()):
                raise _damaged(path, f"{member.name!r} would be outside of it")
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(content, file, _BLOCK)
            if _sum_of_file(target) != wanted:
                raise _damaged(path, f"{member.name} is not what its list says")
    if left:
        raise _damaged(path, f"{min(left)} is missing")


def _contents(path: Path, tar: tarfile.TarFile) -> Contents:
    first = tar.next()
    content = tar.extractfile(first) if first is not None and first.name == _CONTENTS else None
    if first is None or content is None or first.size > _MOST_CONTENTS_BYTES:
        raise BundleError(f"{path} is no bundle: make one with playbooks/bundle.yml -e bundle={path}")
    told = json.loads(content.read())
    if told.get("format") != FORMAT:
        raise BundleError(f"{path} is a bundle of format {told.get('format')}, and {FORMAT} is wanted: make it anew")
    return Contents(**told)


@contextmanager
def _reading(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except FileNotFoundError as error:
        raise BundleError(f"there is no bundle {path}: playbooks/bundle.yml -e bundle={path} makes it") from error
    except (tarfile.TarError, EOFError, OSError, ValueError, TypeError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, what: str) -> BundleError:
    return BundleError(f"{path} is no whole bundle: {what}; copy it again, or make it anew")


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o644
    return member


def _sum_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

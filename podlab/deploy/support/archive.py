"""Packs a bundle: one archive of what was collected, for its owner alone, from which secrets are taken out."""

import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

from podlab.deploy.support.parts import Unreachable
from podlab.deploy.support.redaction import LEFT_OUT, Redactor

_HEAD: Final = f"""Support bundle of the Podlab cluster {{cluster}}, made at {{made}} by Podlab {{version}}.

cluster/objects   objects as the API server has them; of Secrets and ConfigMaps the names and sizes of values only
cluster/*.txt     nodes, pods and events as tables
hosts/*/journal   the ends of the journals of Podlab's units and of what they stand on
hosts/*/rules     iptables, nftables, ufw
hosts/*/network   addresses, routes, neighbours, sockets
hosts/*/units     what systemd says of the units
hosts/*/versions  kernel, packages, programs
hosts/*/settings  files of settings; no keys
hosts/*/state     containers, disks, memory, processes without their arguments, files by name

{LEFT_OUT} stands where something was, or looked like, a secret. Look through it before you pass it on: addresses,
names of hosts and names of objects are in it, and so is what programs of others wrote to the journal.
"""


def readme(cluster: str, made: str, version: str, hosts: Sequence[Unreachable], failures: Sequence[str]) -> str:
    """What is in the bundle, and what is missing."""
    missing = [f"host {each.host} is missing: {each.cause}\n  {each.remedy}" for each in hosts]
    missing += [f"missing: {failure}" for failure in failures]
    return _HEAD.format(cluster=cluster, made=made, version=version) + "\n" + "".join(f"{line}\n" for line in missing)


def pack(folder: Path, name: str, archive: Path, redactor: Redactor, more: Mapping[str, str]) -> None:
    """Files below the folder, and `more` by their path, as a .tar.gz whose one folder is `name`.

    Raises FileExistsError where there is such an archive.
    """
    partial = archive.with_name(f".{archive.name}.partial")
    if archive.exists():
        raise FileExistsError(f"{archive} is there already: name another with --output, or remove it")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            for path, text in sorted({**more, **dict(_texts(folder))}.items()):
                content = redactor.text(text).encode()
                member = tarfile.TarInfo(f"{name}/{path}")
                member.size, member.mode = len(content), 0o600
                tar.addfile(member, BytesIO(content))
        partial.rename(archive)
    finally:
        partial.unlink(missing_ok=True)


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_text(errors="replace")

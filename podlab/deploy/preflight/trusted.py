"""Which authorities the hosts of a cluster may believe, by what this machine, and an archive of it, have."""

from pathlib import Path
from typing import Final

from podlab.deploy import cluster_archive, etcd_certificates, rotation
from podlab.deploy.preflight.hosts import authorities

_FILES: Final = tuple(
    f"{folder}{name}" for folder in ("", f"{etcd_certificates.FOLDER}/") for name in ("ca.crt", rotation.BEFORE)
)
"""Of a cluster's `pki`: the authorities of now, and those of before the last step of a rotation, which a host that was
away has yet."""


def keys(pki: Path, backup: Path | None = None) -> frozenset[str]:
    """Their keys. A directory that is not there has none. Raises ArchiveError, OSError."""
    texts = [(pki / name).read_text() for name in _FILES if (pki / name).is_file()]
    archived = cluster_archive.texts(backup, _FILES) if backup else []
    return authorities.keys([*texts, *archived])

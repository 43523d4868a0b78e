"""A kubeconfig of the administrator that was written before follows the certificates that are embedded in it."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from podlab.pki import ensure_file


def renew(path: Path, cluster: str, pki: Path) -> bool:
    """Put the authorities and the administrator's certificate of now into the file that `podlab kubeconfig` wrote;
    whether it had others. All else in it stays, and where there is none, none is made. Raises OSError."""
    if not path.is_file():
        return False
    content = yaml.safe_load(path.read_text())
    wanted = {
        ("clusters", "cluster", cluster): {"certificate-authority-data": pki / "ca.crt"},
        ("users", "user", f"{cluster}-admin"): {
            "client-certificate-data": pki / "admin.crt",
            "client-key-data": pki / "admin.key",
        },
    }
    changed = False
    for (section, kind, name), files in wanted.items():
        for entry in content.get(section, []):
            embedded = {key: base64.b64encode(file.read_bytes()).decode() for key, file in files.items()}
            if entry["name"] == name and entry[kind] != {**entry[kind], **embedded}:
                entry[kind].update(embedded)
                changed = True
    return changed and ensure_file(path, yaml.safe_dump(content, sort_keys=False).encode())

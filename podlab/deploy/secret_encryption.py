"""The keys that Secrets are encrypted with in the store, made on the controller.

The folder `encryption` of the cluster's PKI holds `current.key`, which writes, and others that read. While one takes
another's place (podlab.deploy.key_rotation), API servers write all Secrets anew with the first key.
"""

import base64
import hashlib
import os
from pathlib import Path

import yaml

from podlab.deploy import key_rotation
from podlab.pki import ensure_file

FOLDER = "encryption"
CURRENT = "current.key"
CONFIGURATION = "configuration.yaml"
_KEY_BYTES = 32
_NAME_CHARS = 12


def advance(directory: Path, wanted: str) -> bool:
    """Take the key in the PKI's directory a step further; whether that changed anything. Raises OSError."""
    return key_rotation.advance(directory / FOLDER, CURRENT, wanted, _new)


def ensure(directory: Path) -> list[str]:
    """Make what is missing or no longer right in the PKI's directory; the names of what was made."""
    folder = directory / FOLDER
    made = []
    if not (folder / CURRENT).exists():
        ensure_file(folder / CURRENT, _new())
        made.append(f"{FOLDER}/{CURRENT}")
    older = sorted(path for path in folder.glob("*.key") if path.name != CURRENT)
    if ensure_file(folder / CONFIGURATION, configuration([folder / CURRENT, *older])):
        made.append(f"{FOLDER}/{CONFIGURATION}")
    return made


def _new() -> bytes:
    return base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n"


def configuration(paths: list[Path]) -> bytes:
    """What the API server reads. A key's name is made of the key, so that it stays when the file is renamed."""
    secrets = dict.fromkeys(path.read_text().strip() for path in paths)
    keys = [{"name": key_name(secret), "secret": secret} for secret in secrets]
    return yaml.safe_dump(
        {
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [{"resources": ["secrets"], "providers": [{"aesgcm": {"keys": keys}}, {"identity": {}}]}],
        },
        sort_keys=False,
    ).encode()


def key_name(secret: str) -> str:
    """What the key is called in the store, told by its base64 form; it does not show the key."""
    return hashlib.sha256(secret.encode()).hexdigest()[:_NAME_CHARS]

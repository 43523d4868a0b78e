"""What the API server knows tokens by, made on the controller: the keys that sign them, and the bootstrap token.

The folder `service-accounts` of the cluster's PKI holds `signing.key`. To rotate, rename it (the name must still end in
`.key`) and deploy: a new one is made, and tokens that the old one signed stay good until it is removed.
"""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from podlab.pki import ensure_file, ensure_key, read_key

FOLDER = "service-accounts"
SIGNING_KEY = "signing.key"
RETIRED = "retired.pem"
TOKENS = "tokens.csv"
# Whoever has it may ask for a certificate, and nothing else.
BOOTSTRAP_USER, BOOTSTRAP_GROUP = "system:bootstrap:podlab", "system:bootstrappers"
_TOKEN_BYTES = 32


def ensure(directory: Path) -> list[str]:
    """Make what is missing or no longer right in the PKI's directory; the names of what was made."""
    folder = directory / FOLDER
    made = [f"{FOLDER}/{SIGNING_KEY}"] if ensure_key(folder / SIGNING_KEY) else []
    if ensure_file(folder / RETIRED, _retired(folder)):
        made.append(f"{FOLDER}/{RETIRED}")
    if not (directory / TOKENS).exists():
        line = f"{secrets.token_urlsafe(_TOKEN_BYTES)},{BOOTSTRAP_USER},,{BOOTSTRAP_GROUP}\n"
        ensure_file(directory / TOKENS, line.encode())
        made.append(TOKENS)
    return made


def _retired(folder: Path) -> bytes:
    """The public halves of keys that sign no more."""
    public = (read_key(path).public_key() for path in sorted(folder.glob("*.key")) if path.name != SIGNING_KEY)
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return b"".join(key.public_bytes(*form) for key in public)

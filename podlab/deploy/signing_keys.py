"""What signs on the masters, made on the controller: keys of tokens, the authority of signed requests, a first token.

The folder `service-accounts` of the cluster's PKI holds `signing.key`. To rotate, rename it (the name must still end in
`.key`) and deploy: a new one is made, and tokens that the old one signed stay good until it is removed.

The folder `signing` holds the authority of the certificates that the controllers sign. It is not the cluster's CA,
whose key stays here: what it signs is good for clients of the API server, and makes nobody a server to others.
"""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from podlab.pki import ensure_ca, ensure_file, ensure_key, read_key

FOLDER = "service-accounts"
SIGNING_KEY = "signing.key"
RETIRED = "retired.pem"
# Public halves of keys that a controller retired and lost since, as a master still had them.
RECOVERED = "recovered.pub"
TOKENS = "tokens.csv"
SIGNING = "signing"
SIGNING_NAME = "podlab-signing-ca"
# Whoever has it may ask for a certificate, and nothing else.
BOOTSTRAP_USER, BOOTSTRAP_GROUP = "system:bootstrap:podlab", "system:bootstrappers"
_TOKEN_BYTES = 32


def ensure(directory: Path) -> list[str]:
    """Make what is missing or no longer right in the PKI's directory; the names of what was made."""
    folder = directory / FOLDER
    made = [f"{FOLDER}/{SIGNING_KEY}"] if ensure_key(folder / SIGNING_KEY) else []
    if ensure_file(folder / RETIRED, _retired(folder)):
        made.append(f"{FOLDER}/{RETIRED}")
    if not (directory / SIGNING / "ca.crt").exists():
        made.append(f"{SIGNING}/ca")
    ensure_ca(directory / SIGNING, SIGNING_NAME)
    if not (directory / TOKENS).exists():
        line = f"{secrets.token_urlsafe(_TOKEN_BYTES)},{BOOTSTRAP_USER},,{BOOTSTRAP_GROUP}\n"
        ensure_file(directory / TOKENS, line.encode())
        made.append(TOKENS)
    return made


def _retired(folder: Path) -> bytes:
    """The public halves of keys that sign no more."""
    public = (read_key(path).public_key() for path in sorted(folder.glob("*.key")) if path.name != SIGNING_KEY)
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    recovered = folder / RECOVERED
    return b"".join(key.public_bytes(*form) for key in public) + (recovered.read_bytes() if recovered.exists() else b"")

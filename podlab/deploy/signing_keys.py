"""What signs on the masters, made on the controller: keys of tokens, the authority of signed requests, a first token.

The folder `service-accounts` of the cluster's PKI holds `signing.key`. Tokens that other keys there have signed are
good as well: while one takes another's place (podlab.deploy.key_rotation), and until the former one is removed.

The folder `signing` holds the authority of the certificates that the controllers sign. It is not the cluster's CA,
whose key stays here: what it signs is good for clients of the API server, and makes nobody a server to others.
"""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from podlab.deploy import key_rotation, rotation
from podlab.pki import ensure_ca, ensure_file, ensure_key, new_key, read_key

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


def advance(directory: Path, wanted: str) -> bool:
    """Take the key of tokens a step further; whether that changed anything. Raises OSError."""
    folder = directory / FOLDER
    changed = key_rotation.advance(folder, SIGNING_KEY, wanted, new_key, keeps_former=True)
    if wanted == "alone" and not (folder / key_rotation.NEXT).exists() and (folder / RECOVERED).exists():
        (folder / RECOVERED).unlink()
        return True
    return changed


def advance_authority(directory: Path, wanted: str) -> bool:
    """Take the authority of signed requests a step further; whether that changed what is trusted. What earlier ones
    have signed is good until `alone`. Raises PkiError, OSError."""
    return rotation.advance(directory / SIGNING, SIGNING_NAME, wanted, keeps_former=True)


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

"""What of a cluster's PKI its masters hold as well: fetched when the controller lost it, and never replaced by mistake.

What a master does not have is the cluster's CA and its key, which never leave the controller; a new CA harms nothing
that is stored. All else does: without the encryption key Secrets cannot be read, without the keys of tokens every pod's
token is void. `docs/backup.md` is what an administrator reads about it.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from podlab.deploy import secret_encryption, signing_keys
from podlab.pki import PkiError, ensure_file

_ON_MASTER = "/etc/podlab/pki"
ENCRYPTION = f"{_ON_MASTER}/encryption.yaml"
SERVICE_ACCOUNTS = f"{_ON_MASTER}/service-accounts.key"
SERVICE_ACCOUNTS_RETIRED = f"{_ON_MASTER}/service-accounts-retired.pem"
SIGNING_CERTIFICATE = f"{_ON_MASTER}/signing.crt"
SIGNING_KEY = f"{_ON_MASTER}/signing.key"
TOKENS = f"{_ON_MASTER}/tokens.csv"
PATHS = (ENCRYPTION, SERVICE_ACCOUNTS, SERVICE_ACCOUNTS_RETIRED, SIGNING_CERTIFICATE, SIGNING_KEY, TOKENS)


@dataclass(frozen=True, kw_only=True)
class MasterCopies:
    """What a master says of its copies, without showing them."""

    master: str
    sha256: Mapping[str, str]
    """Path on the master to the digest of what it holds; only what is there."""
    encryption_keys: Sequence[str] = ()
    """Names of the keys of ENCRYPTION, the writing one first."""
    store: bool = False
    """Whether there is a store that these keys may have encrypted."""
    serving: bool = False
    """Whether its API server runs: then it has written anew with the first key what others had encrypted."""


def lost(pki: Path) -> list[str]:
    """Which of PATHS would bring back what the directory lacks. A folder with a renamed key is no loss: it rotates."""
    wanted: list[str] = []
    if not any((pki / secret_encryption.FOLDER).glob("*.key")):
        wanted.append(ENCRYPTION)
    if not any((pki / signing_keys.FOLDER).glob("*.key")):
        wanted += [SERVICE_ACCOUNTS, SERVICE_ACCOUNTS_RETIRED]
    if not any((pki / signing_keys.SIGNING).glob("*.*")):
        wanted += [SIGNING_CERTIFICATE, SIGNING_KEY]
    if not (pki / signing_keys.TOKENS).exists():
        wanted.append(TOKENS)
    return wanted


def recover(pki: Path, contents: Mapping[str, bytes]) -> list[str]:
    """Write what was fetched (path on the master to content) where it belongs; the names of what was written.

    Raises PkiError for what is no configuration of ours.
    """
    return [name for name, content in _files(contents) if ensure_file(pki / name, content)]


def would_recover(contents: Mapping[str, bytes]) -> list[str]:
    """The names that `recover` would write."""
    return [name for name, _ in _files(contents)]


def refusals(pki: Path, held: MasterCopies) -> list[str]:
    """Why what the directory holds may not take the place of what the master has: cause and remedy, each a sentence."""
    found = []
    if missing := _missing_encryption_keys(pki, held):
        found.append(
            _refusal(
                pki / secret_encryption.FOLDER,
                f"the store of {held.master} is encrypted with {', '.join(missing)}, which is not among its keys: "
                f"the API server could not read its Secrets any more",
            )
        )
    if _is_other(held, SERVICE_ACCOUNTS, (pki / signing_keys.FOLDER).glob("*.key")):
        found.append(
            _refusal(
                pki / signing_keys.FOLDER,
                f"{held.master} signs tokens with a key that is not there: the tokens of all pods would be refused",
            )
        )
    if _is_other(held, SIGNING_CERTIFICATE, (pki / signing_keys.SIGNING).glob("*.crt")):
        found.append(
            _refusal(
                pki / signing_keys.SIGNING,
                f"{held.master} signs certificates by another authority: those that it has signed would be refused",
            )
        )
    return found


def _files(contents: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
    if configuration := contents.get(ENCRYPTION):
        for number, secret in enumerate(_secrets(configuration)):
            name = secret_encryption.CURRENT if number == 0 else f"older-{number}.key"
            yield f"{secret_encryption.FOLDER}/{name}", secret.encode() + b"\n"
    if key := contents.get(SERVICE_ACCOUNTS):
        yield f"{signing_keys.FOLDER}/{signing_keys.SIGNING_KEY}", key
    if retired := contents.get(SERVICE_ACCOUNTS_RETIRED):
        yield f"{signing_keys.FOLDER}/{signing_keys.RECOVERED}", retired
    certificate, key = contents.get(SIGNING_CERTIFICATE), contents.get(SIGNING_KEY)
    if certificate and key:
        yield f"{signing_keys.SIGNING}/ca.crt", certificate
        yield f"{signing_keys.SIGNING}/ca.key", key
    if tokens := contents.get(TOKENS):
        yield signing_keys.TOKENS, tokens


def _secrets(configuration: bytes) -> list[str]:
    try:
        parsed: Any = yaml.safe_load(configuration)
        return [str(key["secret"]) for key in parsed["resources"][0]["providers"][0]["aesgcm"]["keys"]]
    except (yaml.YAMLError, KeyError, IndexError, TypeError) as error:
        raise PkiError(f"the master's {ENCRYPTION} is no configuration that a deployment of Podlab wrote") from error


def _missing_encryption_keys(pki: Path, held: MasterCopies) -> list[str]:
    """What the store may be encrypted with and the controller does not have."""
    if not held.store or not any((pki / secret_encryption.FOLDER).glob("*.key")):
        return []
    needed = held.encryption_keys[:1] if held.serving else held.encryption_keys
    known = {
        secret_encryption.key_name(path.read_text().strip()) for path in (pki / secret_encryption.FOLDER).glob("*.key")
    }
    return [name for name in needed if name not in known]


def _is_other(held: MasterCopies, path: str, ours: Iterable[Path]) -> bool:
    """Whether both have one and the master's is none of the controller's, renamed ones included."""
    digests = {hashlib.sha256(each.read_bytes()).hexdigest() for each in ours}
    return bool(digests) and path in held.sha256 and held.sha256[path] not in digests


def _refusal(folder: Path, cause: str) -> str:
    return (
        f"{folder}: {cause}. Restore the folder from a backup, or move it away and deploy again: "
        f"then the master's own is fetched (docs/backup.md)"
    )

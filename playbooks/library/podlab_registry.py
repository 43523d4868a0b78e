#!/usr/bin/python3
"""Ansible module: the password of the cluster's own image registry, made where the registry runs.

It stands in a file of root's alone, and its hash in the registry's. No command line has it.
"""

from __future__ import annotations

import base64
import ctypes
import grp
import os
import re
import secrets
import string
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_registry
short_description: The password of the cluster's own image registry
description:
  - Makes a password where there is none, and sees that the registry's htpasswd file has its hash and no other.
  - The result C(authorization) is what clients send; tasks that use it need no_log.
options:
  directory: {description: Where both files are., type: path, default: /etc/podlab/registry}
  group: {description: Who may read the hash., type: str, default: podlab-registry}
author: [Podlab]
"""

OPTIONS = {
    "directory": {"type": "path", "default": "/etc/podlab/registry"},
    "group": {"type": "str", "default": "podlab-registry"},
}
USER = "podlab"
PASSWORD_BYTES = 32
# The password is random and long: a hash that takes longer would only slow each request down.
COST = 5
BCRYPT = re.compile(r"\$2b\$[0-9]{2}\$[./A-Za-z0-9]{53}")
SALT_CHARS = "./" + string.ascii_letters + string.digits


class RegistryError(Exception):
    """The password cannot be hashed; the message says why."""


def crypt(password: str, setting: str) -> str:
    """bcrypt, by the C library's own function: Python of Debian 13 has none any more. Raises RegistryError."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    found = library.crypt(password.encode(), setting.encode())
    if not found or not found.startswith(b"$2b$"):
        raise RegistryError("the C library's crypt() knows no bcrypt: install libcrypt1")
    return str(found.decode())


def salt() -> str:
    # The last of bcrypt's 22 characters holds two bits only.
    chosen = "".join(secrets.choice(SALT_CHARS) for _ in range(21))
    return f"$2b${COST:02}${chosen}."


def is_of(text: str, password: str) -> bool:
    """Whether a htpasswd file has the hash of this password, and nobody else's."""
    user, _, known = text.removesuffix("\n").partition(":")
    return user == USER and bool(BCRYPT.fullmatch(known)) and crypt(password, known) == known


def write(path: Path, text: str, mode: int, gid: int) -> None:
    """Whole or not at all, and for nobody else at any time."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.chown(partial, 0 if os.geteuid() == 0 else -1, gid)
    partial.chmod(mode)
    partial.replace(path)


def ensured(params: dict[str, Any], check: bool) -> tuple[bool, str]:
    """Whether something had to be written, and what clients send. Raises RegistryError, OSError."""
    directory = Path(params["directory"])
    secret, hashed = directory / "password", directory / "htpasswd"
    known = secret.read_text().strip() if secret.exists() else ""
    password = known or secrets.token_urlsafe(PASSWORD_BYTES)
    good = bool(known) and hashed.exists() and is_of(hashed.read_text(), password)
    if not good and not check:
        gid = grp.getgrnam(params["group"]).gr_gid
        directory.mkdir(parents=True, exist_ok=True)
        if not known:
            write(secret, f"{password}\n", 0o600, -1)
        write(hashed, f"{USER}:{crypt(password, salt())}\n", 0o640, gid)
    return not good, base64.b64encode(f"{USER}:{password}".encode()).decode()


class Unlogged(AnsibleModule):
    """Writes no word to the host's journal."""

    def log(self, msg: str, log_args: dict[str, Any] | None = None) -> None:
        """See AnsibleModule."""


def main() -> None:
    module = Unlogged(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        changed, authorization = ensured(module.params, module.check_mode)
    except (RegistryError, OSError, KeyError) as error:
        module.fail_json(msg=f"the registry's password: {error}")
    module.exit_json(changed=changed, authorization=authorization)


if __name__ == "__main__":
    main()

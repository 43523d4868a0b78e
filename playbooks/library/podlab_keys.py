#!/usr/bin/python3
"""Ansible module: which keys of a cluster a master holds, told by digests; their content where it is asked for."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_keys
short_description: Which keys of a cluster a master holds
description:
  - Called by the action of the same name only. Contents come back hidden by its one-time pad, so that no log of the
    connection shows them, at any verbosity.
options:
  paths: {description: The files to look at., type: list, elements: path, required: true}
  contents: {description: Those of them whose content is needed., type: list, elements: path, default: []}
  pad: {description: "Random bytes for this one answer, as base64; none without contents.", type: str, default: ""}
  encryption: {description: The file whose keys' names are told., type: path, required: true}
author: [Podlab]
"""

OPTIONS = {
    "paths": {"type": "list", "elements": "path", "required": True},
    "contents": {"type": "list", "elements": "path", "default": []},
    "pad": {"type": "str", "default": "", "no_log": True},
    "encryption": {"type": "path", "required": True},
}
# Of them there is one: the file, or what tells which etcd was used.
STORES = (Path("/var/lib/podlab/apiserver/store.db"), Path("/var/lib/podlab/apiserver/etcd-store"))
SERVER = "podlab-apiserver"


def look(paths: list[str], contents: list[str], pad: str, encryption: str) -> dict[str, Any]:
    found = {path: Path(path).read_bytes() for path in paths if Path(path).is_file()}
    configuration = found.get(encryption, b"").decode(errors="replace")
    asked = {path: found[path].decode() for path in contents if path in found}
    return {
        "sha256": {path: hashlib.sha256(content).hexdigest() for path, content in found.items()},
        "hidden": hide(json.dumps(asked).encode(), base64.b64decode(pad)) if asked else "",
        "encryption_keys": re.findall(r"\bname: '?([0-9a-f]+)", configuration),
        "store": any(store.exists() for store in STORES),
        "serving": subprocess.run(["systemctl", "is-active", "--quiet", "podlab-apiserver"], check=False).returncode
        == 0,
    }


def hide(plain: bytes, pad: bytes) -> str:
    """Base64 of what only the pad shows again. Raises ValueError for a pad that is too short to hide all."""
    if len(plain) > len(pad):
        raise ValueError(f"{len(plain)} bytes are more than the pad of {len(pad)} hides")
    return base64.b64encode(bytes(a ^ b for a, b in zip(plain, pad, strict=False))).decode()


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    try:
        module.exit_json(changed=False, **look(**module.params))
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()

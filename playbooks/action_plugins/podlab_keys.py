"""Ansible action: what the controller lost of a cluster's keys comes back from a master, or it is told why not.

Runs for a master. What it has and the controller has not is fetched; what it has and the controller would replace by
another is refused. A master that takes no part in the run has nothing replaced, and is asked only for what is missing.
Nothing that is secret is in results or logs, at any verbosity.
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail

from podlab.deploy import recovery
from podlab.deploy.remote.action import ActionModule as OnHost
from podlab.pki import PkiError

# More than all of a cluster's keys together.
PAD_BYTES = 1 << 16
OPTIONS: dict[str, dict[str, Any]] = {
    "directory": {"type": "path", "required": True},  # .podlab/<cluster>/pki
    "master": {"type": "str", "required": True},  # for messages
}


class ActionModule(OnHost):
    """Result: `changed`, and `fetched`, the names of what was missing on the controller."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super(OnHost, self).run(tmp, task_vars)
        _, params = self.validate_argument_spec(OPTIONS)
        pki, master = Path(str(params["directory"])), str(params["master"])
        try:
            wanted = recovery.lost(pki)
            if not wanted and master not in (task_vars or {})["ansible_play_hosts_all"]:
                return {**result, "changed": False, "fetched": []}
            answer, contents = self._ask(wanted, task_vars)
            if refused := recovery.refusals(pki, _held(master, answer)):
                return {**result, "failed": True, "msg": "\n".join(refused)}
            fetched = recovery.would_recover(contents) if self._task.check_mode else recovery.recover(pki, contents)
        except (PkiError, OSError, ValueError) as error:
            raise AnsibleActionFail(str(error)) from error
        return {**result, "changed": bool(fetched), "fetched": fetched}

    def _ask(self, wanted: list[str], task_vars: dict[str, Any] | None) -> tuple[dict[str, Any], dict[str, bytes]]:
        """The module's answer, and the contents that were asked for by their paths.

        What a connection receives is shown with -vvv, so the contents come hidden by a pad that is used once.
        """
        pad = os.urandom(PAD_BYTES) if wanted else b""
        arguments = {
            "paths": list(recovery.PATHS),
            "contents": wanted,
            "pad": base64.b64encode(pad).decode(),
            "encryption": recovery.ENCRYPTION,
        }
        answer = self.on_host("podlab_keys", arguments, task_vars)
        if answer.get("failed"):
            raise AnsibleActionFail(str(answer.get("msg", "podlab_keys failed")))
        hidden = base64.b64decode(answer["hidden"])
        plain = bytes(a ^ b for a, b in zip(hidden, pad, strict=False))
        return answer, {path: content.encode() for path, content in json.loads(plain or b"{}").items()}


def _held(master: str, answer: dict[str, Any]) -> recovery.MasterCopies:
    return recovery.MasterCopies(
        master=master,
        sha256=answer["sha256"],
        encryption_keys=answer["encryption_keys"],
        store=answer["store"],
        serving=answer["serving"],
    )

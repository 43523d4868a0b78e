"""What a module of ours finds on a host under the name ansible.module_utils.basic.

It is sent there as text, and needs Python's own library only.
Ansible packs its library, of which every call on every host then compiles half a megabyte: more than half a second of
a processor, where what our modules do takes hundredths. Arguments were checked before they were sent (`action`).
"""

from __future__ import annotations

import json
import sys
from typing import NoReturn

# Set by the program that this is a part of.
TASK: dict[str, object] = {}


class AnsibleModule:
    """That part of Ansible's class of this name which our modules use."""

    def __init__(self, argument_spec: dict[str, object], supports_check_mode: bool = False) -> None:
        self.params = TASK["params"]
        self.check_mode = bool(TASK["check"])
        self._diff = bool(TASK["diff"])
        self._warnings: list[str] = []

    def warn(self, warning: str) -> None:
        self._warnings.append(warning)

    def exit_json(self, **result: object) -> NoReturn:
        print(json.dumps({**result, **({"warnings": self._warnings} if self._warnings else {})}))
        sys.exit(0)

    def fail_json(self, msg: str, **result: object) -> NoReturn:
        self.exit_json(failed=True, msg=msg, **result)

    def log(self, msg: str, log_args: dict[str, object] | None = None) -> None:
        """Ansible's class writes each call down in the host's journal; this one does not."""

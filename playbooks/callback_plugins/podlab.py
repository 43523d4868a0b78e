"""Ansible callback: the default output, in which an error is printed once.

Since 2.19 the default prints what a failed task says as `[ERROR]` and then again as the task's `msg`.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from ansible.plugins.callback.default import CallbackModule as Default

DOCUMENTATION = """
name: podlab
type: stdout
short_description: The default output, in which an error is printed once
description:
  - What a failed task says is its C(msg); how it came to that is shown with C(-vvv).
extends_documentation_fragment:
  - default_callback
  - result_format_callback
"""


class CallbackModule(Default):
    """Options are the default callback's."""

    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "podlab"

    def _handle_exception(self, result: MutableMapping[str, Any], use_stderr: bool = False) -> None:
        if self._display.verbosity >= 3 or not result.get("msg"):
            super()._handle_exception(result, use_stderr)
        else:
            result.pop("exception", None)

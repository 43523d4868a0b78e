"""Versions of an API, in the order in which Kubernetes prefers them: v10, v2, v1, v11beta2, v10beta3, v12alpha1, foo1.

https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/
"""

from __future__ import annotations

import re

_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?")
_LAST = 0x10FFFF
_STAGES = {None: 2, "beta": 1, "alpha": 0}


def priority(version: str) -> tuple[bool, int, int, int, str]:
    """A key that is greater for the one to prefer. Versions of other forms come last, in the order of the alphabet."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return False, 0, 0, 0, "".join(chr(_LAST - ord(letter)) for letter in version) + chr(_LAST)
    return True, _STAGES[match[2]], int(match[1]), int(match[3] or 0), ""

"""Regular expressions in RE2's syntax, whose time is bounded by the text's length times the pattern's."""

from __future__ import annotations

import re2

from podlab.cel.values import EvaluationError

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


def compiled(pattern: str) -> re2._Regexp:
    """The pattern, which RE2 remembers. Raises EvaluationError."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as e:
        reason = e.args[0].decode() if e.args and isinstance(e.args[0], bytes) else str(e)
        raise EvaluationError(f"error parsing regexp: {reason}") from None

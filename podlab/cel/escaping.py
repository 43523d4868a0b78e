"""Names of properties as expressions write them: what is no identifier is escaped.

Source: https://kubernetes.io/docs/reference/using-api/cel/#escaping
"""

from __future__ import annotations

import re

_RESERVED = frozenset(
    {
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import"),
        *("let", "loop", "package", "namespace", "return", "var", "void", "while"),
    }
)
_ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_UNESCAPES = {escaped: plain for plain, escaped in _ESCAPES.items()}
_TO_ESCAPE = re.compile(r"__|[./-]")
_TO_UNESCAPE = re.compile(r"__(?:underscores|dot|dash|slash)__")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def escape(name: str) -> str | None:
    """How expressions write the property; None where they cannot."""
    if name in _RESERVED:
        return f"__{name}__"
    escaped = _TO_ESCAPE.sub(lambda match: _ESCAPES[match[0]], name)
    return escaped if _IDENTIFIER.fullmatch(escaped) else None


def unescape(written: str) -> str:
    """The property that is written so."""
    if written.startswith("__") and written.endswith("__") and written[2:-2] in _RESERVED:
        return written[2:-2]
    return _TO_UNESCAPE.sub(lambda match: _UNESCAPES[match[0]], written)


def is_identifier(name: str) -> bool:
    """Whether expressions may call a variable so."""
    return _IDENTIFIER.fullmatch(name) is not None and name not in _RESERVED

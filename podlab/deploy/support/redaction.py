"""Takes secrets out of text: those that are known by their value, and what looks like one. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

LEFT_OUT: Final = "(left out)"
SHORTEST_KNOWN: Final = 6
"""A known secret that is shorter is not looked for: words of that length are everywhere."""

_NAMES: Final = (
    r"(?:pass(?:word|wd|phrase)?|token|secret|api[-_]?key|access[-_]?key|private[-_]?key|secret[-_]?key"
    r"|credentials?|client[-_]?key(?:[-_]?data)?|auth|identitytoken|psk)"
)
_BEGINS: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
_ENDS: Final = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
_PATTERNS: Final = (
    # A JSON Web Token: its head is a JSON object, so that it begins like this.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), LEFT_OUT),
    (re.compile(r"(?i)\b(bearer|basic)(\s+)[\w.~+/=-]{8,}"), rf"\1\2{LEFT_OUT}"),
    (re.compile(r"(\w://[^\s:/@]*:)[^\s@/]+@"), rf"\1{LEFT_OUT}@"),
    (re.compile(rf"(?i)(\s--?[\w-]*{_NAMES}\s+)(?![-/(])\S+"), rf"\1{LEFT_OUT}"),
    # Ansible's vaults, which stay encrypted but need not be passed around.
    (re.compile(r"\$ANSIBLE_VAULT;[\d.]+;AES256\S*(\s+[0-9a-f]{20,})*"), LEFT_OUT),
)
# NAME: value, NAME=value, "NAME": "value". A path, a reference and a template say where a secret is, not what it is.
_NAMED: Final = re.compile(
    rf"(?i)([\w.-]*{_NAMES}\\?[\"']?[ \t]*[:=][ \t]*)"
    r"(\"(?:[^\"\\\n]|\\.)+\"|\\\"[^\"\n]+\"|'[^'\n]+'"
    r"|(?![/{\[(<\"'|>\\]|(?:null|true|false)\b)[^\s,;}\]]+)"
)
_SECRET_NAME: Final = re.compile(rf"(?i).*{_NAMES}$")


@dataclass(frozen=True)
class Redactor:
    """`known` are secrets by their very value; each line of a value with several is one of its own."""

    known: frozenset[str] = frozenset()

    def text(self, text: str) -> str:
        """The same text, in which each secret is replaced by LEFT_OUT."""
        for line in self._lines:
            if line in text:
                text = text.replace(line, LEFT_OUT)
        text = "".join(_without_keys(text.splitlines(keepends=True)))
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return _NAMED.sub(_unnamed, text)

    @cached_property
    def _lines(self) -> Sequence[str]:
        """The longest first: another may be a part of it."""
        lines = {line.strip() for value in self.known for line in value.splitlines()}
        wanted = [line for line in lines if len(line) >= SHORTEST_KNOWN and not line.startswith("-----")]
        return sorted(wanted, key=len, reverse=True)


def _unnamed(found: re.Match[str]) -> str:
    """In quotes where it was, so that JSON stays JSON."""
    quotes = re.match(r"\\?[\"']", found[2])
    quote = quotes[0] if quotes else ""
    return f"{found[1]}{quote}{LEFT_OUT}{quote}"


def _without_keys(lines: Iterable[str]) -> Iterable[str]:
    """Line by line, since a log puts a time before each line of a key that was logged."""
    inside = False
    for line in lines:
        begins, ends = _BEGINS.search(line), _ENDS.search(line)
        if begins:
            yield f"{line[: begins.start()]}{LEFT_OUT}{line[ends.end() :] if ends else chr(10)}"
        elif not inside:
            yield line
        inside = not ends and (inside or bool(begins))


def is_secret_name(name: str) -> bool:
    """Whether what is called this holds a secret itself, and not the name of one."""
    return bool(_SECRET_NAME.match(name))

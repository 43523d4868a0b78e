"""Regular expressions as Go has them (RE2): whoever writes one for a kind cannot make the server search for ever.

Python's own search backtracks, so that a pattern such as `^(a+)+$` would take seconds for a short value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import re2

_KEPT: Final = 4096
"""So many patterns stay compiled."""

# What RE2 says of a wrong pattern, and what Go says.
_GO: Final = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "unexpected )": "unexpected )",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "trailing \\": "trailing backslash at end of expression",
    "invalid named capture group": "invalid named capture",
}


def fault(pattern: str) -> str:
    """What is wrong with a pattern, in Go's words; empty when nothing is."""
    try:
        re2.compile(pattern, _options())
    except re2.error as error:
        said = error.args[0]
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        what, separator, where = text.partition(": ")
        return f"error parsing regexp: {_GO.get(what, what)}: `{where if separator else ''}`"
    return ""


def found(pattern: str, text: str) -> bool:
    """Whether the pattern, which has no fault, is found in the text. Takes time in proportion to the text's length."""
    return _search(pattern)(text) is not None


@lru_cache(_KEPT)
def _search(pattern: str) -> Callable[[str], object]:
    """Answers None where the pattern is not found.

    A set of one pattern says whether it is found, not where, and is so seven times faster than a search. Where it needs
    too much memory it finds nothing, or cannot be made.
    """
    search: Callable[[str], object] = re2.compile(pattern, _options()).search
    only: re2.Set = re2.Set.SearchSet(_options())
    only.Add(pattern)
    try:
        only.Compile()
    except re2.error:
        return search
    return lambda text: only.Match(text) or search(text)


@lru_cache(1)
def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options

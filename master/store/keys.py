"""How keys are checked, and how a prefix becomes a half-open interval of keys."""

_SURROGATES_FROM = 0xD800
_SURROGATES_END = 0xE000
_LAST_CODE_POINT = 0x10FFFF

BEYOND_ALL = chr(_LAST_CODE_POINT) * 2
"""An upper bound for a prefix that has none of its own; keys do not contain the last code point."""


def check_key(key: str) -> None:
    """Raise ValueError for a key that cannot be stored in order."""
    if key.isascii() and key and "\0" not in key:
        return
    if not key:
        raise ValueError("a key must not be empty")
    if "\0" in key or chr(_LAST_CODE_POINT) in key or not _encodable(key):
        raise ValueError(f"key {key!r} has a character that cannot be stored (NUL, a surrogate or U+10FFFF)")


def interval(prefix: str) -> tuple[str, str]:
    """The keys that start with `prefix` are those with low <= key < high."""
    if not prefix:
        return "", BEYOND_ALL
    following = ord(prefix[-1]) + 1
    if _SURROGATES_FROM <= following < _SURROGATES_END:
        following = _SURROGATES_END
    return prefix, prefix[:-1] + chr(min(following, _LAST_CODE_POINT))


def _encodable(key: str) -> bool:
    return key.isascii() or not any(_SURROGATES_FROM <= ord(character) < _SURROGATES_END for character in key)

"""What names, label keys and label values may look like, and names made up by the server.

Each check returns what is wrong with the value, in Kubernetes' words; an empty list means nothing is.
"""

import random
import re
from collections.abc import Callable

Check = Callable[[str], list[str]]

# Without vowels and look-alike digits, as in Kubernetes: no words, no mistakes when read aloud.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_RFC1035_LABEL = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_WHOLE_SUBDOMAIN = re.compile(_SUBDOMAIN)
_NOT_IN_LABELS = re.compile(r"[^a-z0-9]+")
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = rf"({_QUALIFIED})?"
_CONFIG_KEY = r"[-._a-zA-Z0-9]+"
_MAX_LABEL = 63
_MAX_SUBDOMAIN = 253
_MAX_PORT_NAME = 15
_random = random.Random()  # noqa: S311 - names are to differ, not to be secret; seeded by the system at start


def generate(prefix: str) -> str:
    """The prefix, shortened so that the result is a valid label, and five characters that make it unique."""
    suffix = "".join(_random.choices(_ALPHABET, k=_SUFFIX_LENGTH))
    return prefix[: _MAX_LABEL - _SUFFIX_LENGTH] + suffix


def of_event(about: str, moment_ns: int) -> str:
    """The name of an Event: what it is about, and when, which does not repeat.

    The first is shortened where it is too long, and stripped of what a role's name may hold and an Event's not.
    """
    suffix = f".{moment_ns:x}"
    room = _MAX_SUBDOMAIN - len(suffix)
    named = about[:room].rstrip("-.") + suffix
    if rfc1123_subdomain(named):
        named = _NOT_IN_LABELS.sub("-", about.lower())[:room].strip("-") + suffix
    return named.lstrip(".")


def rfc1123_label(value: str) -> list[str]:
    """Namespaces, container names, volumes."""
    return _check(
        value,
        _LABEL,
        _MAX_LABEL,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end"
        f" with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')",
    )


def rfc1035_label(value: str) -> list[str]:
    """Services, whose names are DNS names of the old sort."""
    return _check(
        value,
        _RFC1035_LABEL,
        _MAX_LABEL,
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic"
        " character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation"
        f" is '{_RFC1035_LABEL}')",
    )


def rfc1123_subdomain(value: str) -> list[str]:
    """Most objects' names."""
    if len(value) <= _MAX_SUBDOMAIN and _WHOLE_SUBDOMAIN.fullmatch(value):
        return []
    return _check(
        value,
        _SUBDOMAIN,
        _MAX_SUBDOMAIN,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start"
        " and end with an alphanumeric character (e.g. 'example.com', regex used for validation is"
        f" '{_SUBDOMAIN}')",
    )


def qualified_name(value: str) -> list[str]:
    """Keys of labels, annotations and taints: a name, with a DNS subdomain and a slash before it or not."""
    prefix, slash, name = value.rpartition("/")
    if slash and not prefix:
        return ["prefix part must be non-empty"]
    problems = [f"prefix part {problem}" for problem in rfc1123_subdomain(prefix)] if slash else []
    if not name:
        return [*problems, "name part must be non-empty"]
    return problems + [
        f"name part {problem}"
        for problem in _check(
            name,
            _QUALIFIED,
            _MAX_LABEL,
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
            f" character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')",
        )
    ]


def label_value(value: str) -> list[str]:
    return _check(
        value,
        _LABEL_VALUE,
        _MAX_LABEL,
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start"
        " and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for"
        f" validation is '{_LABEL_VALUE}')",
    )


def config_key(value: str) -> list[str]:
    """Keys of ConfigMaps and Secrets, which become file names."""
    if value in (".", ".."):
        return [f"must not be '{value}'"]
    if value.startswith(".."):
        return ["must not start with '..'"]
    return _check(
        value,
        _CONFIG_KEY,
        _MAX_SUBDOMAIN,
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',"
        f"  or 'key-name', regex used for validation is '{_CONFIG_KEY}')",
    )


def path_segment(value: str) -> list[str]:
    """What may stand between two slashes of a URL, whatever it is: names of roles."""
    if value in (".", ".."):
        return [f"may not be '{value}'"]
    return [f"may not contain '{character}'" for character in "/%" if character in value]


def port_name(value: str) -> list[str]:
    problems = _check(
        value,
        r"[-a-z0-9]+",
        _MAX_PORT_NAME,
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
    )
    if not re.search("[a-z]", value):
        problems.append("must contain at least one letter (a-z)")
    if "--" in value:
        problems.append("must not contain consecutive hyphens")
    if value.startswith("-") or value.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def _check(value: str, pattern: str, max_length: int, rule: str) -> list[str]:
    problems = [] if re.fullmatch(pattern, value) else [rule]
    if len(value) > max_length:
        problems.append(f"must be no more than {max_length} characters")
    return problems

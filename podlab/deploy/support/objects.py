"""The cluster's objects for a support bundle: as the API server has them, without what is there to be secret. Pure."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from podlab.api.selection.labels import LAST_APPLIED
from podlab.deploy.support.redaction import LEFT_OUT, is_secret_name

# Of these kinds the whole content is left out: people keep passwords in ConfigMaps, too.
_CONTENTS: Final = {"Secret": ("data", "stringData"), "ConfigMap": ("data", "binaryData")}


def cleaned(item: Mapping[str, object]) -> dict[str, object]:
    """The object without values of Secrets and ConfigMaps, and of fields and variables that are called like secrets."""
    found = {name: _clean(name, value) for name, value in item.items()}
    for name in _CONTENTS.get(str(item.get("kind")), ()):
        values = item.get(name)
        if isinstance(values, dict):
            found[name] = {key: f"{LEFT_OUT}: {len(str(value))} characters" for key, value in values.items()}
    return found


def secret_values(items: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """What Secrets hold, as it is stored and as it is meant, for finding it elsewhere."""
    for item in items:
        values = item.get("data")
        for value in values.values() if isinstance(values, dict) else ():
            yield str(value)
            try:
                yield base64.b64decode(str(value)).decode()
            except (binascii.Error, UnicodeDecodeError):
                continue


def _clean(name: str, value: object) -> object:
    if isinstance(value, dict):
        return {key: LEFT_OUT if _secret_variable(key, value) else _clean(key, each) for key, each in _kept(value)}
    if isinstance(value, list):
        return [_clean("", each) for each in value]
    return LEFT_OUT if isinstance(value, str) and value and is_secret_name(name) else value


def _kept(value: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    return ((key, each) for key, each in value.items() if key != LAST_APPLIED)


def _secret_variable(key: str, holder: Mapping[str, object]) -> bool:
    """Whether it is the value of a container's variable that is called like a secret."""
    return key == "value" and is_secret_name(str(holder.get("name", "")))

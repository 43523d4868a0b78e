"""Strategic merge patch: a merge patch that knows which lists are merged, and takes directives.

See https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NoReturn

from google.protobuf.descriptor import Descriptor

from master.apiserver.patching import lists
from master.apiserver.patching.document import Json, clipped
from master.apiserver.patching.strategies import UNKNOWN, Member, members
from podlab.api.scalars import described
from podlab.errors import BadRequest, Cause, Invalid

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_REMOVE = "$deleteFromPrimitiveList/"


def strategic_merge_patch(document: Json, patch: Json, descriptor: Descriptor) -> Json:
    """The document with the patch applied; neither is changed. Raises BadRequest, Invalid."""
    if not isinstance(patch, dict):
        raise BadRequest(f"error decoding patch: expected an object, found {described(patch)}")
    return _merge_objects(document, patch, descriptor, "")


def _merge_objects(original: Mapping[str, Json], patch: Json, descriptor: Descriptor | None, path: str) -> Json:
    directive = patch.get(_DIRECTIVE)
    if directive == "delete":
        return {}
    if directive == "replace":
        original = {}
    elif directive not in (None, "merge"):
        raise BadRequest(
            f"{_at(path, _DIRECTIVE)}: unknown patch type {described(directive)}: delete, replace or merge"
        )
    merged = _retained(original, patch, path)
    known = members(descriptor) if descriptor is not None else {}
    for name in _names(patch):
        member, where = known.get(name, UNKNOWN), _at(path, name)
        if name in patch and patch[name] is None:
            merged.pop(name, None)
        elif (_ORDER + name) in patch or (_REMOVE + name) in patch:
            _merge_directed(merged, name, patch, member, where)
        else:
            merged[name] = _merge(merged.get(name), patch[name], member, where)
    return merged


def _names(patch: Mapping[str, Json]) -> list[str]:
    """The members that the patch is about, each once."""
    told = (name.removeprefix(_ORDER).removeprefix(_REMOVE) for name in patch if name not in (_DIRECTIVE, _RETAIN))
    return list(dict.fromkeys(told))


def _retained(original: Mapping[str, Json], patch: Mapping[str, Json], path: str) -> dict[str, Json]:
    """A copy of the original, without what `$retainKeys` does not name."""
    if _RETAIN not in patch:
        return dict(original)
    keep, where = patch[_RETAIN], _at(path, _RETAIN)
    if not isinstance(keep, list) or not all(isinstance(name, str) for name in keep):
        raise BadRequest(f"{where}: invalid patch format of retainKeys: expected a list of strings")
    for name, value in patch.items():
        if value is not None and not name.startswith("$") and name not in keep:
            raise BadRequest(
                f"{where}: invalid patch format of retainKeys: it lacks {clipped(name)!r}, which the patch sets"
            )
    return {name: value for name, value in original.items() if name in keep}


def _merge(original: Json, patch: Json, member: Member, path: str) -> Json:
    if isinstance(patch, dict):
        return _merge_objects(original if isinstance(original, dict) else {}, patch, member.inner, path)
    if isinstance(patch, list) and (member.merge_key or member.is_set):
        return _merge_lists(original if isinstance(original, list) else [], patch, patch, member, path)
    return patch


def _merge_directed(merged: dict[str, Json], name: str, patch: Mapping[str, Json], member: Member, path: str) -> None:
    """Merge a list that has directives beside it."""
    if not (member.merge_key or member.is_set):
        raise BadRequest(f"{path}: the patch has directives for a list that is not merged")
    before, sent = _list(merged.get(name), path), _list(patch.get(name), path)
    if _REMOVE + name in patch:
        if member.merge_key:
            raise BadRequest(f"{_REMOVE}{name}: invalid patch format of primitive list: {path} holds objects")
        gone = {_identity(item, member, _REMOVE + name) for item in _list(patch[_REMOVE + name], _REMOVE + name)}
        before = [item for item in before if _identity(item, member, path) not in gone]
    if name not in merged and name not in patch:
        return
    order = sent
    if _ORDER + name in patch:
        order = _list(patch[_ORDER + name], _ORDER + name)
        _check_order(sent, order, member, path)
    merged[name] = _merge_lists(before, sent, order, member, path)


def _check_order(sent: Sequence[Json], order: Sequence[Json], member: Member, path: str) -> None:
    def identity(item: Json) -> Hashable:
        return _identity(item, member, path)

    kept = [item for item in sent if not (isinstance(item, dict) and _DIRECTIVE in item)]
    if order and not lists.is_in_order(kept, order, identity):
        raise BadRequest(f"{path}: The order in patch list doesn't match {_ORDER} list: name its items, in its order")


def _merge_lists(
    original: Sequence[Json], patch: Sequence[Json], order: Sequence[Json], member: Member, path: str
) -> list[Json]:
    """The items of both, in the order of `order` where it names them."""

    def identity(item: Json) -> Hashable:
        return _identity(item, member, path)

    if not member.merge_key:
        merged = list({identity(item): item for item in (*original, *patch)}.values())
        return lists.ordered(merged, order, original, identity)
    original, patch = _without_special(original, patch, member, path)
    merged = list(original)
    places = lists.positions(merged, identity)
    for item in patch:
        place = places.setdefault(identity(item), len(merged))
        where = f"{path}[{place}]"
        if place == len(merged):
            merged.append(_merge_objects({}, item, member.inner, where))
        else:
            merged[place] = _merge_objects(merged[place], item, member.inner, where)
    named = [item for item in order if not (isinstance(item, dict) and _DIRECTIVE in item)]
    return lists.ordered(merged, named, original, identity)


def _without_special(
    original: Sequence[Json], patch: Sequence[Json], member: Member, path: str
) -> tuple[list[Json], list[Json]]:
    """What is left of both once the items that are directives have been followed."""
    plain: list[Json] = []
    gone: set[Hashable] = set()
    replaces = False
    for item in patch:
        identity = None if item == {_DIRECTIVE: "replace"} else _identity(item, member, path)
        directive = item.get(_DIRECTIVE)
        if directive == "delete":
            gone.add(identity)
        elif directive == "replace":
            replaces = True
        elif directive is None:
            plain.append(item)
        elif directive == "merge":
            raise BadRequest(f"{path}: merging lists cannot yet be specified in the patch")
        else:
            raise BadRequest(f"{path}: unknown patch type {described(directive)}: delete or replace")
    kept = [] if replaces else [item for item in original if _identity(item, member, path) not in gone]
    return kept, plain


def _identity(item: Json, member: Member, path: str) -> Hashable:
    key = member.merge_key
    if not key:
        if isinstance(item, dict | list):
            _refuse(path, f"expected a scalar in the list, found {described(item)}")
        return lists.scalar(item)
    if not isinstance(item, dict):
        _refuse(path, f"expected an object in the list, found {described(item)}")
    value = item.get(key)
    if value is None or isinstance(value, dict | list):
        _refuse(path, f"an item of the list does not contain declared merge key: {key}")
    return lists.scalar(value)


def _list(value: Json, path: str) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"{path}: expected a list, found {described(value)}")
    return value


def _refuse(path: str, why: str) -> NoReturn:
    raise Invalid(f"patch: Invalid value: {path}: {why}", causes=[Cause(path, "FieldValueInvalid", why)])


def _at(path: str, name: str) -> str:
    return clipped(f"{path}.{name}" if path else name)

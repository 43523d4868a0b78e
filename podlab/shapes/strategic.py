"""Strategic merge patch: a merge patch that knows which lists are merged, and takes directives.

See https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from podlab.api.values.jsonvalues import Json, clipped, described
from podlab.errors import BadRequest
from podlab.shapes import lists
from podlab.shapes.lists import Identify
from podlab.shapes.shape import Field, List, Scalar, Shape, member

DIRECTIVE: Final = "$patch"
RETAIN: Final = "$retainKeys"
ORDER: Final = "$setElementOrder/"
REMOVE: Final = "$deleteFromPrimitiveList/"


def strategic_merge(
    document: Mapping[str, Json],
    patch: Json,
    shape: Shape | None,
    identify: Identify = lists.by_merge_key,
) -> dict[str, Json]:
    """The document with the patch applied; neither is changed. Raises BadRequest, Invalid.

    What has no shape is merged like an object, or replaced like a list; who reads the result refuses what is not a
    field.
    """
    if not isinstance(patch, dict):
        raise BadRequest(f"error decoding patch: expected an object, found {described(patch)}")
    return _Merge(identify).objects(document, patch, shape, "")


@dataclass(frozen=True, slots=True)
class _Merge:
    """`identify` tells the items of a list apart that is merged."""

    identify: Identify

    def objects(
        self, original: Mapping[str, Json], patch: Mapping[str, Json], shape: Shape | None, path: str
    ) -> dict[str, Json]:
        directive = patch.get(DIRECTIVE)
        if directive == "delete":
            return {}
        if directive == "replace":
            original = {}
        elif directive not in (None, "merge"):
            raise BadRequest(
                f"{_at(path, DIRECTIVE)}: unknown patch type {described(directive)}: delete, replace or merge"
            )
        merged = _retained(original, patch, path)
        for name in _names(patch):
            if name in patch and patch[name] is None:
                merged.pop(name, None)
                continue
            field, where = member(shape, name), _at(path, name)
            if (ORDER + name) in patch or (REMOVE + name) in patch:
                self._directed(merged, name, patch, field, where)
            else:
                merged[name] = self._values(merged.get(name), patch[name], field, where)
        return merged

    def _values(self, original: Json, patch: Json, field: Field | None, path: str) -> Json:
        shape = None if field is None else field.shape
        if isinstance(shape, Scalar):
            return patch  # an object that is never looked into, what it holds being no directives of ours
        if isinstance(patch, dict):
            kept = original if isinstance(original, dict) and not (field is not None and field.replaced) else {}
            return self.objects(kept, patch, shape, path)
        if isinstance(patch, list) and isinstance(shape, List) and shape.merges:
            return self._lists(original if isinstance(original, list) else [], patch, patch, shape, path)
        return patch

    def _directed(
        self, merged: dict[str, Json], name: str, patch: Mapping[str, Json], field: Field | None, path: str
    ) -> None:
        """Merge a list that has directives beside it."""
        shape = None if field is None else field.shape
        if not isinstance(shape, List) or not shape.merges:
            raise BadRequest(f"{path}: the patch has directives for a list that is not merged")
        before, sent = _list(merged.get(name), path), _list(patch.get(name), path)
        if REMOVE + name in patch:
            if shape.merge_key:
                raise BadRequest(f"{REMOVE}{name}: invalid patch format of primitive list: {path} holds objects")
            removed = _list(patch[REMOVE + name], REMOVE + name)
            gone = {self.identify(shape, item, REMOVE + name) for item in removed}
            before = [item for item in before if self.identify(shape, item, path) not in gone]
        if name not in merged and name not in patch:
            return
        order = sent
        if ORDER + name in patch:
            order = _list(patch[ORDER + name], ORDER + name)
            self._check_order(sent, order, shape, path)
        merged[name] = self._lists(before, sent, order, shape, path)

    def _check_order(self, sent: Sequence[Json], order: Sequence[Json], shape: List, path: str) -> None:
        named = self._identities(_without_directives(sent), shape, path)
        if order and not lists.is_in_order(named, self._identities(order, shape, path)):
            raise BadRequest(
                f"{path}: The order in patch list doesn't match {ORDER} list: name its items, in its order"
            )

    def _identities(self, items: Sequence[Json], shape: List, path: str) -> list[Hashable]:
        return [self.identify(shape, item, path) for item in items]

    def _lists(
        self, original: Sequence[Json], patch: Sequence[Json], order: Sequence[Json], shape: List, path: str
    ) -> list[Json]:
        """The items of both, in the order of `order` where it names them."""
        if not shape.merge_key:
            before = self._identities(original, shape, path)
            united = dict(zip((*before, *self._identities(patch, shape, path)), (*original, *patch), strict=True))
            return lists.ordered(list(united.items()), self._identities(order, shape, path), before)
        kept, sent = self._without_special(original, patch, shape, path)
        if kept is None:
            return [self.objects({}, item, shape.item, path) for item in sent]
        before = self._identities(kept, shape, path)
        merged = list(zip(before, kept, strict=True))
        places = lists.positions(before)
        for item in sent:
            identity = self.identify(shape, item, path)
            place = places.setdefault(identity, len(merged))
            where = f"{path}[{place}]"
            if place == len(merged):
                merged.append((identity, self.objects({}, item, shape.item, where)))
            else:
                merged[place] = identity, self.objects(_object(merged[place][1], where), item, shape.item, where)
        return lists.ordered(merged, self._identities(_without_directives(order), shape, path), before)

    def _without_special(
        self, original: Sequence[Json], patch: Sequence[Json], shape: List, path: str
    ) -> tuple[list[Json] | None, list[dict[str, Json]]]:
        """What is left of both once the items that are directives have been followed: None when all are replaced."""
        plain: list[dict[str, Json]] = []
        gone: set[Hashable] = set()
        replaces = False
        for sent in patch:
            identity = None if sent == {DIRECTIVE: "replace"} else self.identify(shape, sent, path)
            item = _object(sent, path)
            directive = item.get(DIRECTIVE)
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
        if replaces:
            return None, plain
        return [item for item in original if self.identify(shape, item, path) not in gone], plain


def _names(patch: Mapping[str, Json]) -> list[str]:
    """The members that the patch is about, each once."""
    told = (name.removeprefix(ORDER).removeprefix(REMOVE) for name in patch if name not in (DIRECTIVE, RETAIN))
    return list(dict.fromkeys(told))


def _retained(original: Mapping[str, Json], patch: Mapping[str, Json], path: str) -> dict[str, Json]:
    """A copy of the original, without what `$retainKeys` does not name."""
    if RETAIN not in patch:
        return dict(original)
    keep, where = patch[RETAIN], _at(path, RETAIN)
    if not isinstance(keep, list) or not all(isinstance(name, str) for name in keep):
        raise BadRequest(f"{where}: invalid patch format of retainKeys: expected a list of strings")
    for name, value in patch.items():
        if value is not None and not name.startswith("$") and name not in keep:
            raise BadRequest(
                f"{where}: invalid patch format of retainKeys: it lacks {clipped(name)!r}, which the patch sets"
            )
    return {name: value for name, value in original.items() if name in keep}


def _without_directives(items: Sequence[Json]) -> list[Json]:
    return [item for item in items if not (isinstance(item, dict) and DIRECTIVE in item)]


def _list(value: Json, path: str) -> list[Json]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"{path}: expected a list, found {described(value)}")
    return value


def _object(value: Json, path: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        lists.refuse(path, f"expected an object in the list, found {described(value)}")
    return value


def _at(path: str, name: str) -> str:
    return clipped(f"{path}.{name}" if path else name)

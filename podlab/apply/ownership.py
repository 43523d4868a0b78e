"""How ownership of fields changes when an object is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from podlab.api.values.jsonvalues import Json
from podlab.apply import conflicts
from podlab.apply.comparison import Comparison, compare
from podlab.apply.conflicts import Conflicts
from podlab.apply.field_set import EMPTY, FieldSet
from podlab.apply.fields import fields_of
from podlab.apply.managers import Managed, Manager, Managers, none_empty
from podlab.apply.merging import merge
from podlab.apply.pruning import without
from podlab.apply.schema_changes import reconciled
from podlab.apply.versions import MissingVersion, Versions

# What is never managed: it says which object it is, or is the server's own.
UNMANAGED = FieldSet.of(
    ("f:apiVersion",),
    ("f:kind",),
    ("f:metadata",),
    ("f:metadata", "f:name"),
    ("f:metadata", "f:namespace"),
    ("f:metadata", "f:creationTimestamp"),
    ("f:metadata", "f:selfLink"),
    ("f:metadata", "f:uid"),
    ("f:metadata", "f:clusterName"),
    ("f:metadata", "f:generation"),
    ("f:metadata", "f:managedFields"),
    ("f:metadata", "f:resourceVersion"),
)


Changes = Callable[[str], Comparison]
"""What a write changes, in the terms of a version. Raises MissingVersion, Unidentified."""


@dataclass(frozen=True, slots=True)
class Writing:
    """One write of an object: in which version, and which fields it cannot change. `reset` is by version."""

    versions: Versions
    api_version: str
    reset: FieldSet

    def updated(self, changes: Changes, managers: Managers, by: Manager, now_s: int) -> Managers:
        """Who manages what once these changes have been made. Raises Unidentified."""
        known = self._reconciled(managers)
        compared = changes(self.api_version).without(self.reset)
        left = self._left_to_others(changes, known, compared, by)
        own = compared.written - UNMANAGED
        before = left.pop(by, None)
        if before is not None:
            before = before.of(before.fields.less(compared.removed))
        if own:
            fields = own if before is None else before.fields | own
            fields.settled = self.versions.shape(self.api_version)
            left[by] = Managed(fields, self.api_version, now_s)
        elif before is not None and before.fields:
            left[by] = before
        return left

    def applied(
        self, live: Json, config: Json, managers: Managers, by: Manager, *, force: bool, now_s: int
    ) -> tuple[Json, Managers]:
        """The object with what is applied, and who manages what of it then. Neither is changed. Raises Conflicts,
        Unidentified."""
        shape = self.versions.shape(self.api_version)
        known = dict(self._reconciled(managers))
        last = known.get(by)
        merged = merge(live, config, shape)
        claimed = fields_of(config, shape).without(self.reset)
        known[by] = Managed(claimed, self.api_version, None if last is None else last.time_s)
        new = self._pruned(merged, known, by, last)
        changes = self.changes(live, new)
        left = self._left_to_others(changes, known, changes(self.api_version).without(self.reset), by, force=force)
        time_s = left[by].time_s if new == live else now_s
        own = Managed(claimed - UNMANAGED, self.api_version, time_s)
        return new, none_empty({**left, by: own}.items())

    def changes(self, live: Json, new: Json) -> Changes:
        """What differs between two objects of this version."""

        def compared(api_version: str) -> Comparison:
            before = self.versions.convert(live, self.api_version, api_version)
            after = self.versions.convert(new, self.api_version, api_version)
            return compare(before, after, self.versions.shape(api_version))

        return compared

    def _left_to_others(
        self, changes: Changes, managers: Managers, compared: Comparison, by: Manager, *, force: bool = True
    ) -> dict[Manager, Managed]:
        """What managers keep: not what another value has been written of, nor what is gone. `by` keeps what it has, and
        managers in versions that are no more are forgotten. Raises Conflicts, unless `force`."""
        known = {self.api_version: (compared.written, compared.removed)}
        left: dict[Manager, Managed] = {}
        taken: dict[Manager, FieldSet] = {}
        for one, managed in managers.items():
            if one == by:
                left[one] = managed
                continue
            version = managed.api_version
            try:
                if version not in known:
                    theirs = changes(version).without(self.reset)
                    known[version] = theirs.written, theirs.removed
            except MissingVersion:
                continue
            written, removed = known[version]
            if found := managed.fields & written:
                taken[one] = found
            left[one] = managed.of(managed.fields.less(found).less(removed))
        if taken and not force:
            raise Conflicts(conflicts.of(taken))
        return {one: managed for one, managed in left.items() if managed.fields or one == by}

    def _reconciled(self, managers: Managers) -> Managers:
        """In the terms of shapes as they are now."""
        found: dict[Manager, Managed] = {}
        for one, managed in managers.items():
            try:
                shape = self.versions.shape(managed.api_version)
            except MissingVersion:
                continue
            found[one] = managed.of(reconciled(managed.fields, shape))
        return found

    def _pruned(self, merged: Json, managers: Managers, by: Manager, last: Managed | None) -> Json:
        """Without what its applier had applied before and does not apply any more, unless others manage it."""
        if last is None or not last.fields or self._claims_all(managers[by], last):
            return merged
        try:
            at_last = self.versions.convert(merged, self.api_version, last.api_version)
        except MissingVersion:
            return merged
        shape = self.versions.shape(last.api_version)
        pruned = without(at_last, last.fields.with_declared(shape), shape)
        pruned = self._with_owned(at_last, pruned, managers, last.api_version)
        kept = self._with_dangling(at_last, pruned, last)
        return self.versions.convert(kept, last.api_version, self.api_version)

    def _claims_all(self, now: Managed, last: Managed) -> bool:
        """Whether all that was applied before still is: most often, the values alone are others."""
        return now.api_version == last.api_version and not last.fields - now.fields

    def _with_owned(self, merged: Json, pruned: Json, managers: Managers, at: str) -> Json:
        """With what anybody manages, and whoever applies now claims."""
        owned: dict[str, FieldSet] = {at: EMPTY}
        for managed in managers.values():
            owned[managed.api_version] = owned.get(managed.api_version, EMPTY) | managed.fields
        for version, fields in owned.items():
            try:
                whole = self.versions.convert(merged, at, version)
                rest = self.versions.convert(pruned, at, version)
            except MissingVersion:
                continue
            shape = self.versions.shape(version)
            there = fields_of(rest, shape).with_declared(shape) | fields.with_declared(shape)
            gone = fields_of(whole, shape).with_declared(shape) - there
            pruned = self.versions.convert(without(whole, gone, shape), version, at)
        return pruned

    def _with_dangling(self, merged: Json, pruned: Json, last: Managed) -> Json:
        """With what nobody manages and whoever applies had not applied before: only fields of its own go."""
        shape = self.versions.shape(last.api_version)
        there = fields_of(pruned, shape).with_declared(shape)
        gone = fields_of(merged, shape).with_declared(shape) - there
        return without(merged, gone & last.fields.with_declared(shape), shape)

"""What the operations of a commit must be, whatever the store holds. Pure."""

from collections.abc import Sequence

from master.store.contract import Delete, Limits, Put, size_bytes
from master.store.keys import check_key

Operations = Sequence[Put | Delete]


def check_operations(operations: Operations, limits: Limits) -> None:
    """Raise ValueError for a commit that no state could make right."""
    if not operations:
        raise ValueError("a commit needs at least one operation")
    for operation in operations:
        check_key(operation.key)
        if operation.expected is not None and operation.expected < 0:
            raise ValueError(f"{operation.key}: expected revision {operation.expected} is negative")
    value_bytes = sum(map(size_bytes, operations))
    if not limits.allow(len(operations), value_bytes):
        raise ValueError(
            f"a commit holds at most {limits.operations} operations and {limits.value_bytes} bytes, "
            f"this one has {len(operations)} and {value_bytes}"
        )
    if len(operations) > 1 and len({operation.key for operation in operations}) != len(operations):
        raise ValueError("a commit names the same key twice")

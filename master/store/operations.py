"""What the operations of a commit must be, whatever the store holds. Pure."""

from collections.abc import Sequence

from master.store.contract import Delete, Limits, Put, size_bytes
from master.store.keys import check_key

Operations = Sequence[Put | Delete]


def check_operations(operations: Operations, limits: Limits) -> int:
    """How many bytes the values of a commit take. Raise ValueError for one that no state could make right."""
    if not operations:
        raise ValueError("a commit needs at least one operation")
    value_bytes = 0
    for operation in operations:
        value_bytes += size_bytes(operation)
        check_key(operation.key)
        if operation.expected is not None and operation.expected < 0:
            raise ValueError(f"{operation.key}: expected revision {operation.expected} is negative")
    if not limits.allow(len(operations), value_bytes):
        raise ValueError(
            f"a commit holds at most {limits.operations} operations and {limits.value_bytes} bytes, "
            f"this one has {len(operations)} and {value_bytes}"
        )
    if len(operations) > 1 and len({operation.key for operation in operations}) != len(operations):
        raise ValueError("a commit names the same key twice")
    return value_bytes

"""What the store refuses, and why.

    StoreError
    ├── Mismatch        a commit expected another revision of a key
    ├── Compacted       the history asked for is gone
    ├── FutureRevision  the revision asked for has not happened
    ├── Overrun         a watcher fell too far behind
    ├── Closed          the store was closed
    ├── Unwritable      the disk refused (full, input/output error)
    ├── Unreachable     no member of etcd answers; nothing was done
    ├── Undecided       a commit was sent and its outcome is not known
    ├── Refused         etcd refuses (rights, space, size)
    ├── Undecryptable   a value cannot be read with the keys that there are
    └── Unopenable
        ├── Locked      another process has the file open
        ├── Foreign     the file is not of this schema
        ├── Incomplete  a part of the store is there, and the rest is not
        ├── Corrupt     the file is damaged
        ├── Replaced    another store is where this one was, or none
        └── BadArchive  the archive of a store is damaged, or is none

The apiserver maps these to API errors; nothing else leaves the store on purpose.
"""

from collections.abc import Sequence
from pathlib import Path


class StoreError(Exception):
    """Any refusal of the store."""


class Mismatch(StoreError):
    """A commit expected another revision of a key; nothing of the commit was written.

    A revision of 0 stands for "the key does not exist".
    """

    def __init__(self, key: str, expected: int, found: int) -> None:
        wanted = f"revision {expected}" if expected else "no such key"
        present = f"revision {found}" if found else "no such key"
        super().__init__(f"{key}: expected {wanted}, found {present}; read it again and retry")
        self.key = key
        self.expected = expected
        self.found = found


class Compacted(StoreError):
    """The revision asked for is older than the history that is kept."""

    def __init__(self, revision: int, oldest: int) -> None:
        super().__init__(
            f"revision {revision} is compacted, the oldest kept is {oldest}; list again and start from there"
        )
        self.revision = revision
        self.oldest = oldest


class FutureRevision(StoreError):
    """The revision asked for has not happened: the caller knows another store, or a newer copy of this one."""

    def __init__(self, revision: int, current: int) -> None:
        super().__init__(f"revision {revision} has not happened yet, the store is at {current}; list again")
        self.revision = revision
        self.current = current


class Overrun(StoreError):
    """A watcher took changes more slowly than they came, beyond the bound of what is kept for it."""

    def __init__(self, prefix: str, bound_bytes: int) -> None:
        super().__init__(
            f"watch of {prefix or 'all keys'} fell more than {bound_bytes} bytes of changes behind; "
            "watch again from the last revision seen, or list again"
        )
        self.prefix = prefix
        self.bound_bytes = bound_bytes


class Closed(StoreError):
    """The store was closed; what it had acknowledged is on disk."""

    def __init__(self) -> None:
        super().__init__("the store is closed")


class Unwritable(StoreError):
    """The disk refused a write. Nothing of the commit was acknowledged."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: cannot write: {reason}; check free space and the health of the disk")
        self.path = path


class Unreachable(StoreError):
    """No member of etcd answered in time. Nothing of what was asked was done."""

    def __init__(self, endpoints: Sequence[str], reason: str) -> None:
        super().__init__(
            f"etcd at {', '.join(endpoints)} does not answer: {reason}; look at its members, and at the network to them"
        )
        self.endpoints = endpoints


class Undecided(StoreError):
    """A commit was sent to etcd, and no answer came. All of it was written, or nothing, perhaps only a little later."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(
            f"etcd at {endpoint} did not tell whether it has written: {reason}; read again to see whether it has"
        )
        self.endpoint = endpoint


class Refused(StoreError):
    """etcd refuses what was asked, and would again. Nothing of it was done."""

    def __init__(self, endpoint: str, reason: str, remedy: str) -> None:
        super().__init__(f"etcd at {endpoint} refuses: {reason}; {remedy}")
        self.endpoint = endpoint


class Undecryptable(StoreError):
    """A value was encrypted with a key that is not there, or is not what was written under its key."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key} cannot be decrypted: {reason}")
        self.key = key


class Unopenable(StoreError):
    """The store's file cannot be opened as a store."""


class Locked(Unopenable):
    """Another process (or this one) has the store open."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path}: already open in {holder}; stop it, or use another file")
        self.path = path


class Foreign(Unopenable):
    """The file is a database, but not one that this version reads."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class Incomplete(Unopenable):
    """Only a part of the store is there. To begin anew would throw away what is left of it."""

    def __init__(self, path: Path, what: str, beside: Sequence[Path]) -> None:
        left = " and ".join(str(one) for one in beside)
        log = left or f"{path}-wal"
        super().__init__(
            f"{path} {what}, and {left or f'{log} is not there'}{' is there' if left else ''}: this is a store that "
            f"lost a part, not a new cluster. Restore {path} and {path.name}-wal from one backup; to begin a new and "
            f"empty cluster, move {path} and {log} away"
        )
        self.path = path


class Corrupt(Unopenable):
    """The file is damaged or is no database at all."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path}: damaged: {reason}; restore it from a backup, or move it away together with "
            f"{path.name}-wal and {path.name}-shm to start empty"
        )
        self.path = path


class Replaced(Unopenable):
    """Where the store was is another one, or none. To go on would tell every node that nothing is to run."""

    def __init__(self, where: str, reason: str, remedy: str) -> None:
        super().__init__(f"{where}: {reason}; {remedy}")
        self.where = where


class InUse(StoreError):
    """API servers write to the store that is to be copied."""

    def __init__(self, servers: Sequence[str]) -> None:
        super().__init__(
            f"this store is still used by the API server at {', '.join(servers)}: what it writes would be missing in "
            "the copy; stop it (systemctl stop podlab-apiserver), and begin again"
        )
        self.servers = servers


class BadArchive(Unopenable):
    """The file is no archive of a store, is one of another format, or is not as it was written."""

    def __init__(self, path: Path, reason: str, remedy: str = "use another backup") -> None:
        super().__init__(f"{path}: {reason}; {remedy}")
        self.path = path

"""The database file: its tables, how it is opened, and when it is refused.

`log` is append-only: one row per change, holding the value, and the id of the row it replaced. `current` maps each
existing key to the row that holds its value. `meta` is one row: the last revision, the oldest that reads may ask for
(`compacted`), and how far rows that nothing needs any more have been removed (`swept`).
"""

import logging
import sqlite3
from pathlib import Path

from master.store.errors import Corrupt, Foreign, Unopenable, Unwritable
from master.store.sqlite import founding, wal
from master.store.sqlite.decide import OPERATIONS_BITS

APPLICATION_ID = 0x506F644C  # "PodL"
SCHEMA_VERSION = 1

_SCHEMA = f"""
BEGIN;
CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    compacted INTEGER NOT NULL,
    swept INTEGER NOT NULL
);
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    create_revision INTEGER NOT NULL,
    previous INTEGER,
    value BLOB
);
CREATE TABLE current (
    key TEXT PRIMARY KEY,
    id INTEGER NOT NULL,
    create_revision INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO meta VALUES (1, 1, 0, 0);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""  # noqa: S608  # the numbers are ours

_STRAY = """
SELECT count(*) FROM current LEFT JOIN log ON log.id = current.id
WHERE log.id IS NULL OR log.key <> current.key OR log.value IS NULL
"""

# Of the writing connection alone: what follows from a row of the log, in the statement that appends it.
_TRIGGERS = (
    f"""
CREATE TEMP TRIGGER written AFTER INSERT ON main.log WHEN NEW.value IS NOT NULL BEGIN
    INSERT INTO current (key, id, create_revision) VALUES (NEW.key, NEW.id, NEW.create_revision)
        ON CONFLICT (key) DO UPDATE SET id = excluded.id, create_revision = excluded.create_revision;
    UPDATE meta SET revision = NEW.id >> {OPERATIONS_BITS};
END
""",  # noqa: S608  # the number is ours
    f"""
CREATE TEMP TRIGGER removed AFTER INSERT ON main.log WHEN NEW.value IS NULL BEGIN
    DELETE FROM current WHERE key = NEW.key;
    UPDATE meta SET revision = NEW.id >> {OPERATIONS_BITS};
END
""",  # noqa: S608
)

log = logging.getLogger(__name__)

_WAL_BYTES = 16 << 20
_PAGE_BYTES = 4096
_INCREMENTAL = 2
_CACHE_KIB = 8 << 10
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def open_writer(path: Path) -> sqlite3.Connection:
    """The writing connection to a checked file of mode 0600, made when no file of a store is there.

    Raises Incomplete, Foreign, Corrupt, Unwritable.
    """
    try:
        if not founding.is_there(path):
            founding.found(path, _SCHEMA)
            log.info("%s: a new store", path)
        path.chmod(0o600)  # the -wal and -shm files take the mode of the database
        logged = wal.read(path)
    except OSError as error:
        raise Unwritable(path, error.strerror or str(error)) from error
    except sqlite3.Error as error:
        raise explained(error, path) from error
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        if logged is not None:
            _tell_of_log(connection, path, logged)
        check_identity(connection, path)
        _check_integrity(connection, path)
        _configure(connection)
    except sqlite3.Error as error:
        connection.close()
        raise explained(error, path) from error
    except Unopenable:
        connection.close()
        raise
    return connection


def make(path: Path, revision: int) -> None:
    """A new store that goes on from a revision: it has no history of before. Raises Unwritable."""
    try:
        founding.found(path, _SCHEMA)
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("UPDATE meta SET revision = ?, compacted = ?", (revision, revision))
        finally:
            connection.close()
    except OSError as error:
        raise Unwritable(path, error.strerror or str(error)) from error
    except sqlite3.Error as error:
        raise explained(error, path) from error


def open_reader(path: Path) -> sqlite3.Connection:
    """A second connection to a file that `open_writer` has checked; it cannot write."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA query_only = ON")
    return connection


def explained(error: sqlite3.Error, path: Path) -> Corrupt | Unwritable:
    """SQLite's error as one of ours, with the file and the remedy."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return Corrupt(path, str(error)) if code in _DAMAGE else Unwritable(path, str(error))


def _tell_of_log(connection: sqlite3.Connection, path: Path, logged: wal.Log) -> None:
    """Say what SQLite leaves out in silence."""
    taken = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
    if told := wal.untold(logged, max(taken, 0)):
        log.error("%s-wal: %s", path, told)


def check_identity(connection: sqlite3.Connection, path: Path) -> None:
    """Raises Foreign, Corrupt where this is no store of this version."""
    application = _pragma(connection, "application_id")
    version = _pragma(connection, "user_version")
    if not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        raise Corrupt(path, f"a database without tables; was {path.name}-wal lost?")
    if application != APPLICATION_ID:
        raise Foreign(path, f"a database of another program (application id {application:#x}); name another file")
    if version != SCHEMA_VERSION:
        raise Foreign(
            path,
            f"schema version {version}, this Podlab reads {SCHEMA_VERSION}; "
            "run the version that wrote it, or restore a backup that fits",
        )


def _check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if finding != "ok":
        raise Corrupt(path, finding)
    if connection.execute("SELECT count(*) FROM meta").fetchone()[0] != 1:
        raise Corrupt(path, "the row that holds the revision is missing")
    stray = connection.execute(_STRAY).fetchone()[0]
    if stray:  # as where a database was restored beside the log of another
        raise Corrupt(path, f"{stray} keys whose values are not there; does {path.name}-wal belong to it?")


def _configure(connection: sqlite3.Connection) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise sqlite3.OperationalError(f"the file system does not allow write-ahead logging (journal mode {mode})")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_BYTES // _PAGE_BYTES}")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    if _pragma(connection, "auto_vacuum") != _INCREMENTAL:  # a store of a version whose files never shrank
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
    for trigger in _TRIGGERS:
        connection.execute(trigger)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])

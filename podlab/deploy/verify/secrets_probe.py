"""Sent to a host and run there: where does a secret of the cluster's stand that is nobody's business?

The one argument is JSON: `files`, patterns of files whose contents are secrets, and `logs`, patterns of files to look
through. Looked through are also the command lines and environments of all processes, and the journal of this boot.
Printed are the number of secrets that were looked for, and for each that was found, from which file it is and where it
was found; never itself.
"""

import glob
import json
import subprocess
import sys
from pathlib import Path

# The end of the journal: a secret that is logged is logged again and again.
JOURNAL_LINES = 50_000
JOURNAL_WITHIN_S = 60
SHORTEST = 16
# Of each log, its end.
LOG_BYTES = 32 << 20


def secrets(patterns: "list[str]") -> "dict[bytes, str]":
    """Each secret and the file that it is from."""
    found = {}
    for path in (Path(each) for pattern in patterns for each in glob.glob(pattern)):
        text = path.read_bytes()
        lines = text.splitlines()
        if b"-----BEGIN" in text:
            # The first line of a short key is alike in all of them, and the last ones are its public half.
            words = [line for line in lines if b"-----" not in line][1:2]
        elif path.suffix == ".csv":
            words = [line.split(b",")[0].strip(b'" ') for line in lines]
        elif path.suffix == ".yaml":
            words = [line.partition(b"secret:")[2].strip(b"'\" ") for line in lines if b"secret:" in line]
        else:
            words = [text.strip()]
        found.update({word: str(path) for word in words if len(word) >= SHORTEST})
    return found


def places(logs: "list[str]") -> "dict[str, bytes]":
    """Texts that others than the secret's owner may come to see, by what they are called."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found[f"the command line of process {process.name}"] = (process / "cmdline").read_bytes()
            found[f"the environment of process {process.name}"] = (process / "environ").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
    for path in (each for pattern in logs for each in glob.glob(pattern) if Path(each).is_file()):
        found[path] = end_of(path)
    command = ["journalctl", "--boot", "--output=cat", "--no-pager", f"--lines={JOURNAL_LINES}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=JOURNAL_WITHIN_S)
    return {**found, "the journal": done.stdout}


def end_of(path: str) -> bytes:
    with open(path, "rb") as log:
        size = log.seek(0, 2)
        log.seek(max(0, size - LOG_BYTES))
        return log.read()


def main(asked: "dict[str, list[str]]") -> "dict[str, object]":
    known = secrets(asked["files"])
    found = [
        f"{whose} is in {name}"
        for name, text in places(asked["logs"]).items()
        for secret, whose in known.items()
        if secret in text
    ]
    return {"secrets": len(known), "found": sorted(set(found))}


if __name__ == "__main__":
    json.dump(main(json.loads(sys.argv[1])), sys.stdout)

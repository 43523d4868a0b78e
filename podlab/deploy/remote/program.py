"""One Python program of a module of ours, what it stands on, and its arguments. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

# Arguments, variables and results: of any types that JSON has.
Values = dict[str, object]
FRAME = """
import json, sys, types
def provide(name, source):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, f"<{{name}}>", "exec"), module.__dict__)
    return module
for name in ("ansible", "ansible.module_utils"):
    sys.modules[name] = types.ModuleType(name)
provide("ansible.module_utils.basic", {basic!r}).TASK = json.loads({task!r})
provide({name!r}, {source!r}).main()
"""


class AnswerError(ValueError):
    """What the host printed is no module's answer; the message shows its end."""


@dataclass(frozen=True)
class Call:
    """One call of a module: its arguments, complete and of the right types, and how it is run."""

    name: str
    params: Values
    check: bool
    diff: bool


def program(call: Call, source: str, basic: str) -> bytes:
    """What the host's Python reads. `source` is the module's text, `basic` that of ansible.module_utils.basic."""
    task = json.dumps({"params": call.params, "check": call.check, "diff": call.diff})
    return FRAME.format(basic=basic, task=task, name=call.name, source=source).encode()


def answer(printed: str, complaints: str, code: int) -> Values:
    """The module's result, its last line: before it stands what a login shell says. Raises AnswerError."""
    last = printed.splitlines()[-1] if printed.strip() else ""
    try:
        found = json.loads(last)
    except ValueError:
        found = None
    if code != 0 or not isinstance(found, dict):
        said = complaints.strip().splitlines() or last.splitlines()
        raise AnswerError(f"it ended with {code}: {' | '.join(said[-3:]) or 'it said nothing'}")
    return found

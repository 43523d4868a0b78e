"""Ansible action: a module of ours (playbooks/library), sent to the host as one script, and its result."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from functools import cache
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from podlab.deploy.release.sources import project_root
from podlab.deploy.remote import basic
from podlab.deploy.remote.program import AnswerError, Call, Values, answer, program


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible has no types
    """Arguments and result are the module's. It sees the environment of the task, and its privileges."""

    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: Values | None = None) -> Values:
        result: Values = super().run(tmp, task_vars)
        return {**result, **self.on_host(self._task.action.rpartition(".")[2], self._task.args, task_vars)}

    def on_host(self, name: str, arguments: Values, task_vars: Values | None, check: bool = False) -> Values:
        """What the module answers; with `check`, or where the task only checks, it changes nothing.

        Raises AnsibleActionFail for arguments that it does not take.
        """
        given = ArgumentSpecValidator(options(name)).validate(arguments)
        if given.error_messages:
            raise AnsibleActionFail(f"{name}: {'; '.join(given.error_messages)}")
        call = Call(
            name, given.validated_parameters, check=check or bool(self._task.check_mode), diff=bool(self._task.diff)
        )
        patience = str(self._templar.template((task_vars or {}).get("podlab_patience", "1")))
        environment = f"{self._compute_environment_string()} {waiting(patience)}".strip()
        command = f"{environment} {self._python(task_vars or {})} -".strip()
        sent = program(call, module_file(name).read_text(), Path(str(basic.__file__)).read_text())
        done = self._low_level_execute_command(command, in_data=sent)
        try:
            return answer(str(done["stdout"]), str(done["stderr"]), int(done["rc"]))
        except AnswerError as error:
            raise AnsibleActionFail(f"{name}: {error}") from error

    def _python(self, variables: Values) -> str:
        set_to = str(self._templar.template(variables.get("ansible_python_interpreter", "")))
        return set_to if "/" in set_to else "python3"


def waiting(patience: str) -> str:
    """The environment by which modules know how many times as long as usual they are to wait."""
    return "" if patience == "1" else f"PODLAB_PATIENCE={shlex.quote(patience)}"


def module_file(name: str) -> Path:
    return project_root() / "playbooks/library" / f"{name}.py"


@cache
def options(name: str) -> Values:
    """The arguments that a module takes, as its OPTIONS say."""
    spec = importlib.util.spec_from_file_location(f"library.{name}", module_file(name))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look their module up
    spec.loader.exec_module(module)
    found: Values = module.OPTIONS
    return found

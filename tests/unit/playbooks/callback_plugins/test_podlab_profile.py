"""A run ends with the seconds of its plays and tasks."""

import os
import subprocess
import sys
from pathlib import Path

from podlab_testing.source_code import PROJECT

PLAYBOOK = """
- name: First play
  hosts: [a, b]
  gather_facts: false
  tasks:
    - name: Quick
      ansible.builtin.debug:
        msg: done
    - name: Slow on b
      ansible.builtin.wait_for:
        timeout: "{{ (inventory_hostname == 'b') | ternary(1, 0) }}"
      connection: local
"""


def test_a_task_is_shown_with_the_host_that_took_longest(tmp_path: Path) -> None:
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    program = Path(sys.executable).with_name("ansible-playbook")
    own = {"ANSIBLE_CALLBACKS_ENABLED": "podlab_profile", "PODLAB_PROFILE_LEAST_S": "0.9", "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(
        [program, "-i", "a,b,", "-e", f"ansible_python_interpreter={sys.executable}", tmp_path / "play.yml"],
        cwd=PROJECT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = done.stdout[done.stdout.index("SECONDS") :].splitlines()[1:]
    rows = [line.split(maxsplit=1) for line in told if line.strip()]
    assert [name.partition("  (")[0] for _, name in rows] == ["First play", "Slow on b", "in all"]
    assert "(b " in rows[1][1]
    assert float(rows[0][0]) >= float(rows[1][0]) >= 1.0

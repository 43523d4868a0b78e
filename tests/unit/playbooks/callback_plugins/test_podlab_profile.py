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


def rows(tmp_path: Path, least_s: float) -> list[list[str]]:
    """Seconds and name of each line of the table."""
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    program = Path(sys.executable).with_name("ansible-playbook")
    own = {"ANSIBLE_CALLBACKS_ENABLED": "podlab_profile", "ANSIBLE_NOCOLOR": "1"}
    own["PODLAB_PROFILE_LEAST_S"] = str(least_s)
    done = subprocess.run(
        [program, "-i", "a,b,", "-e", f"ansible_python_interpreter={sys.executable}", tmp_path / "play.yml"],
        cwd=PROJECT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    told = done.stdout[done.stdout.index("SECONDS") :].splitlines()[1:]
    return [line.split(maxsplit=1) for line in told if line.strip()]


def test_a_task_is_shown_with_the_host_that_took_longest(tmp_path: Path) -> None:
    told = rows(tmp_path, 0.0)
    assert [name.partition("  (")[0] for _, name in told] == ["First play", "Quick", "Slow on b", "in all"]
    seconds = [float(each) for each, _ in told]
    assert "(b " in told[2][1]
    assert seconds[0] >= seconds[2] >= 1.0


def test_a_task_that_took_less_than_is_asked_for_is_left_out(tmp_path: Path) -> None:
    assert [name for _, name in rows(tmp_path, 1000.0)] == ["First play", "in all"]

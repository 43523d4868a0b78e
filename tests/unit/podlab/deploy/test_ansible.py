"""How our playbooks are run."""

from pathlib import Path

import pytest

from podlab.deploy import ansible


def test_a_playbook_is_run_by_its_name() -> None:
    words = ansible.command(ansible.named("add-node"), ["-i", "hosts"])
    assert Path(words[0]).name == "ansible-playbook"
    assert words[1:3] == ["-i", "hosts"]
    assert Path(words[3]).is_file()
    with pytest.raises(ansible.PlaybookNameError, match="there is no playbook addnode: there are add-node, "):
        ansible.named("addnode")


def test_clusters_are_where_the_environment_says_and_nobody_s_settings_are_overridden(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PODLAB_HOME", "/srv/clusters")
    monkeypatch.delenv("ANSIBLE_CONFIG", raising=False)
    found = ansible.environment()
    assert found["PODLAB_HOME"] == "/srv/clusters"
    assert Path(found["ANSIBLE_CONFIG"]).name == "ansible.cfg"
    (tmp_path / "ansible.cfg").touch()
    assert "ANSIBLE_CONFIG" not in ansible.environment()

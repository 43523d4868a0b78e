import json
from pathlib import Path

from typer.testing import CliRunner

from podlab.preflight.cli import app


def inventory(folder: Path, **variables: str) -> str:
    source = folder / "hosts.json"
    hosts = {"m1": {"ansible_connection": "local", "ansible_host": "127.0.0.1", **variables}}
    source.write_text(json.dumps({"all": {"children": {"masters": {"hosts": hosts}, "nodes": {"hosts": hosts}}}}))
    return str(source)


def test_an_unfit_host_gives_exit_code_1_and_json_names_the_cause(tmp_path: Path) -> None:
    source = inventory(tmp_path, preflight_memory_mib="99999999")
    result = CliRunner().invoke(app, ["-i", source, "--format", "json"])
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    assert report["ok"] is False
    assert "memory" in {finding["check"] for finding in report["findings"]}


def test_text_ends_with_the_count(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["-i", inventory(tmp_path, preflight_memory_mib="99999999")])
    assert result.exit_code == 1
    assert "error: m1: it has" in result.stdout
    assert "Nothing has been changed" in result.stdout


def test_a_missing_inventory_is_named() -> None:
    result = CliRunner().invoke(app, ["-i", "/nonexistent/inventory"])
    assert result.exit_code == 1
    assert "error: there is no inventory /nonexistent/inventory" in result.stderr

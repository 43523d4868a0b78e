import io
from pathlib import Path

import pytest

from podlab.deploy.verify.reporter import Reporter

CHECKS = '''
import pytest

@pytest.mark.parametrize(("host_name", "unit"), [("m1", "apiserver"), ("n1", "kubelet")])
def test_runs(host_name, unit):
    """{unit} runs.

    Only the first line is the sentence.
    """
    assert unit == "apiserver", f"{unit} is inactive"

def test_whole_cluster_is_skipped():
    pytest.skip("there is only one node")

def test_breaks():
    raise RuntimeError("no connection")
'''


@pytest.fixture
def report(tmp_path: Path) -> str:
    (tmp_path / "test_checks.py").write_text(CHECKS)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    output = io.StringIO()
    arguments = [str(tmp_path), "-c", str(tmp_path / "pytest.ini"), "-p", "no:terminal", "-p", "no:cacheprovider"]
    pytest.main([*arguments, "--disable-plugin-autoload"], plugins=[Reporter(output=output)])
    return output.getvalue()


def test_checks_are_sentences_under_their_host(report: str) -> None:
    assert report == (
        "m1\n"
        "  ✓ apiserver runs\n"
        "\nn1\n"
        "  ✗ kubelet runs\n"
        "      kubelet is inactive\n"
        "\ncluster\n"
        "  - whole cluster is skipped\n"
        "      there is only one node\n"
        "  ✗ breaks\n"
        "      RuntimeError: no connection\n"
        "\n1 check passed, 2 failed, 1 skipped\n"
    )


def test_whoever_knows_the_cluster_finds_the_reporter(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        """
from podlab.deploy.verify.reporter import Reporter

def pytest_configure(config):
    for each in config.pluginmanager.get_plugins():
        if isinstance(each, Reporter):
            each.cluster = "mine"
"""
    )
    (tmp_path / "test_own_checks.py").write_text("def test_runs(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    reporter = Reporter(output=io.StringIO())
    arguments = [str(tmp_path), "-c", str(tmp_path / "pytest.ini"), "-p", "no:terminal", "-p", "no:cacheprovider"]
    assert pytest.main([*arguments, "--disable-plugin-autoload"], plugins=[reporter]) == 0
    assert reporter.cluster == "mine"
    assert [check.function for check in reporter.checks] == ["test_runs"]

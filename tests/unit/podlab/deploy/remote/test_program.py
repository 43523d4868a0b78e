"""A module is one program on a host, and answers with its last line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from podlab.deploy.remote import basic
from podlab.deploy.remote.program import AnswerError, Call, answer, program

ECHO = """
from __future__ import annotations

from dataclasses import dataclass

from ansible.module_utils.basic import AnsibleModule


@dataclass
class Seen:
    word: str


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    if module.params["word"] == "wrong":
        module.fail_json(msg="no such word", tried=1)
    module.warn("careful")
    module.exit_json(changed=module.check_mode, word=Seen(module.params["word"]).word, diff=module._diff)
"""


def run(source: str, check: bool = False, **params: Any) -> dict[str, Any]:
    """As a host does whose login shell greets."""
    sent = program(Call("podlab_echo", params, check=check, diff=True), source, Path(str(basic.__file__)).read_text())
    done = subprocess.run([sys.executable, "-I", "-"], input=sent, capture_output=True, check=False, timeout=30)
    return answer(f"Welcome!\n{done.stdout.decode()}", done.stderr.decode(), done.returncode)


@pytest.mark.parametrize("word", ["plain", "two\nlines", "{braces}", "\"quotes'", "ümläut", "\\n"])
def test_arguments_arrive_as_they_are(word: str) -> None:
    assert run(ECHO, word=word) == {"changed": False, "word": word, "diff": True, "warnings": ["careful"]}


def test_a_module_knows_that_it_only_checks() -> None:
    assert run(ECHO, check=True, word="x")["changed"]


def test_a_module_s_failure_is_its_answer() -> None:
    assert run(ECHO, word="wrong") == {"failed": True, "msg": "no such word", "tried": 1}


def test_a_module_that_breaks_says_how() -> None:
    with pytest.raises(AnswerError, match=r"ended with 1: .*KeyError: 'word'"):
        run(ECHO)


@pytest.mark.parametrize(("printed", "said", "code"), [("", "no python3", 127), ("Welcome!", "", 0), ("[1]", "", 0)])
def test_what_is_no_answer_is_told_with_what_was_said(printed: str, said: str, code: int) -> None:
    with pytest.raises(AnswerError, match=f"it ended with {code}: ({said or 'Welcome|.1.'})"):
        answer(printed, said, code)


def test_the_program_holds_secrets_in_its_text_alone() -> None:
    sent = program(Call("podlab_echo", {"secret": "xyzzy"}, check=False, diff=False), ECHO, "")
    assert json.dumps("xyzzy") in sent.decode()

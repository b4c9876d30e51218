"""File descriptor 2, in a process of its own."""

import subprocess
import sys

import pytest

SAY = "import os, sys, threading\nfrom livecomposer.live.complaints import quiet, speak_apart\n"
SAY += "say = lambda what: os.write(2, what + b'\\n')\n"


def said(code):
    process = subprocess.run(
        [sys.executable, "-c", SAY + code], capture_output=True, text=True, check=True
    )
    return process.stderr.split()


CASES = {
    "with quiet(): say(b'a')\nsay(b'b')": ["b"],
    "with quiet():\n  with quiet(): say(b'a')\n  say(b'b')\nsay(b'c')": ["c"],
    "first, second = quiet(), quiet()\nfirst.__enter__(); second.__enter__()\n"
    "first.__exit__(None, None, None); say(b'a')\n"
    "second.__exit__(None, None, None); say(b'b')": ["b"],
    "hung = quiet(); hung.__enter__(); print('a', file=sys.stderr)": [],
    "speak_apart(); hung = quiet(); hung.__enter__(); print('a', file=sys.stderr); say(b'b')": [
        "a"
    ],
}


@pytest.mark.parametrize("code", CASES)
def test_what_is_heard(code):
    assert said(code) == CASES[code]

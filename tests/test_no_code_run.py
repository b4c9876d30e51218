"""Nothing that is read is ever evaluated: no pickle, no Keras config, no code."""

import ast
from pathlib import Path

import pytest

import livecomposer

PACKAGE = Path(livecomposer.__file__).parent
MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib",
           "yaml", "jsonpickle", "code", "runpy"}  # fmt: skip
BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS = {
    "load_model", "model_from_json", "model_from_yaml", "model_from_config", "from_config",
    "deserialize", "deserialize_keras_object", "enable_unsafe_deserialization", "mktemp", "system",
    "popen", "read_pickle", "unpickle",
}  # fmt: skip
NEEDED = {
    ("load", "np"): ("allow_pickle", False),
    ("load", "numpy"): ("allow_pickle", False),
    ("parse", "converter"): ("forceSource", True),
    ("parseFile", "converter"): ("forceSource", True),  # else music21 unpickles what it has kept
}


def evaluations(source):
    """Where a module evaluates what it reads, or may."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
            yield from names & MODULES
        elif isinstance(node, ast.ImportFrom):
            yield from {(node.module or "").split(".")[0]} & MODULES
            yield from {alias.name for alias in node.names} & CALLS
        elif isinstance(node, ast.Name):
            yield from {node.id} & BUILTINS
        elif isinstance(node, ast.Attribute):
            yield from {node.attr} & CALLS
        elif isinstance(node, ast.Call):
            yield from calls(node)


def calls(node):
    given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
    if given.get("allow_pickle", False) is not False or given.get("shell", False) is not False:
        yield ast.unparse(node)
    function = node.func
    if isinstance(function, ast.Attribute):
        of = ast.unparse(function.value).split(".")[-1]
        if needed := NEEDED.get((function.attr, of)):
            word, value = needed
            if given.get(word) is not value:
                yield ast.unparse(node)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_is_evaluated(path):
    assert list(evaluations(path.read_text(encoding="utf-8"))) == []


EVALUATING = [
    "import pickle", "from pickle import loads", "import joblib as j", "import yaml",
    "from os import system", "import os\nos.popen('x')", "np.load(x)", "np.load(x, allow_pickle=y)",
    "np.load(x, allow_pickle=True)", "eval('x')", "f = exec", "compile('x', '', 'exec')",
    "keras.models.load_model(x)", "keras.Sequential.from_config(x)", "keras.layers.deserialize(x)",
    "subprocess.run('x', shell=True)", "tempfile.mktemp()", "music21.converter.parse(x)",
    "from keras.models import load_model",
]  # fmt: skip


@pytest.mark.parametrize("source", EVALUATING)
def test_what_would_be_found(source):
    assert list(evaluations(source))


def test_what_is_allowed():
    source = (
        "import pickletools, re\nnp.load(x, allow_pickle=False)\nre.compile('x')\n"
        "music21.converter.parse(x, forceSource=True)\nsubprocess.run(['x'])"
    )
    assert list(evaluations(source)) == []

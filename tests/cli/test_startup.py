"""Help, a wrong path and an unknown setting are answered before anything large (torch) is imported."""

from __future__ import annotations

import ast
import importlib
import json
import sys
from pathlib import Path
from subprocess import run

import pytest

import physrep
from physrep.cli.main import COMMANDS

LARGE = ("torch", "h5py", "matplotlib", "sklearn", "scipy", "pandas", "xarray", "transformers")

CODE = """
import json, sys
from physrep.cli.main import main
answers = []
for words in json.loads(sys.argv[1]):
    try:
        code = main(words)
    except SystemExit as end:
        code = end.code
    answers.append([words, code, [name for name in {large!r} if name in sys.modules]])
print(json.dumps(answers), file=open(sys.argv[2], "w"))
"""


def answers(folder: Path, commands: list[list[str]]) -> list[tuple[list[str], int, list[str]]]:
    """Words, exit code and the large packages that were imported until then, of commands in one fresh process."""
    out = folder / "answers.json"
    code = CODE.format(large=LARGE)
    run([sys.executable, "-c", code, json.dumps(commands), str(out)], check=True, cwd=folder, capture_output=True)
    return [tuple(row) for row in json.loads(out.read_text())]


def test_help_of_every_command_imports_nothing_large(tmp_path: Path) -> None:
    found = answers(tmp_path, [[name, "--help"] for name in COMMANDS])
    assert len(found) == len(COMMANDS)
    for words, code, imported in found:
        assert (code, imported) == (0, []), words


def test_wrong_paths_and_unknown_settings_import_nothing_large(tmp_path: Path) -> None:
    wrong = [
        ["bench", "nosuch.yaml"],
        ["bench", "quick", "--nosuch", "3"],
        ["bench", "quick", "--training.nosuch", "3"],
        ["pretrain", "jepa", "--data", "nosuch", "--out", "x"],
        ["probe", "./nosuch"],
        ["embed", "module:Class", "--data", "nosuch"],
        ["predict", "nosuch", "recordings"],
        ["predict", ".", "nosuch"],
        ["fit", "nosuch", "--out", "x"],
        ["export", "nosuch"],
        ["push", "nosuch", "shared"],
        ["pull", "nosuch", "x"],
        ["import-checkpoint", "nosuch", "--as", "jepa", "--out", "x"],
        ["check", "nosuch"],
        ["convert", "nosuch", "out"],
        ["score", "module:Class", "--data", "nosuch"],
        ["report", "nosuch"],
        ["compare", "nosuch", "--out", "x"],
        ["leaderboard", "nosuch"],
        ["equation", "nosuch"],
        ["simulate", "heat", "--out", "x", "--nosuch", "3"],
        ["study", "nosuch"],
        ["study", "study_heat", "--nosuch", "3"],
        ["calibrate", "nosuch"],
    ]
    for words, code, imported in answers(tmp_path, wrong):
        assert (code, imported) == (2, []), words


def test_names_of_no_part_import_nothing_large(tmp_path: Path) -> None:
    data = tmp_path / "data" / "heat"
    for split in ("train", "valid", "test"):
        (data / "data" / split).mkdir(parents=True)
        (data / "data" / split / "a.hdf5").touch()
    run_ = tmp_path / "run"
    run_.mkdir()
    benches = {
        "system": "system: nosuch\nruns: [{learner: jepa}]\n",
        "learner": "system: heat\nruns: [{learner: nosuch}]\n",
        "encoder": "system: heat\nencoder: nosuch\nruns: [{learner: jepa}]\n",
        "encoder of a run": "system: heat\nruns: [{learner: jepa, encoder: nosuch}]\n",
        "probe": "system: heat\nprobes: {nosuch: {}}\nruns: [{learner: jepa}]\n",
        "probe of a run": "system: heat\nruns: [{learner: jepa, probes: [nosuch]}]\n",
        "start of a run": "system: heat\nruns: [{learner: jepa, init_from: nosuch}]\n",
        "option of the constant": "system: heat\nruns: [{learner: constant, options: {nosuch: 1}}]\n",
        "metric": "system: heat\nmetrics: [mse, nosuch]\nruns: [{learner: jepa}]\n",
        "analysis": "system: heat\nanalyses: {nosuch: {}}\nruns: [{learner: jepa}]\n",
        "observation": "system: heat\ndata: {observation: [{nosuch: 1}]}\nruns: [{learner: jepa}]\n",
        "observation of a split": "data: {observation: {test: [camera, nosuch]}}\nruns: [{learner: jepa}]\n",
    }
    wrong = []
    for number, text in enumerate(benches.values()):
        (tmp_path / f"{number}.yaml").write_text(text)
        wrong += [["bench", f"{number}.yaml", "--out", "x"], ["bench", f"{number}.yaml", "--out", "x", "--plan"]]
    wrong += [
        ["simulate", "nosuch", "--out", "x"],
        ["simulate", "nosuch", "--out", "x", "--plan"],
        ["simulate", "heat", "--out", "x", "--executor", "nosuch"],
        ["bench", "quick", "--out", "x", "--executor", "nosuch"],
        ["bench", "quick", "--out", "x", "--device", "nosuch"],
        ["import-checkpoint", "2.yaml", "--as", "nosuch", "--out", "x"],
        ["pretrain", "nosuch", "--data", str(data), "--out", "x"],
        ["pretrain", "jepa", "--data", str(data), "--out", "x", "--encoder", "nosuch"],
        ["probe", str(run_), "--probe", "nosuch"],
        ["embed", "nosuch", "--data", str(data)],
        ["score", "nosuch", "--data", str(data)],
        ["score", "module:Class", "--data", str(data), "--probes", "nosuch"],
        ["score", "module:Class", "--systems", "nosuch"],
        ["fit", str(data), "--out", "x", "--learners", "nosuch"],
        ["fit", str(data), "--out", "x", "--probes", "nosuch"],
    ]
    for words, code, imported in answers(tmp_path, wrong):
        assert (code, imported) == (2, []), words


def test_names_are_read_from_the_source_as_the_registries_have_them() -> None:
    from physrep import analyses, learners, metrics, nn, probes, systems
    from physrep.data import observation
    from physrep.known_names import FAMILIES, own_names

    assert own_names("system") == tuple(system.name for system in systems.OWN)
    assert own_names("learner") == tuple(learners.OWN)
    assert own_names("probe") == tuple(probes.OWN)
    assert own_names("metric") == tuple(metric.name for metric in metrics.OWN)
    assert own_names("analysis") == tuple(analyses.OWN)
    assert own_names("observation step") == tuple(observation.STEPS)
    assert own_names("instrument") == tuple(observation.COMBINATIONS)
    for family in FAMILIES:
        assert callable(importlib.import_module(f"physrep.checkpoints.{family}").convert)
    assert own_names("encoder") == tuple(nn.ENCODERS)


@pytest.mark.parametrize("package", ["", "data", "tokens", "simulation", "benchmark"])
def test_names_for_type_checkers_are_those_that_are_found(package: str) -> None:
    source = Path(physrep.__path__[0]) / package / "__init__.py"
    block = next(node for node in ast.parse(source.read_text()).body if isinstance(node, ast.If))
    stated = {
        alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    module = importlib.import_module(f"physrep.{package}".rstrip("."))
    assert module.__places__ == stated and set(module.__all__) - {"__version__"} == set(stated)
    for name in stated:
        assert getattr(module, name) is not None


def test_a_function_keeps_its_name_when_its_module_is_imported() -> None:
    code = "import physrep.data.check, physrep.tokens.embed; from physrep.data import check; print(callable(check))"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"

"""What SECURITY.md promises: nothing read runs code or leaves its folder.

That no token leaks is shown in test_hub_token.py.
"""

import ast
import importlib.util
import inspect
from pathlib import Path

import numpy as np
import pytest

from hemiscale.datasets.transfer import safe_target
from hemiscale.errors import HemiscaleError, InputError
from hemiscale.pipeline.pieces import piece_file
from hemiscale.results import ResultsFolder, safe_name

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src" / "hemiscale").rglob("*.py"))


def calls():
    """Every call in the code: file, line, dotted name, keyword arguments."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                options = {k.arg: ast.unparse(k.value) for k in node.keywords if k.arg}
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield where, ast.unparse(node.func), options


CALLS = list(calls())


def test_arrays_are_loaded_without_pickles():
    found = [
        where
        for where, name, options in CALLS
        if name in ("np.load", "numpy.load") and options.get("allow_pickle", "False") != "False"
    ]
    assert found == []
    # numpy's own default, which calls without the option rely on.
    assert inspect.signature(np.load).parameters["allow_pickle"].default is False


def test_weights_come_from_safetensors_and_bring_no_code():
    loaders = [
        (where, name, options)
        for where, name, options in CALLS
        if name.endswith(".from_pretrained") and not name.startswith("self.")
    ]
    assert loaders
    for where, name, options in loaders:
        assert options.get("trust_remote_code", "False") == "False", where
        if "ModelFor" in name and "gguf" not in where:
            assert options.get("use_safetensors") == "True", where


def test_nothing_that_runs_what_it_reads_is_called():
    forbidden = {
        "eval", "exec", "compile", "os.system", "os.popen", "torch.load", "joblib.load",
        "pd.read_pickle", "pandas.read_pickle", "yaml.load", "yaml.unsafe_load",
        "shutil.unpack_archive", "tarfile.open",
    }  # fmt: skip
    found = [(where, name) for where, name, _ in CALLS if name in forbidden]
    found += [
        (where, name) for where, name, _ in CALLS if name.endswith((".extractall", ".extract"))
    ]
    found += [(w, n) for w, n, options in CALLS if options.get("shell", "False") != "False"]
    assert found == []


def test_no_module_that_reads_pickles_is_imported():
    forbidden = {"pickle", "cloudpickle", "dill", "shelve", "marshal"}
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found += [f"{path}: {n}" for n in names if n.split(".")[0] in forbidden]
    assert found == []


def test_pickled_arrays_are_refused(tmp_path):
    from hemiscale.models.vector_files import read_vector_file

    path = tmp_path / "v.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    path.with_suffix(".txt").write_text("alice\n")
    with pytest.raises(InputError, match="not a matrix of numbers"):
        read_vector_file(path, {"alice"})


NAMES = ["../x", "..", ".", "/etc/passwd", "a/../../b", "a\\..\\b", "", "\0", "a//b", ".ssh/x",
         "C:\\x", "x" * 5000, "-rf", "~/x", "a\nb"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_from_files_and_servers_stay_in_their_folder(tmp_path, name):
    stored = safe_name(name)
    assert "/" not in stored
    assert "\0" not in stored
    assert stored not in ("", ".", "..")
    folder = ResultsFolder(tmp_path)
    files = (folder.scores(name), folder.activations(name, 1), folder.pieces(name))
    for path in (*files, piece_file(folder, name, "0" * 32, 0, 0)):
        assert path.resolve().is_relative_to(tmp_path.resolve())
    try:
        target = safe_target(tmp_path, name)
    except HemiscaleError:
        return
    assert target.resolve().is_relative_to(tmp_path.resolve())


def test_text_of_a_study_is_escaped_on_the_page(study_folder, tmp_path):
    from hemiscale.pipeline import run_study
    from hemiscale.study import read_study

    attack = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    path = study_folder / "study.toml"
    path.write_text(
        path.read_text().replace('title = "A tiny simulated study"', f'title = "{attack}"')
        .replace("simulated = true", f'simulated = true\ndescription = "{attack}"\n'
                 f'attribution = "{attack}"\ncaveats = ["{attack}"]')
    )  # fmt: skip
    page = run_study(read_study(path), tmp_path / "out", quiet=True, only=["word-rate"])
    content = page.read_text(encoding="utf-8")
    assert "alert(1)" in content
    assert "<script>alert(1)" not in content
    assert "<img src=x" not in content


def audit():
    path = ROOT / "tools" / "audit_dependencies.py"
    spec = importlib.util.spec_from_file_location("audit_dependencies", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def entry(name, *holes):
    return {"name": name, "version": "1.0", "vulns": list(holes)}


def test_known_holes_with_a_fix_stop_the_build_and_silence_does_not_pass_for_safety():
    judge = audit().judge
    fixed = {"id": "CVE-1", "fix_versions": ["1.1", "1.2"]}
    open_hole = {"id": "CVE-2", "fix_versions": []}
    skipped = {"name": "c", "skip_reason": "not found"}
    assert judge(None) == (0, [audit().UNREACHABLE])
    assert judge({"dependencies": [skipped, skipped]}) == (0, [audit().UNREACHABLE])
    assert judge({"dependencies": [entry("a"), skipped]})[0] == 0
    assert judge({"dependencies": [entry("a", open_hole)]})[0] == 0
    code, lines = judge({"dependencies": [entry("a", open_hole), entry("b", fixed)]})
    assert code == 1
    assert "b 1.0: CVE-1; use 1.2" in lines

"""The shape of the house: layers, start-up time of imports, nothing that loads a pickle."""

import re
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "hemiscale"


def test_layers_are_kept():
    from importlinter.cli import lint_imports

    assert lint_imports(str(SOURCE.parents[1] / "pyproject.toml"), no_cache=True) == 0


def test_help_does_not_import_heavy_libraries():
    code = (
        "import sys\n"
        "from hemiscale.cli import app\n"
        "heavy = {'torch', 'transformers', 'nilearn', 'xarray', 'pandas', 'matplotlib', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_rooms_are_light_to_import():
    rooms = ["stimulus", "models", "brain", "encoding", "analysis", "report"]
    code = "import sys\n" + "".join(f"import hemiscale.{room}\n" for room in rooms)
    code += "print(sorted({'torch', 'transformers', 'matplotlib', 'nilearn'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_nothing_loads_a_pickle_or_trusts_remote_code():
    forbidden = re.compile(
        r"\bpickle\b|\bdill\b|joblib\.load|torch\.load|allow_pickle\s*=\s*True"
        r"|trust_remote_code\s*=\s*True|\bmarshal\b|\bshelve\b|read_pickle"
    )
    found = [
        f"{path.relative_to(SOURCE)}:{number}: {line.strip()}"
        for path in SOURCE.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if forbidden.search(line.split("#")[0])
    ]
    assert found == []

"""Many models one after the other: memory stays flat, under a limit.

The same at the size of a study is ``benchmarks/bench_soak.py``.
"""

import os
import resource
import subprocess
import sys
import textwrap

import pytest

LIMIT = 3_000_000_000  # bytes of the data segment
CACHES = 25_000_000  # bytes
MODELS = """
[[models]]
name = "austen-0.1m"
untrained = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]

[[models]]
name = "austen-0.4m"
untrained = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
"""
# One process does everything, and notes what it holds when a model is done.
RUNNER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import psutil
    from hemiscale.pipeline import run_study
    from hemiscale.pipeline.progress import Display
    from hemiscale.study import read_study

    def say(self, message, **options):
        if message.startswith("\\N{CHECK MARK} austen"):
            print(psutil.Process().memory_info().rss, flush=True)

    Display.say = say
    import hemiscale.report
    hemiscale.report.write_report = lambda folder: folder / "report.html"
    names = ["austen-0.1m", "austen-0.4m"]
    names += [f"{name}-untrained" for name in names]
    run_study(read_study(sys.argv[1]), Path(sys.argv[2]), only=names)
    """
)


@pytest.mark.slow
def test_memory_is_flat_from_the_first_to_the_last_of_28_models(study_folder, tmp_path):
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + MODELS)
    ended = subprocess.run(
        [sys.executable, "-c", RUNNER, str(path), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (LIMIT, LIMIT)),
    )
    assert ended.returncode == 0, ended.stderr
    held = [int(line) for line in ended.stdout.split()]
    assert len(held) == 28
    # Caches of the libraries took 11 MB in all after the first model, of 585; allocators vary.
    assert max(held) - held[0] < CACHES, held
    # The last ten are alike, all is warm: they took 0.1 MB.
    assert max(held[-10:]) - min(held[-10:]) < CACHES / 5, held

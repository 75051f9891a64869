"""What a worker left over from an edited study stores late is not taken for the study's own."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import hemiscale.pipeline.run as run_module
from hemiscale.errors import HemiscaleError
from hemiscale.pipeline import run_study
from hemiscale.pipeline.features import StoredLayers
from hemiscale.pipeline.shared_targets import shared_targets
from hemiscale.pipeline.targets import HeldSubjects, Targets
from hemiscale.results import ResultsFolder, file_digest, write_activations
from hemiscale.study import read_study

OTHER_SCANS = "not the scans that this study was started with"


@pytest.fixture(autouse=True)
def no_page(monkeypatch):
    """Spare the figures, which take longest."""
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")


def test_scans_of_an_earlier_study_are_not_fitted(volume_folder, tmp_path, monkeypatch):
    study, out = volume_folder / "study.toml", tmp_path / "out"
    text = study.read_text()

    def run(folder):
        run_study(read_study(study), folder, quiet=True, only=["word-rate"])

    study.write_text(text.replace("ceiling_splits = 2", "ceiling_splits = 0"))
    run(tmp_path / "earlier")
    study.write_text(text.replace("mask =", "smoothing = 8.0\nmask ="))
    run(tmp_path / "good")
    function = run_module.make_ceiling

    def late(name, when):
        """Let scans of the earlier study come back before or after the ceiling is made."""

        def between(*arguments, **options):
            def come():
                shutil.copy(tmp_path / "earlier" / name, out / name)

            if when == "before":
                come()
            function(*arguments, **options)
            if when == "after":
                come()

        return between

    # The ceiling reads listeners; scores are made of the average and of listeners.
    for subject, when in (("s2", "before"), ("average", "after"), ("s2", "after")):
        name = Path("prepared", subject, "run-02.nc")
        with monkeypatch.context() as patched:
            patched.setattr(run_module, "make_ceiling", late(name, when))
            with pytest.raises(HemiscaleError, match=rf"{subject}/run-02\.nc: {OTHER_SCANS}"):
                run(out)
        assert (out / "ceiling.nc").exists() == (when == "after")
        assert not list(out.glob("scores/*"))
    run(out)
    names = [path.relative_to(out) for path in out.glob("prepared/*/*.nc")]
    assert len(names) == 4 * 3
    for name in [*names, Path("ceiling.nc"), Path("scores", "word-rate.nc")]:
        assert file_digest(out / name) == file_digest(tmp_path / "good" / name)


def test_regions_of_an_earlier_study_are_not_fitted(tmp_path):
    folder = ResultsFolder(tmp_path)
    rng = np.random.default_rng(0)

    def shared(stamp):
        held = HeldSubjects(["one"], [rng.normal(size=(n, 2)).astype(np.float32) for n in (20, 30)])
        whole = Targets([held], 2, {}, [], [(0, slice(0, 20)), (1, slice(0, 30))], stamp)
        return held, shared_targets(whole, folder).parts[0]

    held, ours = shared("now")
    for k, block in enumerate(held.runs):
        assert ours.bank("cpu").lengths[k] == len(block)
    shared("earlier")
    with pytest.raises(HemiscaleError, match=r"regions-0\.safetensors: not the time courses"):
        ours.bank("cpu")


def test_activations_are_compared_whenever_they_are_read(tmp_path):
    paths = [tmp_path / "run-1.safetensors", tmp_path / "run-2.safetensors"]
    for path in paths:
        write_activations(path, [np.ones((3, 2))] * 2, extras={}, metadata={"fingerprint": "now"})
    layers = StoredLayers(paths, ["now", "now"], 2)
    assert [run.shape for run in layers[1]] == [(3, 2)] * 2
    write_activations(paths[1], [np.ones((3, 2))] * 2, extras={}, metadata={"fingerprint": "old"})
    with pytest.raises(HemiscaleError, match=r"run-2\.safetensors: is not the file"):
        layers[1]

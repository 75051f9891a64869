"""Finished studies opened again, with files that were lost or damaged since."""

import shutil

import pytest
from rich.console import Console

from hemiscale.errors import HemiscaleError
from hemiscale.pipeline import run_study
from hemiscale.pipeline.chance import write_chance_table
from hemiscale.pipeline.unique import write_unique_table
from hemiscale.results import damage
from hemiscale.study import read_study

MODEL = "austen-0.1m"


@pytest.fixture
def finished(study_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + f'\n[[models]]\nname = "{MODEL}"\n')
    study, out = read_study(path), tmp_path / "out"
    run_study(study, out, quiet=True, only=[MODEL, "word-rate"])
    return study, out


def unique(study, out):
    return write_unique_table(study, out, "word-rate", only=[MODEL]).read_bytes()


def chance(study, out):
    return write_chance_table(study, out, only=[MODEL], n_shifts=19).read_bytes()


@pytest.mark.parametrize("table", [unique, chance])
def test_activations_that_were_damaged_or_deleted_are_read_again(finished, capfd, table):
    expected = table(*finished)
    out = finished[1]
    path = out / "activations" / MODEL / "run-01.safetensors"
    whole = path.read_bytes()
    assert "again" not in capfd.readouterr().err
    flipped = bytearray(whole)
    flipped[-9] ^= 1
    for content in (bytes(flipped), whole[:-100]):
        path.write_bytes(content)
        assert table(*finished) == expected
        said = " ".join(capfd.readouterr().err.split())
        assert "run-01.safetensors: the stored file was damaged" in said
        assert path.with_name(f"{path.name}.damaged").read_bytes() == content
        assert path.read_bytes() == whole
    shutil.rmtree(out / "activations")
    assert table(*finished) == expected
    assert f"is not there any more; {MODEL} reads run 1 again" in " ".join(
        capfd.readouterr().err.split()
    )
    assert damage(path) is None
    assert path.read_bytes() == whole


def test_a_model_whose_scores_are_damaged_is_not_left_out_in_silence(finished, capfd):
    study, out = finished
    path = out / "scores" / f"{MODEL}.nc"
    path.write_bytes(path.read_bytes()[:-9])
    write_chance_table(study, out, n_shifts=19)
    assert f"{MODEL}: is left out" in " ".join(capfd.readouterr().err.split())
    with pytest.raises(HemiscaleError, match="run it first"):
        write_chance_table(study, out, only=[MODEL], n_shifts=19)
    run_study(study, out, quiet=True, only=[MODEL, "word-rate"])
    assert MODEL in write_chance_table(study, out, n_shifts=19).read_text()


def test_scores_are_compared_with_their_checksum_once(finished, monkeypatch):
    from hemiscale.pipeline.finished import open_finished
    from hemiscale.pipeline.progress import Display

    with open_finished(*finished, Display(Console(), quiet=True)) as opened:
        monkeypatch.setattr("hemiscale.results.streaming.verify_seal", None)
        for feature in opened.features:
            with opened.scores(feature) as scores:
                assert scores.sizes["run"] == 4


def test_tables_and_runs_keep_out_of_each_others_way(finished, monkeypatch):
    import fcntl

    study, out = finished
    monkeypatch.setattr("hemiscale.pipeline.locks.PATIENCE", 0.1)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    with (out / ".lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        for table in (unique, chance):
            with pytest.raises(HemiscaleError, match="another run is at work in this folder"):
                table(study, out)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    tried = []

    def run_meanwhile(*arguments, **options):
        with pytest.raises(HemiscaleError, match="another run is at work in this folder"):
            run_study(study, out, quiet=True)
        tried.append(1)

    monkeypatch.setattr("hemiscale.pipeline.finished.raise_if_changed", run_meanwhile)
    for table in (unique, chance):
        table(study, out)
    assert tried == [1, 1]


def test_a_table_of_inputs_that_change_meanwhile_is_not_written(finished, study_folder):
    import hemiscale.pipeline.chance as module

    study, out = finished
    shift = module._rows

    def changed(*arguments):
        (study_folder / "s1.txt").write_bytes((study_folder / "s1.txt").read_bytes() + b"\n")
        return shift(*arguments)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_rows", changed)
        with pytest.raises(HemiscaleError, match=r"s1\.txt: changed while"):
            chance(study, out)
    assert not (out / "tables" / "chance.tsv").exists()

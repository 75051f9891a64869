import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from hemiscale.analysis import write_tables
from hemiscale.errors import HemiscaleError, InputError
from hemiscale.pipeline import check_study, report_study, run_study, study_status
from hemiscale.results import file_digest, read_dataset
from hemiscale.study import read_study


def run(folder, out, **options):
    return run_study(read_study(folder / "study.toml"), out, quiet=True, **options)


def contents(out):
    """Digests of all that must be the same, byte for byte."""
    files = [*out.glob("tables/*"), *out.glob("scores/*.nc"), out / "ceiling.nc"]
    return {str(path.relative_to(out)): file_digest(path) for path in sorted(files)}


def test_planted_signal_is_found_on_its_side(study_folder, tmp_path):
    page = run(study_folder, tmp_path / "out")
    assert page.is_file()
    regions = pd.read_csv(tmp_path / "out/tables/regions.tsv", sep="\t")
    rate = regions.query("model == 'word-rate' and layer_choice == 'validation'")
    for subjects in ("listeners", "average"):
        score = rate[rate["subjects"] == subjects].set_index("region")["score"]
        assert score["L"] > 0.7
        assert abs(score["R"]) < 0.35
    scores = read_dataset(tmp_path / "out/scores/word-rate.nc")
    assert list(scores["subject"].values) == ["average", "s1", "s2", "s3", "s4"]
    assert scores.sizes == {"subject": 5, "layer": 1, "run": 4, "target": 2}


def test_a_second_run_repeats_nothing(study_folder, tmp_path):
    out = tmp_path / "out"
    run(study_folder, out)
    before = {path: path.stat().st_mtime_ns for path in out.glob("scores/*")}
    first = contents(out)
    run(study_folder, out)
    assert {path: path.stat().st_mtime_ns for path in out.glob("scores/*")} == before
    assert contents(out) == first


def test_a_run_killed_just_before_it_cleared_up_is_cleared_up_after(study_folder, tmp_path):
    out = tmp_path / "out"
    run(study_folder, out)
    first = contents(out)
    left = out / "unfinished" / "word-rate" / "layer.safetensors"
    left.parent.mkdir(parents=True)
    left.touch()
    run(study_folder, out)
    assert not (out / "unfinished").exists()
    assert contents(out) == first


def test_results_do_not_depend_on_the_number_of_workers(study_folder, tmp_path):
    run(study_folder, tmp_path / "one", workers=1)
    run(study_folder, tmp_path / "two", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_changed_input_is_noticed(study_folder, tmp_path):
    out = tmp_path / "out"
    run(study_folder, out)
    before = contents(out)
    table = study_folder / "s1.txt"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[1], lines[0], *lines[2:]]))
    state = study_status(read_study(study_folder / "study.toml"), out)
    assert not state.done
    run(study_folder, out)
    assert contents(out)["scores/word-rate.nc"] != before["scores/word-rate.nc"]


def test_only_some_and_report_again(study_folder, tmp_path):
    out = tmp_path / "out"
    run(study_folder, out, only=["word-rate", "random-vector-20d"])
    assert sorted(path.stem for path in out.glob("scores/*.nc")) == [
        "random-vector-20d-seed0",
        "random-vector-20d-seed1",
        "word-rate",
    ]
    study = read_study(study_folder / "study.toml")
    state = study_status(study, out)
    assert len(state.done) == 3
    assert len(state.left) == 2
    before = contents(out)
    (out / "report.html").unlink()
    assert report_study(study, out, quiet=True).is_file()
    assert contents(out) == before


def test_unknown_name_is_refused_with_the_nearest(study_folder, tmp_path):
    with pytest.raises(InputError, match="did you mean word-rate"):
        run(study_folder, tmp_path / "out", only=["word_rate"])


def test_report_without_scores(study_folder, tmp_path):
    with pytest.raises(HemiscaleError, match="no scores yet"):
        report_study(read_study(study_folder / "study.toml"), tmp_path / "out", quiet=True)


def test_two_runs_in_one_folder_are_kept_apart(study_folder, tmp_path):
    import fcntl

    out = tmp_path / "out"
    out.mkdir()
    with (out / ".lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(HemiscaleError, match="another run is at work"):
            run(study_folder, out)


def test_what_the_results_folder_holds(study_folder, tmp_path):
    out = tmp_path / "out"
    run(study_folder, out)
    for name in (
        "study.toml",
        "ceiling.nc",
        "diagnostics.json",
        "timings.json",
        "log.txt",
        "report.html",
        "tables/README.md",
        "tables/laws.json",
    ):
        assert (out / name).is_file(), name
    again = read_study(out / "study.toml")
    assert again == read_study(study_folder / "study.toml")
    diagnostics = json.loads((out / "diagnostics.json").read_text())
    assert [run["scans"] for run in diagnostics["runs"]] == [32, 32, 32, 32]
    assert "word-rate" in json.loads((out / "timings.json").read_text())["models"]
    assert not list(out.rglob("*.part"))


def test_check_tells_everything_at_once(study_folder):
    (study_folder / "s1.txt").write_text("1 2\n3 x\n")
    (study_folder / "s2.txt").unlink()
    words = study_folder / "words.csv"
    words.write_text(words.read_text().replace("onset", "when", 1))
    with pytest.raises(InputError) as caught:
        check_study(read_study(study_folder / "study.toml"))
    problems = "\n".join(caught.value.problems)
    assert "s1.txt, row 2" in problems
    assert "s2.txt" in problems
    assert "words.csv" in problems
    assert "Traceback" not in problems


def test_check_notices_scans_and_times_that_disagree(study_folder):
    lines = (study_folder / "s3.txt").read_text().splitlines()
    (study_folder / "s3.txt").write_text("\n".join(lines[:-5]))
    with pytest.raises(InputError, match="s3 have 155 scans where the others have 160"):
        check_study(read_study(study_folder / "study.toml"))


def test_times_in_milliseconds_are_noticed(study_folder):
    table = pd.read_csv(study_folder / "words.csv")
    table[["onset", "offset"]] *= 1000
    table.to_csv(study_folder / "words.csv", index=False)
    with pytest.raises(InputError, match=r"after the last scan|in seconds"):
        check_study(read_study(study_folder / "study.toml"))


@pytest.mark.slow
def test_killed_and_started_again_ends_with_the_same_bytes(study_folder, tmp_path):
    run(study_folder, tmp_path / "whole")
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "hemiscale", "run", str(study_folder / "study.toml")]
    command += ["--out", str(out), "--workers", "1", "--quiet"]
    kills = 0
    for wanted in (1, 3):
        process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if len(list(out.glob("scores/*.nc"))) >= wanted:
                os.killpg(process.pid, signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.005)
        process.wait()
    assert kills
    # Scores and the facts beside them are the sign that a model is done.
    finished = [p for p in out.glob("scores/*.nc") if p.with_suffix(".json").is_file()]
    done = {path: path.stat().st_mtime_ns for path in finished}
    assert done
    subprocess.run(command, check=True, capture_output=True)
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert contents(out) == contents(tmp_path / "whole")


def test_a_family_named_later_makes_new_tables_and_nothing_else(
    study_folder, tmp_path, monkeypatch
):
    monkeypatch.setattr("hemiscale.report.write_report", lambda folder: folder / "report.html")
    path, out = study_folder / "study.toml", tmp_path / "out"
    models = '\n[[models]]\nname = "austen-0.1m"\nuntrained = [0]\n'
    path.write_text(path.read_text() + models)
    run(study_folder, out)
    times = {file: file.stat().st_mtime_ns for file in out.rglob("*.nc")}
    assert len(times) >= 4  # three feature sets and the ceiling

    def families():
        table = pd.read_csv(out / "tables/models.tsv", sep="\t", keep_default_na=False)
        return dict(zip(table["model"], table["family"], strict=True))

    stored = [read_dataset(out / f"scores/{name}.nc") for name in families()]
    write_tables(stored, read_dataset(out / "ceiling.nc"), tmp_path / "again")
    again = (tmp_path / "again/models.tsv").read_bytes()
    assert again == (out / "tables/models.tsv").read_bytes()
    before = families()
    assert before["austen-0.1m"] == before["austen-0.1m-untrained-seed0"] != ""
    path.write_text(path.read_text() + 'family = "our own"\n')
    run(study_folder, out)
    named = dict.fromkeys(["austen-0.1m", "austen-0.1m-untrained-seed0"], "our own")
    assert families() == {**before, **named}
    assert {file: file.stat().st_mtime_ns for file in out.rglob("*.nc")} == times

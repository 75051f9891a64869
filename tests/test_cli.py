import subprocess
import sys

import pytest

import hemiscale


def hemiscale_command(*arguments, cwd=None):
    return subprocess.run(
        [sys.executable, "-m", "hemiscale", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
    )


def test_version_and_help():
    assert hemiscale_command("--version").stdout == f"hemiscale {hemiscale.__version__}\n"
    shown = hemiscale_command("--help").stdout
    for command in ("demo", "new", "check", "run", "status", "report", "models"):
        assert command in shown


def test_from_new_to_report(study_folder, tmp_path):
    study, out = study_folder / "study.toml", tmp_path / "out"
    checked = hemiscale_command("check", study)
    assert checked.returncode == 0, checked.stderr
    assert "nothing is wrong" in checked.stdout
    ran = hemiscale_command("run", study, "--out", out, "--only", "word-rate", "--workers", "1")
    assert ran.returncode == 0, ran.stderr
    assert "✓ word-rate" in ran.stderr
    assert str(out / "report.html") in ran.stderr.replace("\n", "")
    state = hemiscale_command("status", study, "--out", out)
    assert "1 done, 4 left" in state.stdout
    again = hemiscale_command("report", study, "--out", out, "--quiet")
    assert again.returncode == 0, again.stderr
    assert again.stderr == ""
    assert again.stdout.strip() == str(out / "report.html")


def test_quiet_run_says_only_where_the_page_is(study_folder, tmp_path):
    out = tmp_path / "out"
    ran = hemiscale_command(
        "run", study_folder / "study.toml", "--out", out, "--only", "word-rate", "--quiet"
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.strip() == str(out / "report.html")
    assert "word-rate" in (out / "log.txt").read_text()


@pytest.mark.parametrize("command", ["run", "check", "status", "report"])
def test_bad_study_is_the_users_input(tmp_path, command):
    path = tmp_path / "s.toml"
    path.write_text("name = 'x'\nstimulis = 3\n")
    ended = hemiscale_command(command, path)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert (
        f"error: {path}, line 2: unknown key 'stimulis'; did you mean 'stimulus'?" in ended.stderr
    )


def test_check_lists_everything_and_ends_with_two(study_folder):
    (study_folder / "s1.txt").write_text("1 2\n3 x\n")
    (study_folder / "text.txt").unlink()
    ended = hemiscale_command("check", study_folder / "study.toml")
    assert ended.returncode == 2
    assert "s1.txt, row 2" in ended.stderr
    assert "text.txt" in ended.stderr


def test_results_that_cannot_be_written(study_folder, tmp_path):
    (tmp_path / "file").write_text("")
    ended = hemiscale_command("run", study_folder / "study.toml", "--out", tmp_path / "file/x")
    assert ended.returncode == 1
    assert "cannot be written" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_new_writes_studies_that_are_valid(tmp_path):
    from hemiscale.datasets import TEMPLATES
    from hemiscale.study import read_study

    for name in TEMPLATES:
        made = hemiscale_command("new", tmp_path / name, "--like", name)
        assert made.returncode == 0, made.stderr
        read_study(tmp_path / name / "study.toml")
    assert hemiscale_command("check", tmp_path / "alice" / "study.toml").returncode == 0
    again = hemiscale_command("new", tmp_path / "alice", "--like", "alice")
    assert again.returncode == 2
    assert "is there already" in again.stderr
    unknown = hemiscale_command("new", tmp_path / "x", "--like", "alise")
    assert unknown.returncode == 2
    assert "did you mean 'alice'" in unknown.stderr


def test_models_lists_the_catalogue():
    shown = hemiscale_command("models")
    assert shown.returncode == 0, shown.stderr
    assert "austen-0.1m" in shown.stdout
    assert "pythia-6.9b-training" in shown.stdout
    group = hemiscale_command("models", "french")
    assert "gpt2-base-french" in group.stdout
    assert "austen" not in group.stdout
    unknown = hemiscale_command("models", "frensh")
    assert unknown.returncode == 2
    assert "did you mean french" in unknown.stderr


def test_too_little_memory_is_one_sentence(monkeypatch, capsys, tmp_path):
    from hemiscale import cli
    from hemiscale.cli import studies

    def grow(path):
        raise MemoryError("Unable to allocate 212. MiB")

    monkeypatch.setattr(studies, "read", grow)
    monkeypatch.delenv("HEMISCALE_DEBUG", raising=False)
    monkeypatch.setattr(sys, "argv", ["hemiscale", "check", str(tmp_path / "study.toml")])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    shown = capsys.readouterr().err
    assert "there is not enough memory (Unable to allocate 212. MiB)" in shown
    assert "fault" not in shown

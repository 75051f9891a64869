"""The hub token is sent to the hub, and never reaches output, log, report or stored study."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import pytest
from huggingface_hub import errors

SECRET = "hf_" + "s3cr3t" * 5
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def refused(kind):
    """One of the hub's errors, whose message holds the token."""
    return kind(f"Bearer {SECRET}", response=SimpleNamespace(headers={}, request=None))


def of_library(name):
    """An error of the network library that the hub's client uses."""
    kind = type("InvalidHeader", (ValueError,), {"__module__": f"{name}.exceptions"})
    return kind(f"Illegal header value b'Bearer {SECRET}\\n'")


def chained():
    try:
        raise ConnectionError(f"Authorization: Bearer {SECRET}")
    except ConnectionError as error:
        try:
            raise RuntimeError("the download broke off") from error
        except RuntimeError as broken:
            return broken


ERRORS = {
    "gated": (refused(errors.GatedRepoError), "is gated: accept its licence"),
    "no revision": (refused(errors.RevisionNotFoundError), "has no revision"),
    "not there": (refused(errors.RepositoryNotFoundError), "there is no https://hugg"),
    "refused": (refused(errors.HfHubHTTPError), "cannot be reached"),
    "offline": (errors.OfflineModeIsEnabled(f"token {SECRET}"), "cannot be reached"),
    "no network": (ConnectionError(f"Bearer {SECRET}"), "cannot be reached"),
    "full disk": (OSError(28, f"No space left for {SECRET}"), "the disk is full"),
    "a header that cannot be sent": (of_library("requests"), "cannot be reached"),
    "the same by another library": (of_library("httpx"), "cannot be reached"),
    "anything else": (RuntimeError(f"unexpected {SECRET}!"), "unexpected (HF_TOKEN)!"),
    "anything else, later": (chained(), "the download broke off"),
}


class Hub:
    """Stands for the hub's client: asked with the token, it raises, or gives a tiny model."""

    error = None
    tokens: list

    def __init__(self, *, token):
        self.tokens.append(token)

    def model_info(self, hub, *, revision, files_metadata):
        if self.error is not None:
            raise self.error
        files = [SimpleNamespace(rfilename="model.safetensors", size=1)]
        return SimpleNamespace(siblings=files)

    def snapshot_download(self, hub, *, revision, allow_patterns):
        import hemiscale.datasets

        ladder = Path(hemiscale.datasets.__file__).parent / "ladder"
        home = Path(huggingface_hub.constants.HF_HUB_CACHE) / f"models--{hub.replace('/', '--')}"
        snapshot = home / "snapshots" / COMMIT
        shutil.copytree(ladder / "austen-0.1m", snapshot)
        shutil.copytree(ladder / "tokenizer", snapshot, dirs_exist_ok=True)
        (home / "refs").mkdir()
        (home / "refs" / "main").write_text(COMMIT)
        return str(snapshot)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """Let commands meet a hub of our own, with a token in the environment."""
    monkeypatch.setenv("HF_TOKEN", SECRET)
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", SECRET)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))

    def meet(error=None):
        made = type("HfApi", (Hub,), {"error": error, "tokens": []})
        monkeypatch.setattr(huggingface_hub, "HfApi", made)
        return made

    return meet


@pytest.fixture
def command(monkeypatch, capfd, caplog):
    """Run a command; give exit code and all that is read, shown or logged."""
    from hemiscale.cli import main

    caplog.set_level(0)

    def ask(*arguments):
        monkeypatch.setattr(sys, "argv", ["hemiscale", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as error:
            code = error.code or 0
        shown = capfd.readouterr()
        return code, shown.out + shown.err + caplog.text

    return ask


def holding(folder):
    """Files below a folder whose bytes hold the token, and how many there are in all."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()], len(files)


def name_model(study_folder, more=""):
    path = study_folder / "study.toml"
    path.write_text(path.read_text() + f'\n[[models]]\nname = "someone/tiny"\n{more}')
    return path


@pytest.mark.parametrize("case", ERRORS)
@pytest.mark.parametrize("optional", ["", "optional = true\n"], ids=["needed", "optional"])
def test_errors_that_hold_the_token_do_not_show_it(
    study_folder, tmp_path, hub, command, case, optional
):
    error, sentence = ERRORS[case]
    path, asked = name_model(study_folder, optional), hub(error)
    ended, shown = command("fetch", path)
    assert asked.tokens == [SECRET]
    assert SECRET not in shown
    assert sentence in " ".join(shown.split())
    assert "Traceback" not in shown
    assert ended == (0 if optional else 1)
    assert holding(tmp_path)[0] == []


def test_nothing_that_is_stored_holds_the_token(study_folder, tmp_path, hub, command):
    path, asked, out = name_model(study_folder), hub(), tmp_path / "out"
    assert command("fetch", path)[0] == 0
    assert asked.tokens == [SECRET]
    code, shown = command("run", path, "--out", out, "--only", "someone/tiny", "--workers", 1)
    assert (code, SECRET in shown) == (0, False), shown
    found, n_files = holding(tmp_path)
    assert n_files > 20
    assert (out / "report.html").is_file()
    assert found == []
    # What is looked for would be found.
    (out / "log.txt").write_text(f"Bearer {SECRET}")
    assert len(holding(tmp_path)[0]) == 1

from types import SimpleNamespace

import pytest

from hemiscale.errors import HemiscaleError, InputError
from hemiscale.models import download_model
from hemiscale.models.hub import hub_token


class Hub:
    """Stands for the hub's client: gives what a test says, and notes what it was asked."""

    def __init__(self, files=(), *, error=None, discussions=()):
        self.files, self.error, self.discussions, self.asked = files, error, discussions, []

    def model_info(self, hub, *, revision, files_metadata):
        self.asked.append((hub, revision))
        if self.error is not None:
            raise self.error
        files = dict(self.files)
        if revision and revision.startswith("refs/pr"):
            files = {"config.json": 1, "model.safetensors": 10}
        found = [SimpleNamespace(rfilename=name, size=size) for name, size in files.items()]
        return SimpleNamespace(siblings=found, sha="abc")

    def get_repo_discussions(self, hub, *, discussion_type):
        return iter(self.discussions)

    def snapshot_download(self, hub, *, revision, allow_patterns):
        assert not any("bin" in pattern for pattern in allow_patterns)
        self.asked.append((hub, revision, "download"))
        return "/somewhere"


def response(error):
    """Make one of the hub's errors without a network."""
    return error("no", response=SimpleNamespace(headers={}, request=None))


def test_models_inside_the_package_are_not_downloaded():
    assert download_model("austen-4m", api=Hub(error=AssertionError())) is None


def test_a_checkpoint_is_downloaded_by_its_revision():
    hub = Hub({"config.json": 1, "model.safetensors": 10})
    assert str(download_model("pythia-70m@step1000", api=hub)) == "/somewhere"
    assert hub.asked == [
        ("EleutherAI/pythia-70m", "step1000"),
        ("EleutherAI/pythia-70m", "step1000", "download"),
    ]


def test_pickled_weights_are_replaced_by_the_converted_ones_or_refused():
    files = {"config.json": 1, "pytorch_model.bin": 10}
    offer = SimpleNamespace(
        title="Adding `safetensors` variant of this model", author="SFconvertbot", num=7
    )
    hub = Hub(files, discussions=[offer])
    download_model("opt-125m", api=hub)
    assert hub.asked[1] == ("facebook/opt-125m", "refs/pr/7")
    with pytest.raises(InputError, match="pickled ones are never read"):
        download_model("opt-125m", api=Hub(files))
    # What the converter offers are the weights of the finished model.
    hub = Hub(files, discussions=[offer])
    with pytest.raises(InputError, match=r"revision 'step1000' .* has no safetensors"):
        download_model("pythia-70m@step1000", api=hub)
    assert len(hub.asked) == 1


def test_the_last_checkpoint_is_where_the_finished_model_is():
    hub = Hub({"config.json": 1, "model.safetensors": 10})
    download_model("pythia-6.9b@step143000", api=hub)
    assert hub.asked[-1] == ("EleutherAI/pythia-6.9b", "main", "download")


def test_errors_of_the_hub_have_their_sentences():
    from huggingface_hub import errors

    for error, kind, sentence in (
        (response(errors.GatedRepoError), InputError, "accept its licence at https://hugg"),
        (response(errors.RevisionNotFoundError), InputError, "has no revision"),
        (response(errors.RepositoryNotFoundError), InputError, "there is no https://hugg"),
        (errors.OfflineModeIsEnabled("off"), HemiscaleError, "cannot be reached"),
        (ConnectionError("down"), HemiscaleError, "cannot be reached"),
        (OSError(28, "No space left"), HemiscaleError, "the disk is full"),
    ):
        with pytest.raises(kind, match=sentence):
            download_model("llama-2-7b", api=Hub(error=error))


def test_no_room_is_said_before_the_download():
    with pytest.raises(HemiscaleError, match="GB of disk"):
        download_model("gpt2", api=Hub({"model.safetensors": 10**18}))


def test_the_token_comes_from_the_environment_alone(monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert hub_token() is False
    monkeypatch.setenv("HF_TOKEN", "made-up")
    assert hub_token() == "made-up"

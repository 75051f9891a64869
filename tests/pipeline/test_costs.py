import importlib.util
from types import SimpleNamespace

from hemiscale.pipeline import plan_study
from hemiscale.pipeline.costs import describe_costs
from hemiscale.study import read_study


def test_what_options_need_is_said_by_check(study_folder, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "bitsandbytes" else real(name)
    )
    path = study_folder / "study.toml"
    path.write_text(
        path.read_text() + '\n[[models]]\nname = "austen-0.1m"\nquantisation = "8bit"\n'
    )
    study = read_study(path)
    notices, too_large = describe_costs(study, plan_study(study), [300])
    assert not too_large
    assert any(
        notice.startswith(
            "model 'austen-0.1m' cannot be read on this machine: quantisation = '8bit' needs "
            "bitsandbytes"
        )
        for notice in notices
    )


def test_large_models_are_described_and_those_that_do_not_fit_are_named(study_folder, monkeypatch):
    from hemiscale.models import estimates

    path = study_folder / "study.toml"
    path.write_text(
        path.read_text()
        + '\n[[models]]\nname = "pythia-6.9b-training"\n[[models]]\nname = "gpt2-large"\n'
    )
    study = read_study(path)
    monkeypatch.setattr(estimates, "available_memory", lambda: 8e9)
    monkeypatch.setattr(estimates.shutil, "disk_usage", lambda _: SimpleNamespace(free=1e15))
    notices, too_large = describe_costs(study, plan_study(study), [1700] * 9)
    assert len(too_large) == 19
    assert "needs about" in too_large["pythia-6.9b@step1000"]
    (large,) = [notice for notice in notices if notice.startswith("model 'gpt2-large'")]
    # 774 million parameters of 4 bytes, and activations of a run; 36 layers and the embedding.
    assert "3.1 GB to download" in large
    assert "of memory" in large
    assert "on one core" in large
    assert notices[-1].startswith("20 language model(s) will read for about")

"""The study files of Le Petit Prince, as the paper's settings make them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

__all__ = ["PETIT_PRINCE_STUDIES", "petit_prince_study"]

_TEMPLATE = Path(__file__).parent / "study_template.toml"

_AVERAGE_EN = """\
kind = "volumes"        # the average of 49 listeners, one file per run; fetch gets it
files = "bold/lpp_en_avg49ss_run{run}_bold.nii.gz"
mask = "petit-prince-en"            # common to the 49 listeners, 4 mm, 25,870 voxels
reliability = "petit-prince-en"     # of the 49 listeners, ten random halves, as published"""

_INDIVIDUALS_EN = """\
kind = "bids"           # every listener for themselves; fetch gets them
folder = "ds003643/derivatives"
task = "lppEN"
space = "MNIColin27"
desc = "preproc"
subjects = ["EN057", "EN058", "EN059", "EN061", "EN062"]   # the paper's; leave out for all 49
own_masks = true        # what is brain in more than half of a listener's runs, made symmetric
mask_share = 0.5
grid = "petit-prince-en"            # 4 mm
smoothing = 4.0         # mm
average = false
individuals = true
ceiling_splits = 10
ceiling_seed = 0"""

_AVERAGE_OTHER = """\
kind = "bids"           # fetch gets them
folder = "ds003643/derivatives"
task = "lpp$code"
space = "MNIColin27"
desc = "preproc"
# subjects = ["{code}001", "{code}002"]     # default: all that are on disk
mask_share = 0.5        # the mask: what is brain in more than half of the recordings, symmetric
grid = "petit-prince-en"            # 4 mm
average = true
individuals = false
ceiling_splits = 10
ceiling_seed = 0"""

_OTHER_LANGUAGES = """\
# Of the paper's English models, those that were trained on this language too. The paper's own list
# for it may be another one: add what you need; `hemiscale models` lists the names.
"""

_MODELS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "openai-community/gpt2",
        "openai-community/gpt2-medium",
        "openai-community/gpt2-large",
        "openai-community/gpt2-xl",
        "facebook/opt-125m",
        "facebook/opt-350m",
        "facebook/opt-1.3b",
        "facebook/opt-2.7b",
        "facebook/opt-6.7b",
        "facebook/opt-13b",
        "state-spaces/mamba-130m-hf",
        "state-spaces/mamba-370m-hf",
        "state-spaces/mamba-790m-hf",
        "state-spaces/mamba-1.4b-hf",
        "state-spaces/mamba-2.8b-hf",
        "Qwen/Qwen1.5-0.5B",
        "Qwen/Qwen1.5-1.8B",
        "Qwen/Qwen1.5-4B",
        "Qwen/Qwen1.5-7B",
        "Qwen/Qwen1.5-14B",
        "stabilityai/stablelm-2-1_6b",
        "stabilityai/stablelm-3b-4e1t",
        "stabilityai/stablelm-2-12b",
        "google/gemma-2b",
        "google/gemma-7b",
        "meta-llama/Llama-2-7b-hf",
        "meta-llama/Llama-2-13b-hf",
        "mistralai/Mistral-7B-v0.1",
    ),
    # Those that the paper's analysis of individuals uses.
    "en-individuals": (
        "openai-community/gpt2",
        "openai-community/gpt2-medium",
        "openai-community/gpt2-large",
        "openai-community/gpt2-xl",
        "Qwen/Qwen1.5-0.5B",
        "Qwen/Qwen1.5-1.8B",
        "Qwen/Qwen1.5-4B",
        "Qwen/Qwen1.5-7B",
        "Qwen/Qwen1.5-14B",
    ),
    # Our choice, not the paper's list: of its English models, those trained on these languages too.
    "fr": (
        "Qwen/Qwen1.5-0.5B",
        "Qwen/Qwen1.5-1.8B",
        "Qwen/Qwen1.5-4B",
        "Qwen/Qwen1.5-7B",
        "Qwen/Qwen1.5-14B",
        "mistralai/Mistral-7B-v0.1",
    ),
    "cn": (
        "Qwen/Qwen1.5-0.5B",
        "Qwen/Qwen1.5-1.8B",
        "Qwen/Qwen1.5-4B",
        "Qwen/Qwen1.5-7B",
        "Qwen/Qwen1.5-14B",
    ),
}


@dataclass(frozen=True)
class _Kind:
    language: str
    english: str
    listeners: int
    recordings: str
    what: str
    models: str


PETIT_PRINCE_STUDIES: Mapping[str, _Kind] = {
    "petit-prince-en": _Kind("en", "English", 49, _AVERAGE_EN, "the average subject", "en"),
    "petit-prince-fr": _Kind("fr", "French", 28, _AVERAGE_OTHER, "the average subject", "fr"),
    "petit-prince-cn": _Kind("cn", "Chinese", 35, _AVERAGE_OTHER, "the average subject", "cn"),
    "petit-prince-en-individuals": _Kind(
        "en",
        "English",
        5,
        _INDIVIDUALS_EN,
        "every listener for themselves",
        "en-individuals",
    ),
}
"""The studies by the name that ``hemiscale new --like`` takes."""


def petit_prince_study(
    like: str,
    *,
    name: str | None = None,
    title: str | None = None,
    simulated: bool = False,
    recordings: str | None = None,
    models: tuple[str, ...] | None = None,
    n_runs: int = 9,
    seeds: int = 10,
    validation: str = "first",
) -> str:
    """Write a study file of Le Petit Prince.

    Parameters
    ----------
    like : str
        One of `PETIT_PRINCE_STUDIES`.
    name, title : str, optional
        Other than the study's own.
    simulated : bool
        Whether the recordings are made up: the file, and all that follows from it, says so.
    recordings : str, optional
        TOML of the table ``recordings`` that takes the place of what says where they lie.
    models : tuple of str, optional
        Names of models instead of the paper's.
    n_runs : int
        The first so many of the nine runs.
    seeds : int
        Draws of the random baselines.
    validation : {"first", "all"}
        Which of the remaining runs choose the penalty; "first" is the paper's.

    Returns
    -------
    str
        TOML.
    """
    kind = PETIT_PRINCE_STUDIES[like]
    code = kind.language.upper()
    named = _MODELS[kind.models] if models is None else models
    # Those that have to be downloaded are left out, with a notice, where they are not at hand.
    tables = [
        f'[[models]]\nname = "{model}"\n'
        + (f'label = "{model.split("/")[1]}"\noptional = true\n' if "/" in model else "")
        for model in named
    ]
    description = (
        f"fMRI of {kind.listeners} people who listened to Le Petit Prince in {kind.english}, "
        f"nine runs; {kind.what}."
    )
    caveats = ""
    if simulated:
        description = (
            "SIMULATED data: layout, names, grid, run lengths and word timings are those of "
            f"Le Petit Prince in {kind.english}; no listener was recorded."
        )
        caveats = 'simulated = true\ncaveats = ["The brain data are simulated: a rehearsal."]'
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        english=kind.english,
        name=name or like,
        title=title or f"Le Petit Prince in {kind.english}, {kind.what}",
        description=description,
        language="zh" if kind.language == "cn" else kind.language,
        caveats=caveats,
        code=code,
        seeds=seeds,
        validation=validation,
        sections=list(range(1, n_runs + 1)),
        recordings=(recordings or kind.recordings).replace("$code", code).replace("{code}", code),
        models=("" if kind.language == "en" else _OTHER_LANGUAGES) + "\n".join(tables),
        static='static_embeddings = ["glove-6b-50d"]' if kind.language == "en" else "",
    )

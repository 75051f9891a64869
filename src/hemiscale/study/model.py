"""The tables of a study file and what they may hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from hemiscale.study.base import Name, NotNegative, Paths, PathsOrNone, Positive, Table, twice
from hemiscale.study.cluster import Cluster
from hemiscale.study.recordings import Recordings, RegionTables

__all__ = [
    "ActivationOptions",
    "Baselines",
    "Competence",
    "Design",
    "Encoding",
    "ModelChoice",
    "Random",
    "Stimulus",
    "Study",
]


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Label = Annotated[str, BeforeValidator(_as_text)]


class Stimulus(Table):
    """The story: words with their times, and the text that the models read."""

    words: Paths = Field(description="word tables, one file per run, or one with all sections")
    sections: list[Label] = Field(
        default=[], description="the runs, by the column section of the one word table"
    )
    text: PathsOrNone = Field(
        default=[],
        description="plain text files, one per run, UTF-8, or one zip of them; "
        "default: the annotated words joined by spaces",
    )
    text_password: str = Field(default="", exclude=True, description="of the zip")

    @model_validator(mode="after")
    def _one_text_per_table(self) -> Stimulus:
        if self.sections and len(self.words) != 1:
            raise ValueError(
                f"names {len(self.words)} word tables and sections; sections are read from one"
            )
        if self.text and not self.text_is_zip and self.n_runs != len(self.text):
            what = "section(s)" if self.sections else "word table(s)"
            raise ValueError(
                f"names {self.n_runs} {what} but {len(self.text)} text(s); "
                "each run needs one of both"
            )
        return self

    @property
    def n_runs(self) -> int:
        """Runs of the story."""
        return len(self.sections) or len(self.words)

    @property
    def text_is_zip(self) -> bool:
        """Whether the texts lie in one zip archive."""
        return len(self.text) == 1 and self.text[0].lower().endswith(".zip")


class Design(Table):
    """From words to scans, and the cut into runs for cross-validation."""

    hrf_model: Literal[
        "glover",
        "spm",
        "glover + derivative",
        "spm + derivative",
        "glover + derivative + dispersion",
        "spm + derivative + dispersion",
        "fir",
        "lanczos",
    ] = Field(
        default="glover",
        description="nilearn's names; 'fir' and 'lanczos' assume no response, see delays",
    )
    delays: list[Annotated[int, Field(ge=0)]] = Field(
        default=[1, 2, 3, 4],
        min_length=1,
        description="scans by which copies of the features are late, for 'fir' and 'lanczos'",
    )
    slice_time_ref: Annotated[float, Field(ge=0, le=1)] = 0.5
    trim: NotNegative = Field(default=20.0, description="seconds dropped at both ends of a run")
    blocks: int = Field(
        default=1, ge=1, description="contiguous blocks each run is cut into; 1: runs stay whole"
    )
    gap: NotNegative = Field(default=0.0, description="seconds dropped at each seam of blocks")

    @model_validator(mode="after")
    def _delays_differ(self) -> Design:
        if len(set(self.delays)) < len(self.delays):
            raise ValueError(f"names a delay twice: {self.delays}")
        return self


class Encoding(Table):
    """Ridge regression: penalties and how one of them is chosen."""

    penalty_low: Positive = 1e2
    penalty_high: Positive = 1e7
    n_penalties: int = Field(default=16, ge=1)
    validation: Literal["first", "all"] = "all"
    search: Literal["adaptive", "exhaustive"] = "adaptive"
    dimensions: int | None = Field(
        default=None, ge=1, description="project wider layers to this many features; default: none"
    )
    reduction: Literal["random projection", "pca"] = "random projection"
    reduction_seed: int = Field(default=0, ge=0, description="of the random projection")

    @model_validator(mode="after")
    def _ordered(self) -> Encoding:
        if self.penalty_high < self.penalty_low:
            raise ValueError("has penalty_high below penalty_low")
        return self


class ActivationOptions(Table):
    """How the models read the story."""

    context: int | None = Field(default=None, ge=2, description="tokens; default: the model's own")
    step: int = Field(default=64, ge=1, description="tokens by which longer texts slide")
    pooling: Literal["mean", "last", "sum"] = "mean"
    bos: Literal["default", "always", "never"] = "always"


class ModelChoice(Table):
    """One language model, by catalogue name, hub id, folder or GGUF file."""

    name: Annotated[str, Field(min_length=1, max_length=300)]
    label: Name | None = Field(default=None, description="its name in the results")
    family: str | None = Field(
        default=None,
        min_length=1,
        max_length=60,
        description="models of one family are not independent; default: the catalogue's",
    )
    trained: bool = Field(default=True, description="score the model with its trained weights")
    untrained: list[Annotated[int, Field(ge=0)]] = Field(
        default=[], description="seeds of untrained twins to score as well"
    )
    tokenizer: str | None = Field(default=None, description="folder or hub id, if not the model's")
    revision: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$",
        description="stepN, or the hub's branch, tag or commit",
    )
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    device_map: Literal["auto"] | None = Field(
        default=None, description="auto: spread the model over GPUs and CPU"
    )
    quantisation: Literal["8bit", "4bit"] | None = None
    optional: bool = Field(default=False, description="if it cannot be loaded: skip it and say so")


class Random(Table):
    """Random features: how wide, and how many draws."""

    dimensions: list[Annotated[int, Field(ge=1)]] = Field(default=[300, 1024])
    seeds: int = Field(default=10, ge=1, description="number of draws, seeded 0, 1, 2 ...")


class Baselines(Table):
    """Features that know nothing of language, or only single words."""

    word_rate: bool = True
    word_length: bool = False
    word_position: bool = False
    random_vectors: Random | None = None
    random_embeddings: Random | None = None
    static_embeddings: list[str] = Field(
        default=[], description="GloVe or word2vec tables: catalogue name or file"
    )
    word_frequency: str | None = Field(
        default=None, description="'wordfreq' (the package), or a table with word and frequency"
    )
    surprisal: list[str] = Field(
        default=[], description="language models whose surprisal of each word is a feature"
    )


class Competence(Table):
    """Columns of the user's own for models.tsv and the laws: HellaSwag, BLiMP, anything."""

    table: Annotated[str, Field(min_length=1)] = Field(
        description="csv or tsv with a column model and columns of numbers"
    )


class Study(Table):
    """A whole study, as its TOML file states it."""

    name: Name
    title: str = ""
    description: str = ""
    language: str = "en"
    folder: str = Field(default=".", description="what paths are relative to; default: this file")
    simulated: bool = Field(default=False, description="true where the brain data are made up")
    caveats: list[str] = Field(default=[], description="what this data set cannot show")
    attribution: str = Field(default="", description="text that the data's licence asks for")
    citation: str = Field(default="", description="BibTeX of the data set")
    stimulus: Stimulus
    recordings: Recordings
    design: Design = Design()
    encoding: Encoding = Encoding()
    activations: ActivationOptions = ActivationOptions()
    models: list[ModelChoice] = Field(default=[])
    baselines: Baselines = Baselines()
    competence: Competence | None = None
    cluster: Cluster | None = None

    @model_validator(mode="after")
    def _something_to_score(self) -> Study:
        labels = [model.label or model.name for model in self.models]
        again = twice(labels)
        if again:
            raise ValueError(f"names models twice: {', '.join(again)}")
        recordings = self.recordings
        if (
            isinstance(recordings, RegionTables)
            and self.stimulus.n_runs > 1
            and "{run}" not in recordings.files
        ):
            raise ValueError(
                "has several runs, so recordings.files must hold the placeholder {run}"
            )
        return self

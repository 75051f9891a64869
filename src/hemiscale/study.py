"""The study file: one TOML from which everything follows.

`read_study` turns it into a validated `Study`; what is wrong with it is said in one sentence per
problem, with the line it stands on and, for an unknown key, the nearest known one.
"""

from __future__ import annotations

import difflib
import re
import string
import tomllib
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from hemiscale.errors import InputError

__all__ = [
    "ActivationOptions",
    "Baselines",
    "Design",
    "Encoding",
    "ModelChoice",
    "Recordings",
    "Region",
    "Stimulus",
    "Study",
    "read_study",
    "study_toml",
]


class _Table(BaseModel):
    """A TOML table: no key but the declared ones, and no surprise conversions."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


Paths = Annotated[list[str], BeforeValidator(_one_or_many), Field(min_length=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]*$", max_length=100)]


class Stimulus(_Table):
    """The story: words with their times, and the text that the models read."""

    words: Paths = Field(description="word tables, one file per run")
    text: Paths = Field(description="plain text files, one per run, UTF-8")

    @model_validator(mode="after")
    def _one_text_per_table(self) -> Stimulus:
        if len(self.words) != len(self.text):
            raise ValueError(
                f"names {len(self.words)} word table(s) but {len(self.text)} text(s); "
                "each run needs one of both"
            )
        return self


class Region(_Table):
    """One column of the region tables."""

    name: Name
    label: str = Field(default="", description="the name in words, for figures and tables")
    hemisphere: Literal["left", "right", "midline", "unknown"] = "unknown"
    homologue: str = Field(default="", description="the region that mirrors this one, if any")


class Excluded(_Table):
    """A recording that is left out, and why."""

    subject: str
    reason: str = Field(min_length=1)


class Motion(_Table):
    """Files of motion parameters, shown in the diagnostics."""

    files: str = Field(description="path with {subject}; * matches anything")
    skip_rows: int = Field(default=0, ge=0, description="rows before the first analysed scan")


class Recordings(_Table):
    """The brain side: one table of time courses per subject (and run), a column per region."""

    kind: Literal["regions"] = "regions"
    files: str = Field(description="path with {subject} and, with several runs, {run}")
    subjects: list[Name] = Field(min_length=1)
    regions: list[Region] = Field(min_length=1)
    t_r: Positive = Field(description="seconds between scans")
    high_pass: NotNegative = Field(default=128.0, description="cut-off in seconds; 0: none")
    average: bool = Field(default=True, description="also score the average of all subjects")
    individuals: bool = Field(default=True, description="score every subject")
    ceiling_splits: int = Field(default=10, ge=0, description="random halves of the ceiling")
    ceiling_seed: int = Field(default=0, ge=0)
    excluded: list[Excluded] = []
    motion: Motion | None = None

    @field_validator("files")
    @classmethod
    def _placeholders(cls, value: str) -> str:
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(value) if name is not None}
        except ValueError:
            raise ValueError("has a curly bracket that is not closed") from None
        if not names <= {"subject", "run"}:
            raise ValueError("may hold the placeholders {subject} and {run}, and no others")
        if "subject" not in names:
            raise ValueError("must hold the placeholder {subject}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Recordings:
        for what, names in (
            ("subjects", list(self.subjects)),
            ("regions", [region.name for region in self.regions]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"names {what} twice: {', '.join(twice)}")
        known = {region.name: region for region in self.regions}
        mirrored = [region for region in self.regions if region.homologue]
        for region in mirrored:
            if region.homologue not in known:
                raise ValueError(
                    f"region {region.name} names {region.homologue!r} as its homologue, "
                    "which is no region of this study"
                )
        for region in mirrored:
            mirror = known[region.homologue]
            sides = {region.hemisphere, mirror.hemisphere}
            if mirror.homologue != region.name or sides != {"left", "right"}:
                raise ValueError(
                    f"regions {region.name} and {mirror.name} must name each other as homologue, "
                    "one of them left and the other right"
                )
        if "average" in self.subjects:
            raise ValueError("has a subject named 'average'; that name is for the average subject")
        if not (self.average or self.individuals):
            raise ValueError("asks for neither average nor individuals: nothing is left to score")
        both = {entry.subject for entry in self.excluded} & set(self.subjects)
        if both:
            raise ValueError(f"lists as subject and as excluded: {', '.join(sorted(both))}")
        return self


class Design(_Table):
    """From words to scans, and the cut into runs for cross-validation."""

    hrf_model: Literal["glover", "spm", "glover + derivative", "spm + derivative"] = "glover"
    slice_time_ref: Annotated[float, Field(ge=0, le=1)] = 0.5
    trim: NotNegative = Field(default=20.0, description="seconds dropped at both ends of a run")
    blocks: int = Field(
        default=1, ge=1, description="contiguous blocks each run is cut into; 1: runs stay whole"
    )
    gap: NotNegative = Field(default=0.0, description="seconds dropped at each seam of blocks")

    @model_validator(mode="after")
    def _one_column_per_feature(self) -> Design:
        if "+" in self.hrf_model:
            raise ValueError(
                f"hrf_model {self.hrf_model!r} gives several columns per feature; "
                "use 'glover' or 'spm'"
            )
        return self


class Encoding(_Table):
    """Ridge regression: penalties and how one of them is chosen."""

    penalty_low: Positive = 1e2
    penalty_high: Positive = 1e7
    n_penalties: int = Field(default=16, ge=1)
    validation: Literal["first", "all"] = "all"
    search: Literal["adaptive", "exhaustive"] = "adaptive"

    @model_validator(mode="after")
    def _ordered(self) -> Encoding:
        if self.penalty_high < self.penalty_low:
            raise ValueError("has penalty_high below penalty_low")
        return self


class ActivationOptions(_Table):
    """How the models read the story."""

    context: int | None = Field(default=None, ge=2, description="tokens; default: the model's own")
    step: int = Field(default=64, ge=1, description="tokens by which longer texts slide")
    pooling: Literal["mean", "last", "sum"] = "mean"
    bos: Literal["default", "always", "never"] = "always"


class ModelChoice(_Table):
    """One language model, by catalogue name, hub id, folder or GGUF file."""

    name: Annotated[str, Field(min_length=1, max_length=300)]
    label: Name | None = Field(default=None, description="its name in the results")
    trained: bool = Field(default=True, description="score the model with its trained weights")
    untrained: list[Annotated[int, Field(ge=0)]] = Field(
        default=[], description="seeds of untrained twins to score as well"
    )
    tokenizer: str | None = Field(default=None, description="folder or hub id, if not the model's")
    optional: bool = Field(default=False, description="if it cannot be loaded: skip it and say so")


class Random(_Table):
    """Random features: how wide, and how many draws."""

    dimensions: list[Annotated[int, Field(ge=1)]] = [300, 1024]
    seeds: int = Field(default=10, ge=1, description="number of draws, seeded 0, 1, 2 ...")


class Baselines(_Table):
    """Features that know nothing of language, or only single words."""

    word_rate: bool = True
    word_length: bool = False
    word_position: bool = False
    random_vectors: Random | None = None
    random_embeddings: Random | None = None
    static_embeddings: list[str] = Field(
        default=[], description="GloVe or word2vec tables: catalogue name or file"
    )


class Study(_Table):
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
    models: list[ModelChoice] = []
    baselines: Baselines = Baselines()

    @model_validator(mode="after")
    def _something_to_score(self) -> Study:
        labels = [model.label or model.name for model in self.models]
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"names models twice: {', '.join(twice)}")
        if len(self.stimulus.words) > 1 and "{run}" not in self.recordings.files:
            raise ValueError(
                "has several runs, so recordings.files must hold the placeholder {run}"
            )
        return self


def read_study(path: str | Path) -> Study:
    """Read and validate a study file.

    Parameters
    ----------
    path : str or Path
        The TOML file.

    Returns
    -------
    Study
        Its `folder` is absolute.

    Raises
    ------
    InputError
        With one sentence for each problem: file, line, what was expected.
    """
    path = Path(path)
    try:
        source = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such study file.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; name the study's TOML file in it.") from None
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8 text; save the file as UTF-8.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        content = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {_first_lower(str(error))}.") from None
    try:
        study = Study.model_validate(content)
    except ValidationError as error:
        raise InputError(*_sentences(path, source, error)) from None
    return study.model_copy(update={"folder": str((path.parent / study.folder).resolve())})


def study_toml(study: Study, *, versions: dict[str, str] | None = None) -> str:
    """Write a study with every default filled in, as TOML.

    Parameters
    ----------
    study : Study
    versions : dict, optional
        Versions of the software, written into a leading comment.

    Returns
    -------
    str
        TOML that `read_study` reads back to an equal study.
    """
    comment = "".join(f"# {name} {version}\n" for name, version in (versions or {}).items())
    return comment + "\n".join(_toml_lines(study.model_dump(exclude_none=True), ())) + "\n"


def _toml_lines(table: dict[str, Any], prefix: tuple[str, ...]) -> list[str]:
    lines, tables = [], []
    for key, value in table.items():
        if isinstance(value, dict):
            tables.append((f"[{'.'.join((*prefix, key))}]", value, (*prefix, key)))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            header = f"[[{'.'.join((*prefix, key))}]]"
            tables += [(header, item, (*prefix, key)) for item in value]
        else:
            lines.append(f"{key} = {_toml_value(value)}")
    for header, inner, inner_prefix in tables:
        lines += ["", header, *_toml_lines(inner, inner_prefix)]
    return lines


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    # A TOML basic string: escape the backslash, the quote and all control characters.
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    escaped = "".join(
        escapes.get(c, f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else c) for c in value
    )
    return f'"{escaped}"'


def _sentences(path: Path, source: str, error: ValidationError) -> list[str]:
    sentences = []
    for problem in error.errors(include_url=False):
        location = tuple(part for part in problem["loc"] if isinstance(part, (str, int)))
        where = _where(path, source, location)
        key = _dotted(location)
        if problem["type"] == "extra_forbidden":
            known = _known_keys(location)
            near = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}."
            sentences.append(f"{where}: unknown key {key!r}; {hint}")
        elif problem["type"] == "missing":
            sentences.append(f"{where}: the key {key!r} is missing.")
        elif problem["type"] == "value_error":
            subject = f"{key!r} " if key else "the study "
            sentences.append(f"{where}: {subject}{problem['ctx']['error']}.")
        else:
            given = problem["input"]
            shown = repr(given) if not isinstance(given, (dict, list)) else "that"
            sentences.append(
                f"{where}: {key!r} cannot be {shown[:80]}: {_first_lower(problem['msg'])}."
            )
    return sentences


def _first_lower(message: str) -> str:
    return message[:1].lower() + message[1:].rstrip(".")


def _dotted(location: tuple[str | int, ...]) -> str:
    dotted = ""
    for part in location:
        dotted += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return dotted.lstrip(".")


def _known_keys(location: tuple[str | int, ...]) -> list[str]:
    """Keys that the table holding `location` may have."""
    model: Any = Study
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        model = _table_type(model.model_fields[part].annotation)
    return list(model.model_fields)


def _table_type(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        found = _table_type(inner)
        if found is not None:
            return found
    return None


def _where(path: Path, source: str, location: tuple[str | int, ...]) -> str:
    line = _line_of(source, location)
    return f"{path}, line {line}" if line else f"{path}"


def _line_of(source: str, location: tuple[str | int, ...]) -> int | None:
    """Line of a key, or of the table that should hold it (tomllib keeps no positions)."""
    best: tuple[int, int] | None = None  # (length of the part found, line)
    counts: dict[tuple[str, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for number, line in enumerate(source.splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-\"' ]+?)\s*\]", line)
        assignment = re.match(r"\s*([A-Za-z0-9_\-\"'.]+)\s*=", line)
        if header:
            names = tuple(part.strip(" \"'") for part in header[2].split("."))
            table = names
            if header[1] == "[[":
                table = (*names, counts.get(names, 0))
                counts[names] = counts.get(names, 0) + 1
            here = table
        elif assignment:
            here = (*table, *(part.strip("\"'") for part in assignment[1].split(".")))
        else:
            continue
        if location[: len(here)] == here and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None

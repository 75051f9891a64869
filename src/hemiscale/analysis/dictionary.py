"""The data dictionary: what every column of every table means, and in which unit."""

from __future__ import annotations

__all__ = ["COLUMNS", "LAW_FIELDS", "dictionary_text"]

_LOW_HIGH = "95 % interval of the column it follows"
_SCORE = "brain score: Pearson r between predicted and measured signal of left-out scans"

_MODEL = {
    "model": "name of the feature set; also the name of its scores file",
    "kind": "trained, checkpoint, untrained, static embedding, random embedding, random vector or "
    "control",
    "group": "what the seeds of one baseline have in common; otherwise the model's name",
    "family": "models of one family share architecture and training data; empty for baselines",
    "parameters": "number of parameters (count); 0 for baselines",
    "layers": "number of layers, without the embedding (count)",
    "width": "features per word (count)",
    "seed": "random seed; -1 where nothing is random",
    "training_step": "step at which a checkpoint was saved; -1 for finished models",
    "bits_per_byte": "surprise at the story, from the same forward pass as the activations (bits "
    "per byte of text; comparable between tokenizers); empty for baselines",
    "perplexity": "the same per token (not comparable between tokenizers); empty for baselines",
    "typical_layer": "median of the layers that validation chose (0 is the embedding); -1 where "
    "seeds differ or nothing could be chosen",
}

_OF_MODELS = dict(_MODEL)
for _prefix, _who, _over in (
    ("", "mean over listeners", "listeners"),
    ("average_", "of the average subject", "runs (blocks)"),
):
    for _name, _what in (
        ("score", "mean over regions"),
        ("left", "mean over the left members of homologous pairs"),
        ("right", "mean over the right members of homologous pairs"),
        ("left_minus_right", "paired difference, mean over homologous pairs"),
    ):
        _OF_MODELS[_prefix + _name] = f"{_SCORE}; {_what}, {_who}; layer by validation (r)"
        for _end in ("low", "high"):
            _OF_MODELS[f"{_prefix}{_name}_{_end}"] = f"{_LOW_HIGH}, over {_over}"
_OF_MODELS["score_test_selected"] = (
    "mean over regions and listeners with each region's best layer by its test score, as in the "
    "paper: inflated by the choice, more so for more layers (r)"
)
_OF_MODELS["average_score_test_selected"] = "the same for the average subject (r)"

_SUBJECTS = "listeners: scores of the individuals, averaged; average: scores of the average subject"
_LAYER_CHOICE = (
    "validation: the layer chosen for each run by scores that exclude it; test: the best layer by "
    "the test score itself, as in the paper (inflated)"
)
_INTERVAL = {
    "low": _LOW_HIGH,
    "high": _LOW_HIGH,
    "interval_over": "what the interval generalises over: listeners, or runs (blocks)",
    "n": "how many of them",
}

COLUMNS: dict[str, dict[str, str]] = {
    "models.tsv": _OF_MODELS,
    "groups.tsv": {
        **_OF_MODELS,
        "model": "name of the group: seeds are averaged within each listener and run before any "
        "interval is taken",
        "n_models": "how many seeds are averaged (count)",
    },
    "regions.tsv": {
        "model": _MODEL["model"],
        "region": "region of interest",
        "hemisphere": "left, right, midline or unknown",
        "subjects": _SUBJECTS,
        "layer_choice": _LAYER_CHOICE,
        "score": f"{_SCORE}, mean over runs (r)",
        **_INTERVAL,
    },
    "layers.tsv": {
        "model": _MODEL["model"],
        "layer": "0 is the embedding",
        "relative_depth": "layer over the last layer, 0 to 1",
        "region": "region of interest; all: their mean",
        "subjects": _SUBJECTS,
        "score": f"{_SCORE} of this layer, mean over runs (r); no choice of layer",
        **_INTERVAL,
    },
    "asymmetry.tsv": {
        "model": _MODEL["model"],
        "pair": "homologous regions, left / right; all pairs: their mean",
        "subjects": _SUBJECTS,
        "layer_choice": _LAYER_CHOICE,
        "left": f"{_SCORE} on the left, mean over runs (r)",
        "right": "the same on the right (r)",
        "left_minus_right": "their difference (r)",
        **_INTERVAL,
    },
    "listeners.tsv": {
        "model": _MODEL["model"],
        "listener": "identifier of the individual",
        "region": "region of interest",
        "score": f"{_SCORE}, mean over runs, layer by validation (r)",
    },
    "ceiling.tsv": {
        "region": "region of interest",
        "hemisphere": "left, right, midline or unknown",
        "reliability": "inter-subject reliability: one half of the listeners predicted from the "
        "other half, mean over random splits (r)",
        "low": "2.5 % quantile of the random splits (a range, not an interval over listeners: all "
        "splits halve the same people)",
        "high": "97.5 % quantile of the random splits",
        "n_splits": "number of random splits",
    },
}
"""``{table: {column: meaning}}``, columns in the order in which they are written."""

LAW_FIELDS: dict[str, str] = {
    "response": "what grows: score (mean over regions), left, right, left_minus_right, or a region",
    "subjects": _SUBJECTS,
    "predictor": "log parameters (natural logarithm) or bits per byte",
    "model_set": "which models the line goes through",
    "models": "their names",
    "n_models": "how many they are",
    "slope": "ordinary least squares; r per e-fold of parameters, or r per bit per byte",
    "slope_low": "95 % interval of the slope over models, counted as independent",
    "slope_high": "the same",
    "slope_per_tenfold": "r per tenfold of parameters; null for bits per byte",
    "intercept": "score at log parameters = 0, or at 0 bits per byte (an extrapolation)",
    "r": "Pearson correlation of predictor and score over models",
    "r_low": "95 % interval of r (Fisher), from four models on",
    "r_high": "the same",
    "p": "two-sided p of the slope over models, counted as independent",
    "zero_crossing": "parameters (or bits per byte) at which the line crosses zero",
    "zero_crossing_low": "95 % interval of it (Fieller); null where it has no bound",
    "zero_crossing_high": "the same",
    "favoured": "log-linear, saturating or undecided, by AICc and leave-one-out error",
    "slope_over_listeners": "mean over listeners of the slope of each listener's own scores",
    "slope_over_listeners_low": "95 % interval of it over listeners, these models taken as given: "
    "would other people show this slope? Says nothing about other models",
    "slope_over_listeners_high": "the same",
    "n_listeners": "listeners with a score for each of the models",
    "notes": "sentences: what these models cannot tell",
}
"""``{field: meaning}`` of each entry of ``laws.json``."""


def dictionary_text() -> str:
    """Write the data dictionary as Markdown.

    Returns
    -------
    str
        One section per table, one line per column.
    """
    lines = [
        "# Data dictionary",
        "",
        "Tables are tab-separated, one header line; an empty field is a value that does not exist.",
        "All scores are correlations, averaged as they are (not through Fisher's z). Intervals are",
        "95 % intervals: over listeners a bootstrap (BCa, Student's below ten listeners), over",
        "runs Student's. Nothing is computed from voxels or regions taken as independent.",
    ]
    for table, columns in COLUMNS.items():
        lines += ["", f"## {table}", "", "| column | meaning (unit) |", "|---|---|"]
        lines += [f"| `{column}` | {meaning} |" for column, meaning in columns.items()]
    lines += ["", "## laws.json", "", "A list `laws`; null is a value that does not exist.", ""]
    lines += ["| field | meaning (unit) |", "|---|---|"]
    lines += [f"| `{field}` | {meaning} |" for field, meaning in LAW_FIELDS.items()]
    return "\n".join(lines) + "\n"

"""The data dictionary: what every column of every table means, and in which unit."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "CHANCE_COLUMNS",
    "COLUMNS",
    "LAW_FIELDS",
    "UNIQUE_COLUMNS",
    "dictionary_text",
]

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
    ("", "mean over listeners", "listeners (of an only listener: over runs)"),
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

_REGION = (
    "region of interest; of a voxel study the selection of voxels: all; reliable (the top quarter "
    "by inter-subject reliability, homologous pairs in or out as one); a named region; best 10 % "
    "(for each run the tenth of the voxels with the highest validation scores of this model, which "
    "exclude that run; homologous pairs in or out as one, by the mean of the two; empty where "
    "there are no validation scores); 90th percentile (of the mean map, as in the paper: it ranks "
    "voxels by the scores it reports, each side its own)"
)
_HEMISPHERE = (
    "left, right, midline or unknown; of a voxel study both, or a side of homologous pairs"
)
_PAIR = (
    "homologous regions, left / right; all pairs: their mean; of a voxel study the selection of "
    "homologous pairs, as in regions.tsv (a region on one side is mirrored); 90th percentile: "
    "left minus right is the difference of the two sides' percentiles, not of homologous pairs"
)
_SELECTION = "of a voxel study, the selection of voxels, as in regions.tsv; else all"
_CEILING = (
    "the ceiling is that of the average of half of the listeners, and voxels or regions below .1 "
    "are left out; scores of single listeners are set on the same scale and stay far below one"
)
_SUBJECTS = "listeners: scores of the individuals, averaged; average: scores of the average subject"
_LAYER_CHOICE = (
    "validation: for each voxel (or region of interest) the layer chosen for each run by scores "
    "that exclude it; region: one layer for all voxels of the row, the left and its mirror image "
    "together, chosen in the same way by their mean; test: the best layer by the test score "
    "itself, as in the paper (inflated)"
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
        "region": _REGION,
        "hemisphere": _HEMISPHERE,
        "subjects": _SUBJECTS,
        "layer_choice": _LAYER_CHOICE,
        "score": f"{_SCORE}, mean over runs (r)",
        **_INTERVAL,
        "over_ceiling": f"mean of the scores over the ceiling; {_CEILING} (share)",
        "layer": "of layer choice region: the layer that was chosen, median over (listeners and) "
        "runs; 0 is the embedding; empty for the other choices",
    },
    "layers.tsv": {
        "model": _MODEL["model"],
        "layer": "0 is the embedding",
        "relative_depth": "layer over the last layer, 0 to 1",
        "region": "region of interest; all: their mean; of a voxel study the selection, both sides",
        "subjects": _SUBJECTS,
        "score": f"{_SCORE} of this layer, mean over runs (r); no choice of layer",
        **_INTERVAL,
    },
    "asymmetry.tsv": {
        "model": _MODEL["model"],
        "pair": _PAIR,
        "subjects": _SUBJECTS,
        "layer_choice": _LAYER_CHOICE,
        "left": f"{_SCORE} on the left, mean over runs (r)",
        "right": "the same on the right (r)",
        "left_minus_right": "their difference (r)",
        **_INTERVAL,
        "index": "(left - right) / (left + right) of the means; empty unless both are positive",
        "index_low": _LOW_HIGH,
        "index_high": _LOW_HIGH,
        "over_ceiling": f"left minus right of the scores over the ceiling; {_CEILING} (share)",
        "over_ceiling_low": _LOW_HIGH,
        "over_ceiling_high": _LOW_HIGH,
    },
    "layer_asymmetry.tsv": {
        "model": _MODEL["model"],
        "layer": "0 is the embedding",
        "relative_depth": "layer over the last layer, 0 to 1",
        "pair": _PAIR,
        "subjects": _SUBJECTS,
        "left": f"{_SCORE} of this layer on the left, mean over runs (r); no choice of layer",
        "right": "the same on the right (r)",
        "left_minus_right": "their difference (r)",
        **_INTERVAL,
    },
    "over_baseline.tsv": {
        "model": "name of the model (seeds of one group are averaged)",
        "baseline": "name of the baseline, or group of seeds",
        "selection": _SELECTION,
        "quantity": "score (mean over regions or voxels), left, right, left_minus_right",
        "subjects": _SUBJECTS,
        "difference": "score of the model minus that of the baseline, paired within listeners or "
        "runs; layer by validation (r)",
        **_INTERVAL,
    },
    "listeners.tsv": {
        "model": _MODEL["model"],
        "listener": "identifier of the individual",
        "region": _REGION,
        "score": f"{_SCORE}, mean over runs, layer by validation (r)",
        "left": "of a voxel study, the left members of homologous pairs (r)",
        "right": "the right members (r)",
        "left_minus_right": "their difference (r)",
    },
    "listener_slopes.tsv": {
        "listener": "identifier of the individual",
        "response": "what grows: score, left, right, left_minus_right, or a region",
        "selection": _SELECTION,
        "predictor": "as in laws.json",
        "model_set": "which models the line goes through",
        "n_models": "how many they are",
        "slope": "slope of this listener's own scores (r per e-fold of parameters, or per unit of "
        "the column)",
        "slope_per_tenfold": "r per tenfold of parameters; empty for other columns",
    },
    "rises.tsv": {
        "trajectory": "the model whose checkpoints these are",
        "curve": "score, left, right, left_minus_right (means over regions or voxels), bits per "
        "byte, or a column that the user added (turned over where it falls)",
        "subjects": _SUBJECTS,
        "n_checkpoints": "how many checkpoints the curve has",
        "step": "training step at which half of the rise from first to last checkpoint is done, "
        "between checkpoints by a straight line on log step. A noisy curve passes that level more "
        "than once: the crossing with least of the curve on the wrong side. Empty where the curve "
        "ends no higher than it starts",
        "low": "95 % interval over listeners, or over runs (corrected for shared training data, "
        "too wide where runs share little), by mean curves drawn from Student's distribution. "
        "Empty with fewer than three, and where it is not sure that the curve rises at all",
        "high": "the same",
        "n": "how many listeners or runs; 1: a curve that is taken as known exactly, without "
        "interval",
        "rises_before": "curves that rise later, each with the share of draws in which it does: "
        "only those above .975, a two-sided test at 5 % for each pair of curves; a curve whose "
        "rise is not sure has no order, nor have two that are taken as known exactly",
        "notes": "what these curves cannot tell",
    },
    "ceiling.tsv": {
        "region": _REGION,
        "hemisphere": _HEMISPHERE + "; left - right: their difference",
        "reliability": "inter-subject reliability: one half of the listeners predicted from the "
        "other half, mean over random splits (r)",
        "low": "2.5 % quantile of the random splits (a range, not an interval over listeners: all "
        "splits halve the same people)",
        "high": "97.5 % quantile of the random splits",
        "n_splits": "number of random splits",
    },
    "reliability.tsv": {
        "model": "name of the model or group of seeds; of slopes, the set of models",
        "quantity": "score, left_minus_right, or the slope of either against log parameters (r per "
        "e-fold); a value per region, or per pair of homologous regions",
        "subjects": _SUBJECTS,
        "n_parcels": "regions (pairs) with a value of every listener or run; the table has rows "
        "from eight on, and none without a ceiling",
        "r": "correlation over regions of the mean values with the reliability of the region (left "
        "minus right: with left minus right of the reliability); noise draws it towards zero",
        "p_parcels_as_independent": "two-sided p of r, as published: regions counted as "
        "independent, which neighbours are not",
        "slope": "of the values on the reliability (units of the quantity per unit of r); zero "
        "where the correlation is. Noise of the reliability itself draws it towards zero",
        **_INTERVAL,
    },
}
"""``{table: {column: meaning}}``, columns in the order in which they are written."""

CHANCE_COLUMNS: dict[str, str] = {
    "model": _MODEL["model"],
    "subject": "average, or a listener where there is no average subject",
    "region": "region of interest; all: the mean over regions or voxels",
    "hemisphere": "left, right, midline or unknown; of all: both",
    "score": f"{_SCORE}, mean over runs; layer by validation (r)",
    "p": "one-sided: how often predictions score as high when the signal is shifted in time, each "
    "run by its own number of scans",
    "p_over_all": "the same against the highest of all regions: holds for all at once",
    "q": "false discovery rate over regions",
    "share_q_below_5_percent": "of all: share of regions or voxels with q below .05",
    "n_shifts": "different shifts that p rests on: as many as asked for, or all that the recording "
    "has where that is fewer; p is at least 1 / (n_shifts + 1)",
}
"""Of ``chance.tsv``, which `hemiscale chance` adds to a finished study."""

UNIQUE_COLUMNS: dict[str, str] = {
    "model": _MODEL["model"],
    "baseline": "the baseline that the model is set against",
    "region": _REGION + "; a pair of regions. The best 10 % are those with the highest unique "
    "variance of validation scores",
    "hemisphere": _HEMISPHERE + "; left - right: their difference",
    "subjects": _SUBJECTS,
    "unique_variance": "r² of one ridge regression on the features of both, less r² of the "
    "baseline alone, on left-out runs (negative r counts as zero), mean over runs; layer by "
    "validation (share of variance). One penalty for both: many features can drown the few of a "
    "baseline, so that it is too low rather than too high",
    **_INTERVAL,
}
"""Of ``unique_BASELINE.tsv``, which `hemiscale unique` adds to a finished study."""

LAW_FIELDS: dict[str, str] = {
    "response": "what grows: score (mean over regions or voxels), left, right, left_minus_right, "
    "or a region; NAME over ceiling: the same over the ceiling",
    "selection": _SELECTION,
    "subjects": _SUBJECTS,
    "predictor": "log parameters (natural logarithm), bits per byte, perplexity, or a column that "
    "the user added",
    "held_constant": "other predictors in the regression: r and p are then partial, the crossing "
    "is at their means",
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
    "zero_crossing_low": "95 % interval of it over models, counted as independent (Fieller); null "
    "(or 0 parameters, on the low side) where it has no bound",
    "zero_crossing_high": "the same",
    "favoured": "log-linear, saturating or undecided, by AICc and leave-one-out error",
    "n_families": "families that were told apart; 0: not enough of them, see notes",
    "family_slope": "slope with a random intercept per family (REML)",
    "family_slope_low": "95 % interval of it; holds when families differ in level, not in slope",
    "family_slope_high": "the same",
    "over_families_low": "95 % interval of the slope over families (cluster-robust, CR2): holds "
    "whether families differ in level, in slope or not at all; the one to read for other models",
    "over_families_high": "the same",
    "over_families_p": "two-sided p of the slope over families",
    "crossing_families_low": "95 % interval of the crossing over families, these listeners and "
    "recordings taken as given; no bound as above",
    "crossing_families_high": "the same",
    "slope_without_a_family_low": "the lowest slope when one family is left out",
    "slope_without_a_family_high": "the highest",
    "lowest_without_family": "the family without which the slope is the lowest (of MODEL: a model "
    "of no known family)",
    "highest_without_family": "the family without which it is the highest",
    "aicc_for_saturation": "AICc of the log-linear law minus that of the saturating one; above "
    "zero speaks for saturation",
    "saturates_at": "score of an infinitely large model under the saturating law; null where the "
    "data do not bend",
    "predicted_at": "ten times the parameters of the largest model: an extrapolation",
    "predicted": "score that the log-linear law predicts there",
    "predicted_low": "95 % interval for one new model of that size, if the line goes on and models "
    "are independent: too short for a new family where families differ in slope",
    "predicted_high": "the same",
    "slope_over_listeners": "mean over listeners of the slope of each listener's own scores",
    "slope_over_listeners_low": "95 % interval of it over listeners, these models taken as given: "
    "would other people show this slope? Says nothing about other models",
    "slope_over_listeners_high": "the same",
    "slope_over_both_low": "95 % interval of the slope over families and listeners at once: would "
    "other people show this slope with other models? Null below five families or two listeners",
    "slope_over_both_high": "the same",
    "slope_over_both_p": "two-sided p",
    "crossing_over_both_low": "95 % interval of the crossing over families and listeners at once; "
    "no bound as above. The one to read for other people",
    "crossing_over_both_high": "the same",
    "n_listeners": "listeners with a score for each of the models",
    "slope_over_runs_low": "of the average subject (or an only listener), 95 % interval of the "
    "slope over runs, these "
    "models and people taken as given: would other recordings show this slope?",
    "slope_over_runs_high": "the same",
    "crossing_over_runs_low": "95 % interval of the crossing over runs; no bound as above",
    "crossing_over_runs_high": "the same",
    "n_runs": "runs (blocks) with a score for each of the models",
    "notes": "sentences: what these models cannot tell",
}
"""``{field: meaning}`` of each entry of ``laws.json``."""


def dictionary_text(user_columns: Sequence[str] = ()) -> str:
    """Write the data dictionary as Markdown.

    Parameters
    ----------
    user_columns : sequence of str
        Columns of ``models.tsv`` that the user added.

    Returns
    -------
    str
        One section per table, one line per column.
    """
    # Here, for the names of columns alone should not take the time of importing scipy.
    from hemiscale.analysis.intervals import FEWEST_FOR_BOOTSTRAP

    lines = [
        "# Data dictionary",
        "",
        "Tables are tab-separated, one header line; an empty field is a value that does not exist.",
        "All scores are correlations, averaged as they are (not through Fisher's z). Intervals are",
        f"95 % intervals: over listeners a bootstrap (BCa; Student's below {FEWEST_FOR_BOOTSTRAP} "
        "listeners), over",
        "runs nested cross-validation: runs train each other's models and choose each other's",
        "layers, so their scatter alone says too little. With four to nine runs these hold the",
        "truth in 93 to 98 % of simulated studies (`best 10 %`: 92 to 97 %); with two, or with one",
        "validation run, they are",
        "only corrected for shared training data (Nadeau and Bengio). Nothing is computed from",
        "voxels or regions taken as independent.",
    ]
    for table, columns in COLUMNS.items():
        lines += ["", f"## {table}", "", "| column | meaning (unit) |", "|---|---|"]
        lines += [f"| `{column}` | {meaning} |" for column, meaning in columns.items()]
        if table == "models.tsv":
            lines += [f"| `{column}` | from the user's own table |" for column in user_columns]
    for table, command, columns in (
        ("chance.tsv", "hemiscale chance STUDY", CHANCE_COLUMNS),
        ("unique_BASELINE.tsv", "hemiscale unique STUDY --beside BASELINE", UNIQUE_COLUMNS),
    ):
        lines += ["", f"## {table}", "", f"Only after `{command}`.", ""]
        lines += ["| column | meaning (unit) |", "|---|---|"]
        lines += [f"| `{column}` | {meaning} |" for column, meaning in columns.items()]
    lines += ["", "## laws.json", "", "A list `laws`; null is a value that does not exist.", ""]
    lines += ["| field | meaning (unit) |", "|---|---|"]
    lines += [f"| `{field}` | {meaning} |" for field, meaning in LAW_FIELDS.items()]
    return "\n".join(lines) + "\n"

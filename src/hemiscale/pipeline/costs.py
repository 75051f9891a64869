"""What the models of a study will cost, said before anything long starts."""

from __future__ import annotations

from collections.abc import Sequence

from hemiscale.errors import InputError
from hemiscale.pipeline.plan import FeatureSet
from hemiscale.study import Study

__all__ = ["describe_costs", "that_fit"]


def describe_costs(
    study: Study, features: Sequence[FeatureSet], n_words: Sequence[int]
) -> tuple[list[str], dict[str, str]]:
    """Estimate disk, memory and time of every language model.

    Parameters
    ----------
    study : Study
    features : sequence of FeatureSet
        Those that can be had here, or could be downloaded.
    n_words : sequence of int
        Of each run.

    Returns
    -------
    notices : list of str
        One for each model that takes more than a minute or a gigabyte, and one sum.
    too_large : dict
        For each model that does not fit, by name, what to do.
    """
    from hemiscale.models.estimates import (
        available_memory,
        describe_estimate,
        estimate_model,
        too_large,
        work_rate,
    )
    from hemiscale.models.loading import missing_for_options

    readers = [feature for feature in features if feature.is_language_model]
    if not readers:
        return [], {}
    rate, memory = work_rate(), available_memory()
    notices: list[str] = []
    found: dict[str, str] = {}
    seconds = 0.0
    for feature in readers:
        # No error: the machines of a cluster may have what this one lacks.
        notices += [
            f"model {feature.name!r} cannot be read on this machine: {sentence}"
            for sentence in missing_for_options(
                device_map=feature.device_map, quantisation=feature.quantisation
            )
        ]
        options = study.activations
        try:
            estimate = estimate_model(
                feature.source,
                n_words,
                rate=rate,
                context=options.context,
                step=options.step,
                dtype=feature.dtype,
                quantisation=feature.quantisation,
            )
        except InputError:  # what is not installed is told by `available`
            continue
        if estimate is None:
            continue
        seconds += estimate.seconds
        problem = too_large(
            feature.name, estimate, memory=None if feature.device_map is None else float("inf")
        )
        if problem is not None:
            found[feature.name] = problem
        elif estimate.seconds > 60 or max(estimate.disk, estimate.memory) > 1e9:
            notices.append(f"model {feature.name!r}: {describe_estimate(estimate)}.")
    notices.append(
        f"{len(readers)} language model(s) will read for about {_duration(seconds)} in all on one "
        f"core (estimated); {memory / 1e9:.0f} GB of memory are free."
    )
    return notices, found


def that_fit(
    study: Study, features: Sequence[FeatureSet], n_words: Sequence[int]
) -> tuple[list[FeatureSet], dict[str, str]]:
    """Keep the feature sets that fit into memory and onto the disk.

    Parameters
    ----------
    study : Study
    features : sequence of FeatureSet
    n_words : sequence of int

    Returns
    -------
    fitting : list of FeatureSet
    missing : dict
        For each optional model that does not fit, by name, what to do.

    Raises
    ------
    InputError
        Where a model does not fit that is not optional; one sentence per model.
    """
    _, too_large = describe_costs(study, features, n_words)
    optional = {feature.name for feature in features if feature.optional}
    problems = [sentence for name, sentence in too_large.items() if name not in optional]
    if problems:
        raise InputError(*problems)
    return [feature for feature in features if feature.name not in too_large], too_large


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"

"""How well a language model knows language: bits per byte, and tasks of the evaluation harness."""

from __future__ import annotations

import contextlib
import difflib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hemiscale.errors import InputError

__all__ = ["Harness", "bits_per_byte", "evaluate_tasks"]

# Of several measures of a task, the first of these is taken. "acc_norm" corrects for length in
# bytes; it is what HellaSwag is reported in.
_MEASURES = ("acc_norm", "acc", "exact_match", "f1", "bits_per_byte", "word_perplexity")


def bits_per_byte(
    model: Any,
    tokenizer: Any,
    text: str,
    *,
    context: int | None = None,
    step: int | None = None,
    bos: str = "always",
) -> float:
    """Bits that a model needs per UTF-8 byte of a text.

    Unlike perplexity per token it can be compared between models with different tokenizers.

    Parameters
    ----------
    model, tokenizer
        From `load_model`.
    text : str
    context : int, optional
        Tokens per window; default: the model's maximum.
    step : int, optional
        Tokens by which windows slide where the text is longer; default: half of the context.
    bos : str
        "default", "always" or "never"; see `read_story`.

    Returns
    -------
    float

    Raises
    ------
    InputError
        Where the text is empty or an option cannot be used.
    """
    from hemiscale.models.contexts import window_length
    from hemiscale.models.reading import read_story

    if not text.strip():
        raise InputError("the text is empty: there is nothing to predict.")
    if step is None:
        # None: the model has no limit, and the text is read in one window.
        step = max(1, (window_length(model, 1, context) or 2) // 2)
    whole = np.array([[0, len(text)]])
    story = read_story(
        model, tokenizer, text, whole, context=context, step=step, bos=bos, layers=[0]
    )
    return story.bits_per_byte


class Harness:
    """Tasks of lm-evaluation-harness, found once and used for several models.

    Parameters
    ----------
    tasks : sequence of str
        Names of tasks or groups of the harness ("hellaswag", "blimp"), or of your own.
    task_folder : str or Path, optional
        Folder with task files (YAML) of your own.

    Raises
    ------
    InputError
        Where the harness is not installed, or a task is not known.

    References
    ----------
    Gao et al., The Language Model Evaluation Harness, https://doi.org/10.5281/zenodo.10256836
    """

    def __init__(self, tasks: Sequence[str], *, task_folder: str | Path | None = None) -> None:
        with _quiet():
            try:
                from lm_eval import simple_evaluate
                from lm_eval.tasks import TaskManager
            except ImportError:
                raise InputError(
                    "tasks are scored by lm-evaluation-harness, which is not installed; install it "
                    "with 'pip install hemiscale[competence]'."
                ) from None
        if task_folder is not None and not Path(task_folder).is_dir():
            raise InputError(f"{task_folder}: there is no such folder of task files.")
        self.tasks, self._evaluate = list(tasks), simple_evaluate
        with _quiet():
            folder = str(task_folder) if task_folder else None
            manager = TaskManager(include_path=folder, include_defaults=folder is None)
            if folder is not None and not set(tasks) <= set(manager.all_tasks):
                # The harness's own thousands of tasks take a while to list.
                manager = TaskManager(include_path=folder)
        self._manager = manager
        unknown = [task for task in tasks if task not in manager.all_tasks]
        if unknown:
            raise InputError(*[_unknown(task, manager.all_tasks) for task in unknown])

    def fetch_data(self) -> None:
        """Download the data of all tasks, unless they are on this machine.

        Raises
        ------
        InputError
            Where they cannot be had.
        """
        with _quiet(), _data_of(self.tasks):
            self._manager.load_task_or_group(self.tasks)

    def score(
        self, model: Any, tokenizer: Any, *, limit: int | None = None, batch_size: int = 8
    ) -> dict[str, float]:
        """Score a model on all tasks.

        Parameters
        ----------
        model, tokenizer
            From `load_model`.
        limit : int, optional
            Items of each task to use; default: all.
        batch_size : int

        Returns
        -------
        dict of float
            By task: length-normalised accuracy where the task has it, else accuracy, else the
            first measure that it has. No examples in the prompt but what the task asks for.

        Raises
        ------
        InputError
            Where data cannot be had, or a task gives no number.
        """
        with _quiet(), _data_of(self.tasks):
            from lm_eval.models.huggingface import HFLM

            found = self._evaluate(
                model=HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch_size),
                tasks=self.tasks,
                task_manager=self._manager,
                limit=limit,
                bootstrap_iters=0,
                log_samples=False,
            )
        results = {**found["results"], **found.get("groups", {})}
        return {task: _measure(task, results[task]) for task in self.tasks}


def evaluate_tasks(
    model: Any,
    tokenizer: Any,
    tasks: Sequence[str],
    *,
    task_folder: str | Path | None = None,
    limit: int | None = None,
    batch_size: int = 8,
) -> dict[str, float]:
    """Score a model on tasks such as HellaSwag or BLiMP, through lm-evaluation-harness.

    Parameters
    ----------
    model, tokenizer
        From `load_model`.
    tasks : sequence of str
    task_folder : str or Path, optional
        As for `Harness`.
    limit : int, optional
        Items of each task to use; default: all.
    batch_size : int

    Returns
    -------
    dict of float
        By task; see `Harness.score`.

    Raises
    ------
    InputError
        Where the harness is not installed, a task is not known, or its data cannot be had.
    """
    harness = Harness(tasks, task_folder=task_folder)
    return harness.score(model, tokenizer, limit=limit, batch_size=batch_size)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the harness's warnings of its own dependencies, bars and retries off the screen."""
    names = ("lm_eval", "lm-eval", "datasets", "huggingface_hub")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def _data_of(tasks: Sequence[str]) -> Iterator[None]:
    """Say in one sentence that data cannot be had."""
    try:
        yield
    except (OSError, ConnectionError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(
            f"the data of {', '.join(tasks)} cannot be had: {first}. They are downloaded once, and "
            "kept in the cache of Hugging Face's datasets."
        ) from None


def _unknown(task: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(task, known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "."
    return f"{task!r} is no task that lm-evaluation-harness knows{hint}"


def _measure(task: str, result: dict[str, Any]) -> float:
    values = {
        key.split(",")[0]: float(value)
        for key, value in result.items()
        if isinstance(value, (int, float)) and "stderr" not in key
    }
    for measure in _MEASURES:
        if measure in values:
            return values[measure]
    named = {key: value for key, value in values.items() if key not in ("alias", "sample_len")}
    if not named:
        raise InputError(f"task {task!r} gives no number.")
    return next(iter(named.values()))

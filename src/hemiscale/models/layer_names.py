"""What each entry of a model's hidden states is, found by looking, not by family name."""

from __future__ import annotations

from typing import Any

from hemiscale.models.contexts import has_learned_positions
from hemiscale.models.forward import input_device

__all__ = ["describe_layers"]


def describe_layers(model: Any, ids: Any = (1, 2, 3)) -> list[str]:
    """Tell what each entry of the hidden states is.

    Families differ, and versions of transformers too: the first entry may be the embedding, the
    embedding with positions, or already the first layer (Mamba); the last one is usually behind
    the final norm, and in OPT-350m projected to another width. A few tokens are fed, and every
    entry is compared with what the modules of the model gave.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    ids : sequence of int
        A few token ids.

    Returns
    -------
    list of str
        One per entry, such as "embedding with positions", "layer 3", "layer 12, final norm".
    """
    import torch

    base = model.base_model
    stack = _layer_stack(base)
    order = {id(module): f"layer {k}" for k, module in enumerate(stack or [], start=1)}
    inside = {id(module) for layer in stack or [] for module in layer.modules()}
    last = f"layer {len(stack)}" if stack is not None else "last layer"
    embedding = model.get_input_embeddings()
    given: list[tuple[str, Any]] = []

    def name_output(module: Any, _: Any, output: Any) -> None:
        name = order.get(id(module))
        if module is embedding:
            name = "embedding"
        elif id(module) in inside:
            pass
        elif "norm" in type(module).__name__.lower():
            name = f"{last}, final norm"
        elif isinstance(module, torch.nn.Linear):
            name = f"{last}, projected"
        if name is not None:
            given.append((name, output[0] if isinstance(output, tuple) else output))

    def name_input(_: Any, arguments: Any, keywords: Any) -> None:
        state = arguments[0] if arguments else keywords.get("hidden_states")
        positions = has_learned_positions(model)
        given.append(("embedding with positions" if positions else "input of layer 1", state))

    handles = [module.register_forward_hook(name_output) for module in base.modules()]
    if stack is not None:
        handles.append(stack[0].register_forward_pre_hook(name_input, with_kwargs=True))
    try:
        inputs = torch.tensor([list(ids)], device=input_device(model))
        with torch.inference_mode():
            states = base(input_ids=inputs, output_hidden_states=True, use_cache=False)
    finally:
        for handle in handles:
            handle.remove()
    names = []
    for k, state in enumerate(states.hidden_states):
        found = [name for name, tensor in given if _same(state, tensor)]
        names.append(_choose(found, first=k == 0))
    if names and names[0] == "embedding" and _is_scaled(embedding, inputs, states.hidden_states[0]):
        names[0] = "embedding, scaled"
    return names


def _choose(found: list[str], *, first: bool) -> str:
    if not found:
        return "unknown"
    if first:
        return "embedding" if "embedding" in found else found[0]
    # A layer's output is also what the next module is given; a norm's is nobody else's.
    for name in found:
        if name.startswith("layer") or name.startswith("last"):
            return name
    return found[0]


def _layer_stack(base: Any) -> Any:
    import torch

    stacks = [m for m in base.modules() if isinstance(m, torch.nn.ModuleList) and len(m)]
    return max(stacks, key=len) if stacks else None


def _same(state: Any, other: Any) -> bool:
    import torch

    return (
        isinstance(other, torch.Tensor)
        and state.shape == other.shape
        and state.device == other.device
        and torch.equal(state, other)
    )


def _is_scaled(embedding: Any, inputs: Any, state: Any) -> bool:
    rows = embedding.weight[inputs]
    return bool(rows.shape == state.shape and not _same(rows.to(state.dtype), state))

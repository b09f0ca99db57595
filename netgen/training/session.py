"""A whole training run: from a data set to a model and samples on disk."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from netgen import __version__
from netgen.document import Json
from netgen.errors import UsageError
from netgen.model import Model, Samples, load_model, to_dict
from netgen.training.checkpoint import EVERY, continue_from, run_key, save_checkpoint
from netgen.training.dataset import Dataset, Part
from netgen.training.exchange import from_model, to_model
from netgen.training.features import FRAMES, FeatureMap, feature_map
from netgen.training.network import Architecture
from netgen.training.passages import Passages
from netgen.training.recipe import Recipe
from netgen.training.rescale import rescale_parameters
from netgen.training.task import TrainingTask
from netgen.training.teacher import Teacher
from netgen.training.trainer import Trained, Trainer


@dataclass(frozen=True, eq=False)
class Base:
    """A model to fine-tune: its architecture, parameters (1, parameters) and mapping from sound."""

    model: Model
    arch: Architecture
    parameters: Tensor
    mapping: FeatureMap


def load_base(path: Path) -> Base:
    """Read a model to fine-tune.

    Raises
    ------
    ModelError
        It is no reference network, or does not carry its mapping from sound.
    """
    model = load_model(path)
    arch, parameters = from_model(model, str(path))
    return Base(model, arch, parameters, feature_map(model, str(path)))


def check_base(base: Base, task: TrainingTask, source: str) -> None:
    """See that a task has the classes of the model to fine-tune.

    Raises
    ------
    UsageError
        It has others.
    """
    if task.classes != base.model.classes:
        present, wanted = ", ".join(base.model.classes), ", ".join(task.classes)
        raise UsageError(
            f"{source}: tells {present} apart, but the task is {wanted}; choose its task"
        )


def train_network(
    arch: Architecture,
    recipe: Recipe,
    data: Dataset,
    folder: Path,
    base: Base | None = None,
    teacher: Teacher | None = None,
    streams: tuple[Passages, Passages] | None = None,
    advanced: Callable[[int], None] = lambda steps: None,
) -> tuple[Trained, int]:
    """Train, or continue the training of which ``folder`` (a claimed one) holds a checkpoint.

    Parameters
    ----------
    advanced
        Called with the number of steps that are newly done.

    Returns
    -------
    tuple
        The result, and the step it was continued from (0 for a new run).
    """
    start = None if base is None else base.parameters
    trainer = Trainer(arch, recipe, data, start, teacher, streams)
    key = run_key(arch, recipe, data, start, streams)
    continue_from(folder, key, trainer)
    first = trainer.step
    advanced(first)

    def stepped() -> None:
        advanced(1)
        if trainer.step % EVERY == 0 or trainer.step == recipe.steps:
            save_checkpoint(folder, key, trainer)

    return trainer.run(stepped), first


def finish_model(
    arch: Architecture,
    recipe: Recipe,
    data: Dataset,
    task: TrainingTask,
    name: str,
    trained: Trained,
    meta: Mapping[str, Json],
) -> Model:
    """Rescale where the recipe says so, and export."""
    parameters = trained.parameters
    if recipe.drawable:
        inputs = torch.from_numpy(data.train.x).transpose(0, 1)[None]  # a view: no second copy
        parameters = rescale_parameters(arch, parameters, inputs)
    return to_model(
        arch,
        parameters[0],
        name=name,
        classes=task.classes,
        frames=FRAMES,
        input_max=data.mapping.maximum,
        meta={"trainer": f"netgen {__version__}", **meta, "features": data.mapping.to_meta()},
    )


def pick_samples(part: Part, classes: int, count: int, seed: int) -> Samples:
    """Choose samples of a part, the classes in turn as long as they last."""
    rng = np.random.default_rng(seed)
    queues = [rng.permutation(np.flatnonzero(part.y == k)).tolist() for k in range(classes)]
    chosen: list[int] = []
    while len(chosen) < min(count, len(part)):
        chosen += [queue.pop() for queue in queues if queue]
    chosen = chosen[:count]
    return Samples(
        part.x[chosen].astype(np.float64), part.y[chosen], tuple(part.ids[i] for i in chosen)
    )


def model_files(model: Model, **samples: Samples) -> dict[str, str | bytes]:
    """Return ``model.json`` and a file of each kind of samples, by name."""
    text = json.dumps(to_dict(model), indent=1, allow_nan=False)
    files: dict[str, str | bytes] = {"model.json": f"{text}\n"}
    for name, each in samples.items():
        assert each.y is not None
        buffer = io.BytesIO()
        x = each.x.astype(np.float32)
        np.savez_compressed(buffer, x=x, y=each.y, id=np.array(each.ids))
        files[f"{name}.npz"] = buffer.getvalue()
    return files

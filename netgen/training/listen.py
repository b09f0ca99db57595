"""One recording through a model, by software."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netgen.model import Model, Samples, decide, evaluate, margin
from netgen.model.graph import Floats
from netgen.training.audio import fit_second, read_clip
from netgen.training.features import feature_map


@dataclass(frozen=True)
class Classified:
    """What a model decided, and by how much it leads (share of votes, or software units)."""

    decision: str
    margin: float


def hear(path: Path, model: Model, source: str) -> tuple[Samples, tuple[str, ...]]:
    """Turn a sound file into one sample of a model, and name what had to be repaired.

    Raises
    ------
    AudioError
        The file cannot be used.
    ModelError
        The model (from the file ``source``) does not carry its mapping from sound.
    """
    mapping = feature_map(model, source)
    clip = read_clip(path, mapping.rate)
    sound, repair = fit_second(clip.sound, mapping.rate)
    x = mapping.inputs(sound)
    repairs = clip.repairs if repair is None else (*clip.repairs, repair)
    return Samples(x[None].astype(np.float64), None, (path.name,)), repairs


def decide_by_software(model: Model, samples: Samples) -> Classified:
    """Return the software model's decision on the first sample."""
    return classify(model, evaluate(model, samples.x)[model.readout.node][0])


def classify(model: Model, logits: Floats) -> Classified:
    """Apply a model's readout rule to one sample's logits, (frames, classes)."""
    decision = int(decide(model.readout, logits[None])[0])
    return Classified(model.classes[decision], float(margin(model.readout, logits[None])[0]))

"""Passages of a stream: what a trigger would do wrong in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("soundfile")
pytest.importorskip("kaldi_native_fbank")
torch.set_num_threads(1)

from training_data import label_folders  # noqa: E402

from netgen.training import passages as module  # noqa: E402
from netgen.training.alarms import Word  # noqa: E402
from netgen.training.features import fit_map  # noqa: E402
from netgen.training.frontend import FRONT_ENDS  # noqa: E402
from netgen.training.network import Architecture, hard, initial, run  # noqa: E402
from netgen.training.opening import open_corpus  # noqa: E402
from netgen.training.passages import (  # noqa: E402
    Passages,
    TriggerLoss,
    TriggerPoint,
    hit_share,
    make_passages,
    trigger_points,
)

ARCH = Architecture(2, 4, 1, 3)
CLASSES = ("other", "a", "b")
WORDS = tuple(
    Word(start, start + 0.5, text)
    for start, text in ((2.0, "a"), (4.1, "x"), (5.3, "b"), (8.0, "a"), (9.0, "x"), (11.0, "b"))
)


def made(seed: int = 0) -> Passages:
    x = np.random.default_rng(seed).random((1300, 2)).astype(np.float16)
    return Passages(x, WORDS, CLASSES)


def softplus(value: float) -> float:
    return float(np.log1p(np.exp(value)))


def expected(logits: np.ndarray, starts: list[int]) -> float:
    """Return the loss of one network by its definition, for logits (passages, frames, classes)."""
    alarms: list[float] = []
    keywords: dict[int, float] = {}
    for start, own in zip(starts, logits, strict=True):
        segments: dict[int, float] = {}
        for end in range(150, 600):
            window = own[end - 29 : end + 1]
            means = [
                np.mean([frame[k] - max(np.delete(frame, k)) for frame in window]) for k in (1, 2)
            ]
            time = start + end
            said = [(n, w) for n, w in enumerate(WORDS) if w.text in CLASSES]
            for number, word in said:
                first, last = round(100 * word.start), round(100 * word.end)
                if max(first + 15, last - 15) <= time < last + 80:
                    mean = means[CLASSES.index(word.text) - 1]
                    keywords[number] = max(keywords.get(number, -np.inf), mean)
            if all(not 100 * w.start <= time < 100 * w.end + 130 for _, w in said):
                place = (end - 150) // 75
                segments[place] = max(segments.get(place, -np.inf), *means)
        alarms += list(segments.values())
    worst = sorted(alarms)[-max(1, round(0.1 * len(alarms))) :]
    found = list(keywords.values())
    pairs = [softplus(alarm - one) for alarm in worst for one in found]
    parts = [[softplus(value) for value in alarms], [softplus(-value) for value in found], pairs]
    return sum(float(np.mean(part)) for part in parts)


def test_the_loss_is_what_a_trigger_would_do_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    passages = made()
    loss = TriggerLoss(passages)
    sampled = initial(ARCH, 4, torch.Generator().manual_seed(1))  # two networks, two chips each
    starts = torch.randint(1300 - 600, (4,), generator=torch.Generator().manual_seed(2))

    def even(*shape: int, generator: object) -> object:
        return torch.full(shape, 0.5)  # as loud as it is

    monkeypatch.setattr(torch, "rand", even)
    found = loss(ARCH, sampled, 2, 4, 3.0, hard, torch.Generator().manual_seed(2))
    windows = np.stack([passages.x[s : s + 600] for s in starts.tolist()]).astype(np.float32)
    for network in range(2):
        parts = []
        for chip in range(2):
            x = torch.from_numpy(windows[2 * chip : 2 * chip + 2]).transpose(0, 1)[None]
            own = sampled[2 * network + chip][None]
            parts.append(3.0 * run(ARCH, own, x, hard).logits[0].transpose(0, 1).numpy())
        wanted = expected(np.concatenate(parts), starts.tolist())
        assert float(found[network]) == pytest.approx(wanted, rel=1e-4)


def test_a_network_that_hears_the_keyword_scores_higher() -> None:
    arch = Architecture(2, 1, 1, 2)
    frames = 12_000
    x = np.zeros((frames, 2), np.float16)
    words = tuple(Word(t, t + 0.5, "a" if t % 8 else "x") for t in range(4, 118, 4))
    for word in words:
        x[round(100 * word.start) : round(100 * word.end) + 30, 0 if word.text == "a" else 1] = 1
    passages = Passages(x, words, ("other", "a"))
    parameters = torch.zeros(1, arch.size)
    for name, value in (("wo", 1.0), ("1.hi", 0.5), ("1.width", 0.1), ("1.alpha", 1.0)):
        arch.take(parameters, name).fill_(value)
    arch.take(parameters, "wo")[0, 0] = 0.0
    arch.take(parameters, "bo")[0, 0] = 0.5
    deaf = hit_share(trigger_points(arch, parameters, passages))
    arch.take(parameters, "w0")[0, 0, 0] = 1.0
    points = trigger_points(arch, parameters, passages)
    hears = hit_share(points)
    arch.take(parameters, "w0")[0, 0] = torch.tensor([0.0, 1.0])
    wrong = hit_share(trigger_points(arch, parameters, passages))
    assert (deaf, hears, wrong) == (0.0, 1.0, 0.0)
    assert points[0] == TriggerPoint(1.0, points[0].offset, 0.0)
    assert abs(points[0].offset) < 0.6, "where a 1 of the state outweighs the constant"


def test_passages_are_of_their_split_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MINUTES", {"train": 1, "validation": 1})
    corpus = open_corpus(label_folders(tmp_path / "data", each=10, kinds=("up", "down", "hiss")))
    front = FRONT_ENDS["pcen-20"]
    mapping = fit_map(front, 8000, [np.ones((2, 101, front.channels), np.float32)])
    cache = tmp_path / "cache"
    first = make_passages(corpus, ("other", "up"), mapping, "train", cache)
    assert first.x.shape == (6000, 40)
    assert sum(word.text == "up" for word in first.words) == 10
    assert {word.text for word in first.words} <= {"up", "down", "hiss"}

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("nothing is left to mix")

    with monkeypatch.context() as patch:
        patch.setattr(module, "Tracks", fail)
        again = make_passages(corpus, ("other", "up"), mapping, "train", cache)
        np.testing.assert_array_equal(again.x, first.x)
        assert again.words == first.words
        with pytest.raises(AssertionError, match="nothing is left"):
            make_passages(corpus, ("other", "up"), mapping, "validation", cache)
    (file,) = cache.glob("*.npz")
    file.write_bytes(file.read_bytes()[:-100])
    np.testing.assert_array_equal(
        make_passages(corpus, ("other", "up"), mapping, "train", cache).x, first.x
    )

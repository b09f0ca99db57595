"""The teacher learns, is kept on disk, and counts classes as equally frequent; altered features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from full_disk import files_end_at  # noqa: E402

from netgen.training.dataset import Part  # noqa: E402
from netgen.training.frontend import FRONT_ENDS, FeatureExtractor  # noqa: E402
from netgen.training.teacher import Lesson, group_words, make_teacher  # noqa: E402
from netgen.training.variation import Augmentation, mix, vary  # noqa: E402

BANDS = 6
FRONT = FeatureExtractor("test", BANDS, 0, None, slow=0.1)
SHORT = Lesson(steps=40, batch=24, frequent=5)
NO_COPIES = Part(np.zeros((0, 101, 2 * BANDS), np.float32), np.zeros(0, np.int64), (), np.zeros(0))


def part(counts: dict[str, int], classes: tuple[str, ...]) -> Part:
    """Give each word a bump in a band of its own; words that are no class are class 0."""
    rng = np.random.default_rng(0)
    words = [word for word, count in counts.items() for _ in range(count)]
    static = 0.1 * rng.random((len(words), 101, BANDS))
    for number, word in enumerate(words):
        static[number, 30:60, 2 * list(counts).index(word)] += 1
    x = np.concatenate([static, static], axis=2).astype(np.float32)
    y = np.array([classes.index(word) if word in classes else 0 for word in words])
    names = tuple(map(str, range(len(words))))
    return Part(x, y, names, np.ones(len(words)), tuple(words))


def test_frequent_words_are_groups_of_their_own() -> None:
    train = part({"no": 6, "up": 2, "yes": 6}, ("other", "yes"))
    groups = group_words(train, frequent=5)
    assert groups.of.bincount().tolist() == [6, 2, 6]
    assert groups.classes.tolist() == [0, 0, 1]
    assert groups.share.tolist() == pytest.approx([6 / 14, 2 / 14, 6 / 14])
    unnamed = group_words(replace(train, words=()), frequent=5)
    assert unnamed.classes.tolist() == [0, 1], "without words the classes are the groups"


def test_a_rare_class_keeps_a_group() -> None:
    train = part({"no": 6, "up": 2, "yes": 3}, ("other", "yes"))
    assert group_words(train, frequent=5).classes.tolist() == [0, 0, 1]


def test_the_teacher_learns_and_counts_classes_alike() -> None:
    train = part({"no": 40, "yes": 8}, ("other", "yes"))
    teacher = make_teacher(train, NO_COPIES, FRONT, 2, 0, SHORT)
    chances = teacher(train.x)
    assert chances.shape == (48, 2)
    assert torch.allclose(chances.sum(dim=1), torch.ones(48))
    assert (chances.argmax(dim=1) == torch.from_numpy(train.y)).float().mean() > 0.95
    noise = np.full((1, 101, 2 * BANDS), 0.05, np.float32)
    rare = make_teacher(train, NO_COPIES, FRONT, 2, 0, replace(SHORT, steps=1))(noise)
    assert rare[0, 1] > 0.5, "what says nothing is not for the frequent class"


def test_a_teacher_that_finds_no_place_is_not_kept(tmp_path: Path) -> None:
    """What took minutes to train is used, whatever becomes of the cache."""
    train, lesson = part({"no": 8, "yes": 8}, ("other", "yes")), replace(SHORT, steps=1)
    (tmp_path / "file").touch()
    for cache in (tmp_path / "file" / "cache", tmp_path / "full"):
        with files_end_at():
            teacher = make_teacher(train, NO_COPIES, FRONT, 2, 0, lesson, cache)
        assert teacher(train.x).shape == (16, 2)
    assert list((tmp_path / "full").iterdir()) == []


def test_a_teacher_is_kept_and_a_damaged_one_made_again(tmp_path: Path) -> None:
    train = part({"no": 8, "yes": 8}, ("other", "yes"))
    lesson = replace(SHORT, steps=3)
    taken = []

    def make(seed: int = 0) -> Any:
        teacher = make_teacher(
            train, NO_COPIES, FRONT, 2, seed, lesson, tmp_path, lambda: taken.append(1)
        )
        return teacher(train.x)

    first = make()
    assert len(taken) == 3
    assert torch.equal(make(), first)
    assert len(taken) == 3, "the second is read"
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(b"no teacher")
    assert torch.equal(make(), first)
    assert len(taken) == 6
    assert not torch.equal(make(seed=1), first)
    assert len(list(tmp_path.iterdir())) == 2


def test_copies_have_the_words_of_their_originals() -> None:
    train = part({"no": 8, "yes": 8}, ("other", "yes"))
    order = np.arange(16)[::-1]
    copies = Part(
        train.x[order], train.y[order], tuple(f"{n}#0" for n in order), train.weight[order]
    )
    teacher = make_teacher(train, copies, FRONT, 2, 0, SHORT)
    found = teacher(train.x).argmax(dim=1)
    assert torch.equal(found, torch.from_numpy(train.y))


def ramp() -> Any:
    """Give features that tell their frame and band: (101, 2, 2 · bands), copies alike."""
    frame = torch.arange(101.0)[:, None, None]
    band = torch.arange(float(BANDS)).repeat(2)
    return (frame + 1000 * band).expand(101, 2, 2 * BANDS).contiguous()


def test_features_may_stay_as_they_are() -> None:
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(vary(ramp(), Augmentation(), FRONT, generator), ramp())


def test_features_move_in_time_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    moved = vary(ramp(), Augmentation(shift=8.0), FRONT, generator) - ramp()
    middle = moved[20:80]
    assert middle.abs().max() <= 8
    assert torch.allclose(middle, middle[:1].expand_as(middle), atol=1e-2)
    assert moved[:, 0].abs().max() > 0
    assert not torch.allclose(middle[:, 0], middle[:, 1]), "every sample by another time"


def test_bands_move_and_both_copies_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    moved = vary(ramp(), Augmentation(bands=0.9), FRONT, generator)
    assert torch.allclose(moved[..., :BANDS], moved[..., BANDS:])
    by = (moved - ramp())[50, :, 1 : BANDS - 1] / 1000
    assert 0 < by.abs().max() <= 0.9
    assert (by[:, 3].abs() > by[:, 0].abs()).all(), "high bands move further"


def test_cepstra_are_no_bands() -> None:
    generator = torch.Generator().manual_seed(0)
    front = FRONT_ENDS["mfcc-slopes"]
    x = torch.rand(101, 2, 26)
    how = Augmentation(bands=0.9, masks=1, mask_bands=3.0)
    assert torch.equal(vary(x, how, front, generator), x)


def test_masks_silence_a_stretch() -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.ones(101, 40, 2 * BANDS)
    masked = vary(x, Augmentation(masks=1, mask_frames=12.0, mask_bands=3.0), FRONT, generator)
    silent = (masked == 0).all(dim=2).sum(dim=0)
    assert 0 < silent.max() <= 12
    closed = (masked == 0).all(dim=0).sum(dim=1)
    assert 0 < closed.max() <= 2 * 3


def test_mixing_mixes_targets_alike() -> None:
    generator = torch.Generator().manual_seed(0)
    targets = torch.eye(4)
    x = targets.expand(101, 4, 4).contiguous()
    mixed, chances = mix(x, targets, Augmentation(mixed=1.0), generator)
    assert torch.allclose(mixed[7], chances)
    assert torch.allclose(chances.sum(dim=1), torch.ones(4))
    same, still = mix(x, targets, Augmentation(), generator)
    assert torch.equal(same, x)
    assert torch.equal(still, targets)

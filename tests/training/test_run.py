"""Training runs: they learn, repeat, continue after an interruption, and harden a model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from full_disk import files_end_at  # noqa: E402

from netgen.analysis.variability.accuracy import balanced_accuracy  # noqa: E402
from netgen.errors import ConfigurationError, UsageError  # noqa: E402
from netgen.training.alarms import Word  # noqa: E402
from netgen.training.checkpoint import FILE, continue_from, run_key, save_checkpoint  # noqa: E402
from netgen.training.dataset import Dataset, Part  # noqa: E402
from netgen.training.features import FeatureMap  # noqa: E402
from netgen.training.network import Architecture  # noqa: E402
from netgen.training.passages import Passages  # noqa: E402
from netgen.training.recipe import Recipe, default_recipe  # noqa: E402
from netgen.training.sampler import Sampler  # noqa: E402
from netgen.training.scoring import respond, to_inputs  # noqa: E402
from netgen.training.trainer import Trainer  # noqa: E402

ARCH = Architecture(3, 4, 2, 2)
MAPPING = FeatureMap(8000, (0.0,) * 13, (1.0,) * 13)


def part(samples: int, seed: int, frames: int = 101) -> Part:
    """Give a bump in channel 0 or 1 (the class) that ends long before the frames that vote."""
    rng = np.random.default_rng(seed)
    x = 0.1 * rng.random((samples, frames, 3))
    y = np.arange(samples) % 2
    for number, k in enumerate(y):
        first = rng.integers(15, 30)
        x[number, first : first + 20, k] += 1
    return Part(
        x.astype(np.float32), y.astype(np.int64), tuple(map(str, range(samples))), np.ones(samples)
    )


def dataset() -> Dataset:
    empty = Part(np.zeros((0, 101, 3), np.float32), np.zeros(0, np.int64), (), np.zeros(0))
    return Dataset(part(64, 0), empty, part(32, 1), part(64, 2), MAPPING, {}, ())


def small(steps: int, **changes: object) -> Recipe:
    recipe = default_recipe(ARCH, starts=3, steps=steps)
    phases = tuple(
        replace(phase, batch=16, search=16, **changes)  # type: ignore[arg-type]
        for phase in recipe.phases
    )
    return replace(recipe, phases=phases)


def test_batches_have_equal_classes_and_moved_frames() -> None:
    data = dataset()
    sampler = Sampler(data.train, data.pool, 2)
    x, wanted = sampler.draw(20, torch.Generator().manual_seed(0))
    y = wanted.argmax(dim=1)
    assert x.shape == (101, 20, 3)
    assert y.bincount().tolist() == [10, 10]
    original = {sample.tobytes() for sample in data.train.x}
    assert any(x[:, n].numpy().tobytes() not in original for n in range(20))
    bumps = x.sum(dim=0)
    assert torch.equal(bumps[:, 1] > bumps[:, 0], y == 1), "a sample keeps its class"


def test_altered_copies_make_half_of_a_batch() -> None:
    data = dataset()
    marked = replace(data.train, x=data.train.x + 5)
    x, _ = Sampler(data.train, marked, 2).draw(400, torch.Generator().manual_seed(0))
    assert (x.mean(dim=(0, 2)) > 4).float().mean().item() == pytest.approx(0.5, abs=0.08)


def test_a_network_learns_to_remember() -> None:
    data = dataset()
    recipe = small(200)
    trained = Trainer(ARCH, recipe, data).run()
    assert trained.parameters.shape == (1, ARCH.size)
    assert trained.parameters.dtype == torch.float64
    decisions = respond(
        ARCH, trained.parameters, to_inputs(data.test.x.astype(np.float64))
    ).decisions
    assert balanced_accuracy(decisions, data.test.y)[0] > 0.9
    curves = trained.curves
    assert curves.steps[-1] == recipe.steps == 200 + 66
    assert {len(point) for point in (*curves.loss, *curves.validation)} == {3}
    assert curves.loss[-1][trained.network] is not None
    assert trained.network in range(3)
    weights = trained.parameters[0, ARCH.mask("w0", "wc", "wp", "wo", "b0", "bc", "bp", "bo")].abs()
    assert weights[weights > 0].min() >= 0.0199
    assert weights.max() <= 4


def pruned(recipe: Recipe) -> Recipe:
    """Start three networks, go on with two, and harden one."""
    learn, harden = recipe.phases
    return replace(recipe, phases=(replace(learn, cuts=((4, 2), (learn.steps, 1))), harden))


def test_the_best_networks_go_on() -> None:
    data, recipe = dataset(), pruned(small(60))
    trained = Trainer(ARCH, recipe, data).run()
    alive = [sum(value is not None for value in point) for point in trained.curves.loss]
    assert alive == sorted(alive, reverse=True)
    assert (alive[0], alive[-1]) == (3, 1) or alive[0] == 2
    assert trained.curves.loss[-1][trained.network] is not None


def test_speakers_and_words_are_drawn_alike() -> None:
    data = dataset()
    weight = np.where(np.arange(64) < 4, 10.0, 1.0)
    sampler = Sampler(replace(data.train, weight=weight), data.pool, 2)
    x, wanted = sampler.draw(4000, torch.Generator().manual_seed(0))
    frame = x[50].numpy()  # moved in time, but every frame holds the sample's own noise
    own = {row.tobytes() for sample in data.train.x[:4] for row in sample}
    share = np.mean([row.tobytes() in own for row in frame])
    assert share == pytest.approx(40 / (40 + 60), abs=0.03)
    assert wanted.sum(dim=0).tolist() == [2000, 2000]


class _Stop(Exception):
    pass


def stream() -> Passages:
    x = np.random.default_rng(3).random((7000, 3)).astype(np.float16)
    return Passages(x, (Word(5.0, 5.5, "a"), Word(40.0, 40.5, "a")), ("other", "a"))


@pytest.mark.parametrize(
    ("stop_at", "hears"),
    [(2, False), (7, False), (20, False), (23, False), (26, False), (28, True)],
)
def test_a_run_that_was_interrupted_ends_as_if_it_was_not(
    tmp_path: Path, stop_at: int, hears: bool
) -> None:
    """Interrupted in the search, behind a cut, between the phases, after the last step, and while
    it hears passages.
    """
    data, recipe = dataset(), pruned(small(20))
    streams = (stream(), stream()) if hears else None
    if hears:
        last = replace(recipe.phases[1], passages=4, trigger=1.0)
        recipe = replace(recipe, phases=(*recipe.phases, last))
    whole = Trainer(ARCH, recipe, data, streams=streams).run()

    key = run_key(ARCH, recipe, data, None, streams)
    first = Trainer(ARCH, recipe, data, streams=streams)

    def advanced() -> None:
        if first.step == stop_at:
            save_checkpoint(tmp_path, key, first)
            raise _Stop

    with pytest.raises(_Stop):
        first.run(advanced)
    second = Trainer(ARCH, recipe, data, streams=streams)
    assert continue_from(tmp_path, key, second)
    assert second.step == stop_at
    rest = second.run()
    assert torch.equal(rest.parameters, whole.parameters)
    assert vars(rest.curves) == vars(whole.curves)
    assert (rest.network, rest.score) == (whole.network, whole.score)


def test_the_seed_decides_everything() -> None:
    data, recipe = dataset(), small(10)
    one, two = (Trainer(ARCH, recipe, data).run().parameters for _ in range(2))
    other = Trainer(ARCH, replace(recipe, seed=1), data).run().parameters
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    data, recipe = dataset(), small(10)
    trainer = Trainer(ARCH, recipe, data)
    assert not continue_from(tmp_path, "key", trainer)
    save_checkpoint(tmp_path, "key", trainer)
    with pytest.raises(UsageError, match="belongs to a run with other options or data"):
        continue_from(tmp_path, "other", trainer)
    for content in (b"", b"nonsense", (tmp_path / FILE).read_bytes()[:500]):
        (tmp_path / FILE).write_bytes(content)
        with pytest.raises(ConfigurationError, match="is no checkpoint"):
            continue_from(tmp_path, "key", trainer)


def test_a_checkpoint_that_finds_no_room_names_its_file(tmp_path: Path) -> None:
    trainer = Trainer(ARCH, small(10), dataset())
    with files_end_at(), pytest.raises(OSError, match="too large") as caught:
        save_checkpoint(tmp_path, "key", trainer)
    assert str(caught.value.filename) == str(tmp_path / FILE)
    assert list(tmp_path.iterdir()) == []


def test_the_key_tells_data_and_options_apart() -> None:
    data, recipe = dataset(), small(10)
    start = torch.zeros(1, ARCH.size)
    other = replace(data, validation=part(32, 9))
    keys = [
        run_key(ARCH, recipe, data, None),
        run_key(ARCH, recipe, other, None),
        run_key(ARCH, replace(recipe, seed=1), data, None),
        run_key(ARCH, recipe, data, start),
    ]
    assert len(set(keys)) == 4
    assert run_key(ARCH, small(10), dataset(), None) == keys[0]


def test_plain_training_knows_nothing_of_circuits() -> None:
    recipe = default_recipe(ARCH, plain=True)
    assert not recipe.drawable
    (phase,) = recipe.phases
    assert (phase.chips, phase.spread, phase.offset) == (1, 0.0, 0.0)
    assert (phase.currents, phase.consistency, phase.race) == (0.0, 0.0, 0.0)


def test_fine_tuning_starts_from_the_model() -> None:
    data = dataset()
    plain = default_recipe(ARCH, starts=2, steps=120, plain=True)
    start = Trainer(ARCH, plain, data).run().parameters
    recipe = default_recipe(ARCH, starts=2, steps=40, fine_tune=True)
    assert recipe.phases[0].rate < plain.phases[0].rate
    still = Trainer(ARCH, recipe, data, start)
    tuned = still.run().parameters
    moved = (tuned - start).abs().mean().item()
    assert 0 < moved < 0.3
    x = to_inputs(data.test.x.astype(np.float64))
    before, after = (
        balanced_accuracy(respond(ARCH, parameters, x).decisions, data.test.y)[0]
        for parameters in (start, tuned)
    )
    assert after > before - 0.1

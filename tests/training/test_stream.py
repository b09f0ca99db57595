"""Streams: features in pieces, states that are kept, triggers, labels and false alarms."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("soundfile")
pytest.importorskip("soxr")
pytest.importorskip("kaldi_native_fbank")

from training_data import label_folders, tone, write_wav

from netgen.errors import InputError
from netgen.model import evaluate, random_model
from netgen.training.alarms import Word, best_point, count_alarms, curve, label_text, read_labels
from netgen.training.audio import AudioError, Sound, read_clip
from netgen.training.features import FeatureMap
from netgen.training.frontend import FRONT_ENDS
from netgen.training.needs import need
from netgen.training.opening import open_corpus
from netgen.training.sources import duration, files_of, raw_sound, sound_of
from netgen.training.stream import Detection, DetectionRule, Inputs, Software, Trigger
from netgen.training.track import SPEECH_LEVEL, Scene, Tracks

CLASSES = ("other", "up", "down")


def mapping(kind: str) -> FeatureMap:
    channels = FRONT_ENDS[kind].channels
    return FeatureMap(8000, (1.0,) * channels, (3.0,) * channels, kind=kind)


@pytest.mark.parametrize("kind", FRONT_ENDS)
@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(1, 15999), max_size=6))
def test_pieces_of_any_size_give_the_same_inputs(kind: str, cuts: list[int]) -> None:
    sound = np.concatenate([tone("up", 0, 1.0), 0.1 * tone("hiss", 1, 1.0)]).astype(np.float32)
    whole = Inputs(mapping(kind)).push(sound, last=True)
    inputs, edges = Inputs(mapping(kind)), [0, *sorted(cuts), len(sound)]
    parts = [inputs.push(sound[a:b]) for a, b in pairwise(edges)]
    parts.append(inputs.push(sound[:0], last=True))
    found = np.concatenate(parts)
    assert found.shape == whole.shape == (200, FRONT_ENDS[kind].channels)
    np.testing.assert_allclose(found, whole, atol=1e-4)


@pytest.mark.parametrize("kind", [kind for kind in FRONT_ENDS if FRONT_ENDS[kind].level])
def test_a_stream_hears_what_a_recording_of_one_second_holds(kind: str) -> None:
    """Late in a stream of one repeated second the features are those of that second."""
    second = tone("up", 0, 1.0).astype(np.float32)
    front = FRONT_ENDS[kind]
    of_clip = front.derive(front.measure(second, 8000))[20:80]
    inputs = Inputs(FeatureMap(8000, (0.0,) * front.channels, (1.0,) * front.channels, scale=1e-3,
                               offset=0.5, kind=kind))  # fmt: skip
    x = np.concatenate([inputs.push(second) for _ in range(4)])
    of_stream = (x[300 : 400 - front.late] - 0.5) / 1e-3
    np.testing.assert_allclose(of_stream[20:80], of_clip, atol=0.5)


@pytest.mark.parametrize("seed", range(5))
def test_software_goes_on_where_it_ended(seed: int) -> None:
    model, samples = random_model(seed)
    x = np.concatenate(list(samples.x))
    whole = evaluate(model, x[np.newaxis])[model.readout.node][0]
    network = Software(model)
    for part in np.array_split(x, 7):
        before = len(part)
        found = network.push(part)
        assert len(found) == before
        # products of another number of rows are rounded otherwise on some processors
        np.testing.assert_allclose(found, whole[: len(found)], rtol=0, atol=1e-12)
        whole = whole[len(found) :]


def logits_of(winners: list[int]) -> np.ndarray:
    return np.eye(3)[winners]


@settings(max_examples=60, deadline=None)
@given(
    winners=st.lists(st.sampled_from([0, 0, 0, 1, 1, 2]), min_size=1, max_size=200),
    rule=st.builds(DetectionRule, frames=st.integers(3, 9), votes=st.integers(2, 3),
                   refractory=st.integers(0, 20)),
    cut=st.integers(0, 200),
)  # fmt: skip
def test_detections_do_not_depend_on_the_pieces(
    winners: list[int], rule: DetectionRule, cut: int
) -> None:
    logits = logits_of(winners)
    whole = Trigger(rule, 3).push(logits)
    trigger = Trigger(rule, 3)
    assert trigger.push(logits[:cut]) + trigger.push(logits[cut:]) == whole
    for first, second in pairwise(whole):
        assert second.frame - first.frame >= rule.refractory
    for found in whole:
        window = winners[max(0, found.frame + 1 - rule.frames) : found.frame + 1]
        assert window.count(found.label) == found.votes >= rule.votes
        assert found.label != 0


def test_babble_ends_with_a_piece_of_a_word_however_short(tmp_path: Path) -> None:
    scene = Scene(("up",), minutes=1, snr=10.0, babble=10.0, an_hour=60, seed=0)
    tracks = Tracks(open_corpus(label_folders(tmp_path)), scene, "train")
    words = {len(sound) for takes in tracks.words.values() for _, sound in takes}
    assert len(words) == 1
    sound = tracks._babble(words.pop() + 50, np.random.default_rng(0))
    assert np.isfinite(sound).all()
    assert np.abs(sound[-50:]).max() < 10 * SPEECH_LEVEL


def test_a_latched_state_is_one_detection() -> None:
    winners = [0] * 10 + [1] * 500 + [0] * 40 + [1] * 20
    found = Trigger(DetectionRule(30, 16, 100), 3).push(logits_of(winners))
    assert [(d.frame, d.label, d.votes) for d in found] == [(25, 1, 16), (565, 1, 16)]


def test_hits_misses_and_false_alarms() -> None:
    words = [Word(1, 1.5, "up"), Word(5, 5.5, "up"), Word(9, 9.5, "down"), Word(12, 12.4, "cat")]
    times = [(1.2, 1), (2.4, 1), (6.6, 1), (7.0, 1), (7.8, 1), (9.2, 1), (12.2, 1)]
    detections = [Detection(round(100 * t) - 1, label, 20) for t, label in times]
    alarms = count_alarms(detections, words, CLASSES, 3600.0)
    assert (alarms.words, alarms.missed) == (3, 2)
    # 6.6 s is later than a second after the word; 7.0 s is the same alarm; 7.8 s is another one
    assert alarms.false == 4
    assert alarms.rate == 4


def test_the_order_of_labels_does_not_matter() -> None:
    words = [Word(9, 9.5, "up"), Word(1, 1.5, "up"), Word(5, 5.5, "up")]
    detections = [Detection(round(100 * t) - 1, 1, 20) for t in (1.2, 5.2, 9.2)]
    for order in (words, words[::-1], sorted(words, key=lambda word: word.start)):
        alarms = count_alarms(detections, order, CLASSES, 3600.0)
        assert (alarms.missed, alarms.false) == (0, 0)


def test_no_alarm_in_t_hours_bounds_the_rate_by_three_over_t() -> None:
    quiet = count_alarms([], [Word(0, 1, "up")] * 3, CLASSES, 6 * 3600.0)
    assert quiet.rate == 0
    assert quiet.rate_bound == pytest.approx(3 / 6, rel=0.01)
    low, high = quiet.miss_interval
    assert low > 0.3
    assert high == pytest.approx(1)


def test_the_curve_trades_misses_for_alarms() -> None:
    """A keyword leads by 1, another word by 0.5: between the two constants both are right."""
    logits = np.zeros((6000, 3))
    logits[:, 0] = 1.0
    logits[1000:1050, 1], logits[3000:3050, 1] = 2.0, 1.5
    points = curve(logits, [Word(10, 10.5, "up")], CLASSES, DetectionRule(), (-1.5, -0.75, 0.0))
    assert [(p.alarms.missed, p.alarms.false) for p in points] == [(1, 0), (0, 0), (0, 1)]
    best = best_point(points, 0.5)
    assert best is not None
    assert best.offset == -0.75


def test_labels_are_read_as_they_are_written(tmp_path: Path) -> None:
    words = [Word(0.5, 1.25, "up"), Word(2.0, 2.0, "two words")]
    path = tmp_path / "labels.txt"
    path.write_text("\ufeff" + label_text(words) + "\n", encoding="utf-8")
    assert read_labels(path) == words
    path.write_text("0.5\t0.2\tup\nx\n1\t2\tup\n")
    with pytest.raises(InputError, match=r"line 1: wanted START.*\n.*line 2"):
        read_labels(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "gone.txt")


def test_files_one_after_the_other_are_one_sound(tmp_path: Path) -> None:
    first, second = tone("up", 0, 1.3), tone("down", 1, 2.2, rate=16000)
    write_wav(tmp_path / "in" / "a.wav", first)
    write_wav(tmp_path / "in" / "b.wav", np.stack([second, second], axis=1), 16000)
    files = files_of([tmp_path / "in"])
    assert duration(files) == pytest.approx(3.5)
    sound = np.concatenate(list(sound_of(files, 8000)))
    assert len(sound) == pytest.approx(28000, abs=2)
    np.testing.assert_allclose(sound[:10400], first, atol=1e-4)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no sound files"):
        files_of([tmp_path / "empty"])
    with pytest.raises(InputError, match="is no file"):
        files_of([tmp_path / "gone.wav"])
    write_wav(tmp_path / "none.wav", first[:0])
    with pytest.raises(AudioError, match=r"none\.wav: holds no sound"):
        list(sound_of([tmp_path / "none.wav"], 8000))


def recording(path: Path) -> Sound:
    return read_clip(path, 8000).sound


def streamed(path: Path) -> Sound:
    return next(sound_of([path], 8000))


@pytest.mark.parametrize("read", [recording, streamed])
def test_what_no_sound_can_have_is_refused(tmp_path: Path, read: Callable[[Path], Sound]) -> None:
    """Whole numbers of 16 bits as floats are sound; squares that overflow make features of nan."""
    sound, path = tone("up", 0, 1.0).astype(np.float32), tmp_path / "float.wav"
    sound[4000] = 32767
    need("soundfile").write(path, sound, 8000, subtype="FLOAT")
    assert np.isfinite(Inputs(mapping("pcen-20")).push(read(path), last=True)).all()
    for peak, words in ((1e30, "beyond 1,000,000 times full"), (np.nan, "not finite")):
        sound[4000] = peak
        need("soundfile").write(path, sound, 8000, subtype="FLOAT")
        with pytest.raises(AudioError, match=rf"float\.wav: .*{words}"):
            read(path)


def test_raw_pcm_from_a_pipe(tmp_path: Path) -> None:
    data = (32767 * tone("up", 0, 0.5)).astype("<i2").tobytes()
    path = tmp_path / "raw"
    path.write_bytes(data + b"\x00")  # half a sample is left over
    with path.open("rb") as pipe:
        sound = np.concatenate(list(raw_sound(pipe, 8000, 8000)))
    np.testing.assert_allclose(sound, tone("up", 0, 0.5), atol=1e-4)
    with path.open("rb") as pipe:
        assert len(np.concatenate(list(raw_sound(pipe, 16000, 8000)))) == pytest.approx(8000, abs=2)

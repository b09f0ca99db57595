"""Samples are read as they stand, or refused with every violation at its place."""

from __future__ import annotations

import contextlib
import io
import pickle
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import small_model

from netgen.errors import ModelError, SamplesError, UsageError
from netgen.model import Model, Samples, from_dict, load_model, load_samples, pick_indices


@pytest.fixture
def model() -> Model:
    """Three channels, input.max 1.5, two classes, four frames for the readout."""
    return from_dict(small_model())


def good_x(samples: int = 2, frames: int = 5, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.0, 1.5, (samples, frames, channels))


def problems(path: Path, model: Model) -> list[str]:
    with pytest.raises(SamplesError) as caught:
        load_samples(path, model)
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.exit_status == 3
    assert all(len(problem.splitlines()) == 1 for problem in caught.value.problems)
    return list(caught.value.problems)


def saved(tmp_path: Path, **arrays: Any) -> Path:
    path = tmp_path / "samples.npz"
    np.savez(path, **arrays)
    return path


def test_archive_is_read_exactly(tmp_path: Path, model: Model) -> None:
    path = saved(tmp_path, x=good_x(), y=[1, 0], id=["first", "zweites ü"])
    samples = load_samples(path, model)
    np.testing.assert_array_equal(samples.x, good_x())
    assert samples.y is not None
    assert samples.y.tolist() == [1, 0]
    assert samples.ids == ("first", "zweites ü")
    assert len(samples) == 2


def test_labels_and_names_are_optional(tmp_path: Path, model: Model) -> None:
    samples = load_samples(saved(tmp_path, x=good_x().astype(np.float32)), model)
    assert samples.y is None
    assert samples.ids == ("sample 0", "sample 1")
    assert samples.x.dtype == np.float64


def test_limits_belong_to_the_range(tmp_path: Path, model: Model) -> None:
    x = np.zeros((1, 4, 3), dtype=np.int64)
    assert load_samples(saved(tmp_path, x=x), model).x.max() == 0
    assert load_samples(saved(tmp_path, x=x + 1.5), model).x.min() == 1.5


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"x": good_x(channels=2)}, ["x: has 2 channels; the model takes 3"]),
        ({"x": good_x(frames=3)}, ["x: has 3 frames; the model's readout needs 4"]),
        ({"x": good_x(samples=0)}, ["x: is empty (0 × 5 × 3)"]),
        ({"x": good_x(frames=0)}, ["x: is empty (2 × 0 × 3)"]),
        (
            {"x": good_x()[0]},
            ["x: is float64 of 5 × 3; wanted numbers (samples, frames, channels)"],
        ),
        (
            {"x": np.float64(1.0)},
            ["x: is float64 of a single value; wanted numbers (samples, frames, channels)"],
        ),
        (
            {"x": good_x().astype(str)},
            ["x: is <U32 of 2 × 5 × 3; wanted numbers (samples, frames, channels)"],
        ),
        (
            {"x": good_x() > 1},
            ["x: is bool of 2 × 5 × 3; wanted numbers (samples, frames, channels)"],
        ),
        (
            {"x": good_x() * 1j},
            ["x: is complex128 of 2 × 5 × 3; wanted numbers (samples, frames, channels)"],
        ),
        (
            {"z": good_x()},
            [
                "z: is not known; known here: x, y, id",
                "has no array 'x' (samples, frames, channels)",
            ],
        ),
        ({"x": good_x(), "Y": [0, 1]}, ["Y: is not known; did you mean y?"]),
        ({"x": good_x(), "labels": [0, 1]}, ["labels: is not known; known here: x, y, id"]),
        ({"x": good_x(), "y": [0]}, ["y: must hold 2 whole numbers, one a sample, not int64 of 1"]),
        (
            {"x": good_x(), "y": [[0, 1]]},
            ["y: must hold 2 whole numbers, one a sample, not int64 of 1 × 2"],
        ),
        (
            {"x": good_x(), "y": ["0", "1"]},
            ["y: must hold 2 whole numbers, one a sample, not <U1 of 2"],
        ),
        (
            {"x": good_x(), "y": [0.25, np.nan]},
            ["y[0]: 0.25 is not a whole number", "y[1]: nan is not a whole number"],
        ),
        ({"x": good_x(), "y": [0.0, 2.0]}, ["y[1]: 2 is none of the classes 0 … 1"]),
        (
            {"x": good_x(), "y": np.array([0, 2**64 - 1], dtype=np.uint64)},
            ["y[1]: 18446744073709551615 is none of the classes 0 … 1"],
        ),
        ({"x": good_x(), "y": [0, 2]}, ["y[1]: 2 is none of the classes 0 … 1"]),
        ({"x": good_x(), "y": [-1, 0]}, ["y[0]: -1 is none of the classes 0 … 1"]),
        ({"x": good_x(), "id": ["a"]}, ["id: has 1 entry; x has 2 samples"]),
        ({"x": good_x(), "id": ["a", "b\n.end"]}, ["id[1]: must be a printable string"]),
        ({"x": good_x(), "id": [1, 2]}, ["id: must be a list of strings, one a sample"]),
        ({"x": good_x(), "id": [["a", "b"]]}, ["id: must be a list of strings, one a sample"]),
        ({"x": good_x(), "id": [b"a", b"\xff"]}, ["id[1]: b'\\xff' is not UTF-8 text"]),
        (
            {"x": good_x(), "id": np.array(["a", "b"], dtype=object)},
            [
                "id: holds Python objects, which are not read; save it as strings: "
                "np.array(id, dtype=str)"
            ],
        ),
    ],
)
def test_archive_that_does_not_fit(
    tmp_path: Path, model: Model, arrays: dict[str, Any], expected: list[str]
) -> None:
    assert problems(saved(tmp_path, **arrays), model) == expected


def test_values_out_of_range_are_named(tmp_path: Path, model: Model) -> None:
    x = good_x(frames=3)
    x[0, 1, 2], x[1, 2, 0] = -0.25, 1.500001
    x[1, 0] = [np.nan, np.inf, -np.inf]
    assert problems(saved(tmp_path, x=x, y=[0]), model) == [
        "x: has 3 frames; the model's readout needs 4",
        "x[1, 0, 0]: nan is not finite",
        "x[1, 0, 1]: inf is not finite",
        "x[1, 0, 2]: -inf is not finite",
        "x[0, 1, 2]: -0.25 is negative; a current has no sign (see signed_channels)",
        "x[1, 2, 0]: 1.500001 is above input.max = 1.5",
        "y: must hold 2 whole numbers, one a sample, not int64 of 1",
    ]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("largest", [1.2, 0.1, 1.7, 3.3])
def test_inputs_clipped_in_single_precision_are_in_range(
    tmp_path: Path, dtype: type[np.floating[Any]], largest: float
) -> None:
    model = from_dict(small_model() | {"input": {"size": 3, "max": largest}})
    single = np.float16 if dtype is np.float16 else np.float32
    x = np.clip(good_x() * 2, 0, largest).astype(single)
    samples = load_samples(saved(tmp_path, x=x.astype(dtype)), model)
    assert samples.x.max() <= largest
    inside = samples.x < largest
    np.testing.assert_array_equal(samples.x[inside], x.astype(np.float64)[inside])
    assert (x[~inside] == single(largest)).all()
    above = np.nextafter(single(largest), single(np.inf))
    stepped = load_samples(saved(tmp_path, x=np.full_like(x, above).astype(dtype)), model)
    assert (stepped.x == largest).all()
    above = np.nextafter(above, single(np.inf))
    found = problems(saved(tmp_path, x=np.full_like(x, above)), model)[0]
    value, limit = re.findall(r"[\d.]+(?= is above)|(?<== )[\d.]+", found)
    assert value != limit


@pytest.mark.parametrize(
    "y",
    [
        np.array([1.0, 0.0]),
        np.array([1.0, 0.0], dtype=np.float16),
        np.array([True, False]),
        np.array([[1], [0]]),
        np.array([[1.0], [0.0]]),
        np.array([1, 0], dtype=np.uint64),
    ],
)
def test_labels_of_any_kind_that_are_whole(
    tmp_path: Path, model: Model, y: np.ndarray[Any, Any]
) -> None:
    labels = load_samples(saved(tmp_path, x=good_x(), y=y), model).y
    assert labels is not None
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 0]


@pytest.mark.parametrize("ids", [["a", "ü"], [["a"], ["ü"]]])
@pytest.mark.parametrize("encode", [False, True])
def test_names_as_text_or_bytes(tmp_path: Path, model: Model, ids: list[Any], encode: bool) -> None:
    names = np.array(ids)
    names = np.strings.encode(names, "utf-8") if encode else names
    assert load_samples(saved(tmp_path, x=good_x(), id=names), model).ids == ("a", "ü")


def test_an_array_twice_is_told(tmp_path: Path, model: Model) -> None:
    path = saved(tmp_path, x=good_x())
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile says so as well
        archive.writestr("x.npy", archive.read("x.npy"))
    assert problems(path, model) == ["x: is there twice; keep one"]


def test_many_values_out_of_range_are_counted(tmp_path: Path, model: Model) -> None:
    found = problems(saved(tmp_path, x=good_x() - 10), model)
    assert len(found) == 4
    assert found[-1] == (
        "x: 27 more values of which each is negative; a current has no sign (see signed_channels)"
    )


NOT_NPZ = "is not a .npz archive of plain arrays (nor a .csv)"


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"hello", b"PK\x03\x04" + b"\0" * 40, b"\x93NUMPY"]
)
def test_file_that_is_no_archive(tmp_path: Path, model: Model, content: bytes) -> None:
    path = tmp_path / "samples.npz"
    path.write_bytes(content)
    assert problems(path, model) == [NOT_NPZ]


def test_missing_file_and_folder(tmp_path: Path, model: Model) -> None:
    assert problems(tmp_path / "absent.npz", model) == ["cannot be read: No such file or directory"]
    assert problems(tmp_path, model) == ["cannot be read: Is a directory"]


def test_pickles_are_never_opened(tmp_path: Path, model: Model) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path(tmp_path / "exploded").touch, ())

    bare = tmp_path / "bare.npz"
    bare.write_bytes(pickle.dumps(Bomb()))
    inside = saved(tmp_path, x=np.array([Bomb()], dtype=object))
    assert problems(bare, model) == [NOT_NPZ]
    objects = "x: holds Python objects, which are not read; save it as numbers"
    assert problems(inside, model) == [objects]
    assert not (tmp_path / "exploded").exists()


def test_single_array_is_told_how_to_become_an_archive(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "samples.npy"
    np.save(path, good_x())
    assert problems(path, model) == ["is a single array, not .npz; save it with np.savez(x=…)"]


def test_archive_with_a_member_that_is_no_array(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "samples.npz"
    for name in ("x", "x.npy"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"0 1 2 3")
        assert problems(path, model) == [NOT_NPZ]


def test_array_that_claims_more_than_the_memory(tmp_path: Path, model: Model) -> None:
    header = io.BytesIO()
    shape = (10**9, 10**6, 13)
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    path = tmp_path / "samples.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    (problem,) = problems(path, model)
    assert problem in (NOT_NPZ, "holds more than the memory does")


def test_damaged_archive_never_ends_in_another_error(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "samples.npz"
    np.savez_compressed(path, x=good_x(), y=[0, 1], id=["a", "b"])
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(300):
        damaged = bytearray(whole[: rng.integers(1, len(whole))] if rng.random() < 0.3 else whole)
        for at in rng.integers(0, len(damaged), rng.integers(1, 4)):
            damaged[at] = rng.integers(0, 256)
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(SamplesError):
            assert len(load_samples(path, model)) == 2


# CSV


def csv_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "one.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_csv_is_one_sample_named_by_its_file(tmp_path: Path, model: Model) -> None:
    rows = "a,b,c\n0,0.5,1\n1.5,0,0\n\n0,0,1e-3\n0,0,0\n"
    for text in (rows, "\ufeff" + rows, rows.replace("\n", "\r\n")):
        samples = load_samples(csv_file(tmp_path, text), model)
        expected = [[[0, 0.5, 1], [1.5, 0, 0], [0, 0, 1e-3], [0, 0, 0]]]
        np.testing.assert_array_equal(samples.x, expected)
        assert (samples.y, samples.ids) == (None, ("one",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["is empty; wanted a header row and one row a frame"]),
        ("a,b,c\n", ["is empty; wanted a header row and one row a frame"]),
        (
            "a,b,c\n0,0\n\n0,x,0\n0,0,0,0\n",
            [
                "line 2: has 2 columns; the header has 3",
                "line 4: 'x' is not a number",
                "line 5: has 4 columns; the header has 3",
            ],
        ),
        ("0,1,0\n" * 5, ["line 1: is a row of numbers; wanted the names of the columns first"]),
        ("a,b,c\n" + "0,,0\n" * 2, ["line 2: '' is not a number", "line 3: '' is not a number"]),
        ("a,b,c\n" + "0,0,0\n" * 3, ["x: has 3 frames; the model's readout needs 4"]),
        ("a,b\n" + "0,0\n" * 4, ["x: has 2 channels; the model takes 3"]),
        ("a,b,c\n" + "0,0,0\n" * 3 + "0,nan,0\n", ["x[0, 3, 1]: nan is not finite"]),
        ("a,b,c\n" + "0,0,0\n" * 3 + "0,-1,9\n", ["x[0, 3, 1]: -1 is", "x[0, 3, 2]: 9 is"]),
        ('a,b,c\n0,"0,0\n', ["line 2: unexpected end of data"]),
        ("a,b,c\n0,0," + "0" * 200_000, ["line 2: field larger than field limit"]),
    ],
)
def test_csv_that_does_not_fit(
    tmp_path: Path, model: Model, text: str, expected: list[str]
) -> None:
    found = problems(csv_file(tmp_path, text), model)
    assert len(found) == len(expected)
    for problem, start in zip(found, expected, strict=True):
        assert problem.startswith(start)


def test_csv_with_many_bad_lines_counts_the_rest(tmp_path: Path, model: Model) -> None:
    found = problems(csv_file(tmp_path, "a,b,c\n" + "0,0\n" * 1000), model)
    assert len(found) == 4
    assert found[-1] == "and 997 more lines are wrong"


def test_csv_that_is_not_text(tmp_path: Path, model: Model) -> None:
    path = tmp_path / "one.csv"
    path.write_bytes(b"\xff\xfe\x00a")
    assert problems(path, model) == ["is not UTF-8 text"]
    assert problems(tmp_path / "absent.csv", model) == ["cannot be read: No such file or directory"]


# Picking


def test_pick_keeps_order_labels_and_names() -> None:
    samples = Samples(good_x(samples=4), np.arange(4), ("a", "b", "c", "d")).pick([2, 0])
    np.testing.assert_array_equal(samples.x, good_x(samples=4)[[2, 0]])
    assert samples.y is not None
    assert samples.y.tolist() == [2, 0]
    assert samples.ids == ("c", "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, [0, 1, 2, 3, 4]),
        ("0:2", [0, 1]),
        ("3", [3]),
        (":", [0, 1, 2, 3, 4]),
        ("3:", [3, 4]),
        (":2", [0, 1]),
        ("-1", [4]),
        ("0,4,1:3", [0, 4, 1, 2]),
        ("1:3,2,1", [1, 2]),
        ("3:99", [3, 4]),
    ],
)
def test_choice_of_samples(text: str | None, expected: list[int]) -> None:
    assert pick_indices(text, 5) == expected


@pytest.mark.parametrize("text", ["", "a", "5", "-6", "1:2:3", "3:1", "0,,1", "5:9", "1.0"])
def test_choice_that_picks_nothing_or_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="--samples") as caught:
        pick_indices(text, 5)
    assert caught.value.exit_status == 2
    assert len(str(caught.value).splitlines()) == 1


def test_model_and_samples_in_each_other_s_place(model: Model, tmp_path: Path) -> None:
    archive, text = tmp_path / "samples.npz", tmp_path / "model.json"
    np.savez(archive, x=good_x())
    text.write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="is a samples file; the model comes first"):
        load_model(archive)
    with pytest.raises(SamplesError, match="is a model file; the samples come after"):
        load_samples(text, model)

"""The cache of arrays: right with a good file, a bad file, and no place to write."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from netgen.simulators import cache_folder, cached_arrays, key

ARRAYS = {"current": np.array([1e-9, 1 / 3]), "voltage": np.arange(6.0).reshape(2, 3)}


class Count:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, NDArray[np.float64]]:
        self.calls += 1
        return ARRAYS


@dataclass(frozen=True)
class Holder:
    values: NDArray[np.float64]


def same(arrays: Mapping[str, NDArray[np.float64]]) -> None:
    assert list(arrays) == list(ARRAYS)
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], values)


def test_computed_once(tmp_path: Path) -> None:
    compute = Count()
    for _ in range(3):
        same(cached_arrays(tmp_path / "new" / "folder", "k", compute))
    assert compute.calls == 1
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == ["k.npz"]


def test_keys_are_apart(tmp_path: Path) -> None:
    compute = Count()
    cached_arrays(tmp_path, "a", compute)
    cached_arrays(tmp_path, "b", compute)
    assert compute.calls == 2


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", None])
def test_bad_file_is_computed_again(tmp_path: Path, damage: bytes | None) -> None:
    compute = Count()
    cached_arrays(tmp_path, "k", compute)
    path = tmp_path / "k.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    same(cached_arrays(tmp_path, "k", compute))
    assert compute.calls == 2
    same(cached_arrays(tmp_path, "k", compute))
    assert compute.calls == 2


def test_flipped_bit_is_noticed(tmp_path: Path) -> None:
    compute = Count()
    cached_arrays(tmp_path, "k", compute)
    path = tmp_path / "k.npz"
    content = bytearray(path.read_bytes())
    content[content.index(ARRAYS["current"].tobytes())] ^= 1
    path.write_bytes(content)
    same(cached_arrays(tmp_path, "k", compute))
    assert compute.calls == 2


@pytest.mark.parametrize("how", ["values", "names", "no seal", "another key's", "object", "folder"])
def test_valid_file_that_is_not_what_it_should_be_is_computed_again(
    tmp_path: Path, how: str
) -> None:
    compute = Count()
    path = tmp_path / "k.npz"
    if how == "folder":
        path.mkdir()
    else:
        cached_arrays(tmp_path, "k", compute)
        with np.load(path) as archive:
            arrays = dict(archive)
        if how == "values":
            arrays["current"] = arrays["current"] * 2
        elif how == "names":
            arrays["other"] = arrays.pop("current")
        elif how == "no seal":
            del arrays["seal"]
        elif how == "object":
            arrays["current"] = np.array([None, "text"])
        np.savez(path, **arrays)
        if how == "another key's":
            cached_arrays(tmp_path, "other", lambda: {"current": np.zeros(2)})
            (tmp_path / "other.npz").replace(path)
    compute.calls = 0
    same(cached_arrays(tmp_path, "k", compute))
    assert compute.calls == 1


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    compute = Count()
    same(cached_arrays(file / "folder", "k", compute))
    assert compute.calls == 1


def test_failed_computation_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> dict[str, NDArray[np.float64]]:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        cached_arrays(tmp_path, "k", fail)
    assert list(tmp_path.iterdir()) == []


def test_key_separates_parts_and_types() -> None:
    keys = {key("a", "b"), key("ab"), key("a", "b", ""), key(1), key("1"), key(1.0), key(None)}
    assert len(keys) == 7
    assert key(1e-9, "x") == key(1e-9, "x")
    assert key(0.1 + 0.2) != key(0.3)


def test_key_sees_every_value_of_an_array() -> None:
    values = np.linspace(0, 1, 5000)
    other = values.copy()
    other[2500] = np.nextafter(other[2500], 1)
    assert key(values) != key(other)
    assert key(Holder(values)) != key(Holder(other))
    assert key(Holder(values)) == key(Holder(values.copy()))


def test_key_of_a_path_is_its_content(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("same")
    second.write_text("same")
    assert key(first) == key(second)
    second.write_text("other")
    assert key(first) != key(second)


def test_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NETGEN_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/netgen")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/netgen")
    monkeypatch.setenv("NETGEN_CACHE", "/own")
    assert cache_folder() == Path("/own")

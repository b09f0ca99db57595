"""Files of strangers that were made to have a command executed."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fault_tools import ROOT

OWN = ROOT / "pdk" / "generic180"
How = tuple[list[object], dict[str, object]]
Way = Callable[[random.Random, Path, Path, Any], How]


def payload(rng: random.Random, mark: Path) -> str:
    """Return netlist text that has ngspice touch a file."""
    shell = f"shell touch {mark}"
    return rng.choice(
        [
            f".control\n{shell}\n.endc\n",
            f"  .CONTROL\n{shell}\n.endc\n",
            f"*# {shell}\n",
            f"\t*#{shell}\n",
            f"* x\r.control\r{shell}\r.endc\r\n",
            f"* x\x0b.control\n{shell}\n.endc\n",
        ]
    )


def _inject(file: Path, text: str, rng: random.Random) -> None:
    lines = file.read_text(encoding="utf-8").split("\n")
    at = rng.randrange(1, len(lines))
    content = "\n".join([*lines[:at], text, *lines[at:]])
    file.write_text(content, encoding="utf-8", newline="")


def _again(rng: random.Random, folder: Path, bench: Any) -> list[object]:
    for trace in folder.rglob("sample_*.npz"):
        trace.unlink()
    ways: list[list[object]] = [bench.sim(folder), bench.chips_of(folder), ["twin", folder],
                                ["verify", folder], ["compare", folder],
                                [*bench.sim(folder), "--engine", "staged"],
                                [*bench.sim(folder), "--corners=ff/1.8/27"]]  # fmt: skip
    return rng.choice(ways)


def netlist(rng: random.Random, folder: Path, mark: Path, bench: Any) -> How:
    file = folder / rng.choice(["netlist.cir", "netlist_mirrored_bias.cir"])
    _inject(file, payload(rng, mark), rng)
    return _again(rng, folder, bench), {}


def reading(rng: random.Random, folder: Path, mark: Path, bench: Any) -> How:
    evil = folder / "evil.lib"
    evil.write_text(f".lib tt\n.endl\n{payload(rng, mark)}", encoding="utf-8", newline="")
    words = [f'.include "{evil}"', f".inc {evil}", f".lib {evil} tt", ".incx evil.lib"]
    _inject(folder / "netlist.cir", rng.choice(words), rng)
    return _again(rng, folder, bench), {}


def record(rng: random.Random, folder: Path, mark: Path, bench: Any) -> How:
    """Put a line break with a command into a string of a record."""
    file = folder / rng.choice(["design.json", "build.json", "model.json", "mapping.json"])
    if not file.is_file():
        file = folder / "build.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    text = f"x\n{payload(rng, mark)}"

    def spoiled(value: Any) -> Any:
        if isinstance(value, dict) and value:
            key = rng.choice(sorted(value))
            return {**value, key: spoiled(value[key])}
        if isinstance(value, list) and value:
            at = rng.randrange(len(value))
            return [*value[:at], spoiled(value[at]), *value[at + 1 :]]
        return f"{value}{text}"

    file.write_text(json.dumps(spoiled(content)), encoding="utf-8")
    return _again(rng, folder, bench), {}


def deck(rng: random.Random, folder: Path, mark: Path, bench: Any) -> How:
    for file in (folder / "sim").glob("*.cir"):
        _inject(file, payload(rng, mark), rng)
    return _again(rng, folder, bench), {}


def _technology(folder: Path) -> Path:
    return Path(shutil.copytree(OWN, folder.parent / "technology"))


def models(rng: random.Random, folder: Path, mark: Path, bench: Any) -> How:
    place = _technology(folder)
    if rng.random() < 0.5:
        _inject(place / rng.choice(["cards.spice", "models.lib"]), payload(rng, mark), rng)
    else:
        (place / "evil.lib").write_text(payload(rng, mark), encoding="utf-8", newline="")
        words = [
            '.include "evil.lib"',
            ".inc evil.lib",
            f".lib {place}/evil.lib tt",
            ".INCX evil.lib",
        ]
        _inject(place / "cards.spice", rng.choice(words), rng)
    return _with(place, rng, bench)


def _with(place: Path, rng: random.Random, bench: Any) -> How:
    if rng.random() < 0.5:
        return ["check", bench.model, "--technology", place], {}
    return ["build", bench.model, "-o", place.parent / "new", "--technology", place], {}


def description(rng: random.Random, folder: Path, mark: Path, bench: Any) -> How:
    place = _technology(folder)
    file = place / "technology.toml"
    text = json.dumps(f"tt\n{payload(rng, mark)}", ensure_ascii=False)
    text = text.replace("\x0b", "\\u000b")
    old, new = rng.choice(
        [
            ('library = "models.lib"', f"library = {text}"),
            ("includes = []", f"includes = [{text}]"),
            ('tt = "tt"', f"tt = {text}"),
            ('model = "nch"', f"model = {text}"),
            ("[parameters]", f"[parameters]\n{text} = 1.0"),
            ('name = "generic180"', f"name = {text}"),
            ('title = "generic 180 nm, no foundry\'s process"', f"title = {text}"),
        ]
    )
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return _with(place, rng, bench)


def package(rng: random.Random, folder: Path, mark: Path, bench: Any) -> How:
    place = _technology(folder)
    here = folder.parent / "here"
    inner = here / "stranger" / "models"
    inner.mkdir(parents=True)
    for each in (inner, inner.parent):
        (each / "__init__.py").write_text(f"open({str(mark)!r}, 'w')\n", encoding="utf-8")
    for file in OWN.iterdir():
        shutil.copy(file, inner)
    toml = place / "technology.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(
        text.replace("includes = []", 'includes = []\npackage = "stranger.models"'),
        encoding="utf-8",
    )
    return ["check", bench.model, "--technology", place], {"here": here}


def folder_of_record(rng: random.Random, folder: Path, mark: Path, bench: Any) -> How:
    """A build folder that names a technology of the stranger's own."""
    place = _technology(folder)
    _inject(place / "cards.spice", payload(rng, mark), rng)
    file = folder / "build.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    content["technology_folder"] = str(place)
    file.write_text(json.dumps(content), encoding="utf-8")
    return _again(rng, folder, bench), {}


HOSTILE: dict[str, Way] = {
    "netlist": netlist, "reading": reading, "record": record, "deck": deck, "models": models,
    "description": description, "package": package, "folder of record": folder_of_record,
}  # fmt: skip

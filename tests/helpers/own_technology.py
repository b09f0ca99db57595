"""Technology folders of a user's own."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


OWN = ROOT / "pdk" / "generic180"


def changed(folder: Path, old: str, new: str) -> Path:
    file = folder / "technology.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return folder

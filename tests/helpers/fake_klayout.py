"""A made-up program klayout: the words of a deck are its rules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

PROGRAM = """#!{python}
import json, sys, time
if "-v" in sys.argv:
    print("KLayout 9.8.7")
    sys.exit()
given = dict(word.split("=", 1) for word in sys.argv if "=" in word)
text = open(sys.argv[sys.argv.index("-r") + 1]).read()
open("{log}", "a").write(json.dumps([text, given]) + "\\n")
if "sleeps" in text:
    time.sleep(60)
if "fails" in text:
    print("ERROR: In the deck: undefined method `new_check'\\n  from here")
    sys.exit(1)
rules = text.split()
for rule in rules:
    print("INFO: Executing rule", rule, flush=True)
print("Netlists match" if "schematic" in given else "done")
names = "".join(f"<category><name>{{rule}}</name></category>" for rule in rules)
bad = "".join(f"<item><category>'{{r}}'</category></item>" for r in rules if r.endswith("!"))
open(given["report"], "w").write(f"<categories>{{names}}</categories><items>{{bad}}</items>")
"""


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put it on the path; return the file where it notes what it was given.

    A word that ends with ``!`` is a rule that is broken; ``fails`` and ``sleeps`` do what they say.
    """
    log, program = folder / "given.jsonl", folder / "bin" / "klayout"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable, log=log), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return log

"""The walls of the house: who imports whom, what is installed, and what must not be in it."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "netgen"
STAGES = (
    "model",
    "technology",
    "circuit",
    "layout",
    "netlist",
    "simulators",
    "simulation",
    "characterise",
    "sizing",
    "behavioural",
    "analysis",
    "trim",
    "report",
    "training",
    "frontends",
    "project",
    "api",
    "commands",
)
"""Rooms in the order of import: each knows those before it, and the base modules.

Characterisation and sizing stand behind netlist and simulation, though what is sized flows into
the netlist: devices are characterised in small SPICE runs.
"""
READER = ("netgen.netlist.read", "netgen.netlist.syntax")
OWNERS = {"PySpice": "simulators", "matplotlib": "report", "torch": "training", "klayout": "layout"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """Return the room of a module of the package, or "" for a base module."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of everything a module imports, at any depth."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_every_room_is_known() -> None:
    assert {room(path) for path in modules()} - {""} <= set(STAGES)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_reader_takes_netlists_apart(path: Path) -> None:
    """A circuit's devices come from its record; text is read where a person may have edited it."""
    name = str(path.relative_to(PACKAGE))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    read = {each for each in imports(tree) if each.startswith(READER)}
    allowed = {
        "netlist/read.py": {
            f"netgen.netlist.syntax.{each}"
            for each in ("Subcircuit", "number", "subcircuits", "words_of")
        },
        "project/design.py": {"netgen.netlist.read.read_network"},  # an edited netlist
    }
    assert read <= allowed.get(name, set())
    # statements of subcircuits are compared in the reader, in model libraries, and where what a
    # text may hold is checked
    compared = {
        constant.value.strip().lower().strip(".")
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for constant in ast.walk(node)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }
    readers = {"netlist/syntax.py", "netlist/library.py", "netlist/statements.py"}
    assert name in readers or not compared & {"subckt", "ends"}


CELL = ("circuit/blocks/schmitt9/", "circuit/blocks/ladder.py")
CELL_WORDS = re.compile(
    r"schmitt|bmru|beta_?(hi|lo)|^m[1-9]$|\.m[1-9]\b|thresh\b|vfb", re.IGNORECASE
)
"""Names of the nine-transistor cell and of the ladder of such: subcircuit, transistors, inner nets,
bias; its operation and the parameters of that."""
KNOW_THE_OPERATION = {
    "frontends/builder.py",
    "model/random.py",
    "project/starter.py",
    "report/comparison/document.py",
    "training/exchange.py",
    "training/layers.py",
}
"""Argued one by one in CONTRIBUTING.md. None knows the circuit of the cell."""


def words(tree: ast.AST) -> Iterator[str]:
    """Yield identifiers, and strings that are no documentation."""
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "module"):
            if isinstance(word := getattr(node, field, None), str):
                yield word
        if isinstance(node, ast.Constant) and id(node) not in documentation:
            yield str(node.value)


def test_a_block_is_known_in_its_own_place_only() -> None:
    """Every room asks the protocol of blocks; no module but its own knows a cell's circuit."""
    voices = {"training/synth.py"}  # which are called m1, m2 …
    known = {
        name: {word for word in words(ast.parse(path.read_text(encoding="utf-8")))
               if CELL_WORDS.search(word)}
        for path in modules()
        if not (name := path.relative_to(PACKAGE).as_posix()).startswith(CELL)
        and name not in voices
    }  # fmt: skip
    assert {name for name, found in known.items() if found} == KNOW_THE_OPERATION
    circuit = re.compile(r"schmitt_|^m[1-9]$|\.m[1-9]\b|thresh\b|vfb", re.IGNORECASE)
    assert not [word for found in known.values() for word in found if circuit.search(word)]
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in contributing for name in KNOW_THE_OPERATION)
    assert len(KNOW_THE_OPERATION) <= 6


NGSPICES_WORDS = re.compile(
    r"@m\b|#branch|^\s*\.(?:save|option)\b|\.save \{|[io]noise_|\bspinit\b|\.spiceinit|libngspice"
    r"|\bSPICE_SCRIPTS\b|NGSPICE_(?:LIBRARY|INPUT)|singular matrix|time ?step too small",
    re.IGNORECASE | re.MULTILINE,
)


def test_only_its_package_spells_ngspices_words() -> None:
    """Names of vectors, options, start files and messages: another simulator has others.

    ``v(net)`` within an expression of a source, ``.ic`` and ``.nodeset`` are any SPICE's.
    """
    own = PACKAGE / "simulators" / "ngspice"
    found = {
        f"{path.relative_to(ROOT)}: {word[0].strip()}"
        for path in [*modules(), *(ROOT / "templates").rglob("*.j2")]
        if own not in path.parents
        for word in NGSPICES_WORDS.finditer(path.read_text(encoding="utf-8"))
    }
    assert found == set()
    spelt = "".join(path.read_text(encoding="utf-8") for path in own.glob("*.py"))
    assert len({word[0].strip().lower() for word in NGSPICES_WORDS.finditer(spelt)}) > 6


def test_only_its_package_and_the_dialects_import_ngspice() -> None:
    importers = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        for name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if name.startswith("netgen.simulators.ngspice")
    }
    outside = {name for name in importers if not name.startswith("simulators/ngspice/")}
    assert outside == {"simulators/dialects.py"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    own = room(path)
    if not own and path.name in ("__main__.py", "__init__.py"):  # ends of the house
        own = "commands"
    allowed = set(STAGES[: STAGES.index(own) + 1]) if own else set()
    for name in imports(ast.parse(path.read_text(encoding="utf-8"))):
        top, *rest = name.split(".")
        if top == "netgen":
            assert rest[0] not in STAGES or rest[0] in allowed, name
        elif top in OWNERS:
            assert own == OWNERS[top], f"only netgen.{OWNERS[top]} imports {top}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints(path: Path) -> None:
    if room(path) == "commands":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"line {node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert ast.unparse(node.func) not in ("click.echo", "click.secho", "sys.stdout.write")


HEAVY = {"numpy", "scipy", "PySpice", "matplotlib", "torch", "jinja2", "klayout"}


@pytest.mark.parametrize(
    "code",
    [
        "import netgen",
        "import netgen.commands",
        "from netgen.commands import main; main(['--help'])",
        "from netgen.commands import main; main(['--version'])",
        "from netgen.commands import main; main([])",
    ],
)
def test_start_loads_nothing_heavy(code: str) -> None:
    report = "import atexit, sys; atexit.register(lambda: sys.stderr.write(' '.join(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", f"{report}\n{code}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    loaded = set(done.stderr.split())
    assert "netgen" in loaded
    assert not loaded & HEAVY


# What is installed


def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_folder_with_python_is_a_listed_package() -> None:
    listed = set(setup()["options"]["packages"].split())
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert listed == found | {"netgen._templates", "netgen._pdk"}
    assert {path.parent for path in modules()} == {
        path.parent for path in PACKAGE.rglob("__init__.py")
    }


def data_files() -> set[str]:
    """Return where the templates and the PDK data must lie in an installed package."""
    folders = {"templates": "netgen/_templates", "pdk": "netgen/_pdk"}
    return {
        f"{target}/{path.relative_to(ROOT / source)}"
        for source, target in folders.items()
        for path in (ROOT / source).rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build wheel and sdist of a copy of the sources, so that the checkout stays as it is."""
    folder = tmp_path_factory.mktemp("dist")
    copy = tmp_path_factory.mktemp("source")
    for name in ("netgen", "templates", "pdk"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, copy],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.slow
def test_wheel_carries_templates_and_pdk_data(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert data_files()
    assert data_files() <= names
    assert {f"netgen/{path.relative_to(PACKAGE)}" for path in modules()} <= names
    assert "netgen/py.typed" in names
    assert not any(name.startswith(("tests/", "examples/")) for name in names)


@pytest.mark.slow
def test_sdist_builds_the_same_wheel(distributions: Path, tmp_path: Path) -> None:
    (sdist,) = distributions.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {f"{folder}/{name.split('/', 2)[2]}" for folder, name in _sources()}
    assert sources <= names
    # build makes the wheel from the sdist, so the wheel of the other test came from these files
    assert {"setup.cfg", "pyproject.toml", "README.md", "LICENSE"} <= names


NAMES_OF_SEVERAL_MODULES = 9
"""At most so many; it may only fall. Most are wrappers of the API."""


def test_a_public_name_is_defined_once() -> None:
    """Classes and functions have names of their own, so that a name says which is meant."""
    places: dict[str, set[str]] = {}
    for path in modules():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                places.setdefault(node.name, set()).add(path.relative_to(PACKAGE).as_posix())
    several = {name: sorted(at) for name, at in places.items() if len(at) > 1}
    assert len(several) <= NAMES_OF_SEVERAL_MODULES, several


def test_gains_have_one_evaluator() -> None:
    """Outside it nobody interpolates what was measured of mirrors over their current."""
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in modules()
        if re.search(r"CubicSpline|\bnp\.interp\([^)]*gain", path.read_text(encoding="utf-8"))
        and not path.relative_to(PACKAGE).as_posix().startswith(CELL)
    }
    assert found == {"characterise/gain.py"}


WORDS_ANY = 39
RECORDS_OF_ANY = 1
"""At most so many words ``Any``, and ``dict[str, Any]``; they may only fall."""


def test_types_say_what_a_value_is() -> None:
    """A value of JSON is :data:`netgen.document.Json`, a stranger's object has a protocol."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in modules())
    assert len(re.findall(r"\bAny\b", text)) <= WORDS_ANY
    assert len(re.findall(r"\bdict\[str, Any\]", text)) <= RECORDS_OF_ANY


LINES, MODULES = 50_512, 366
"""At most so much in all; what comes should take the place of something."""


def test_the_package_does_not_grow() -> None:
    texts = [path.read_text(encoding="utf-8") for path in modules()]
    assert len(texts) <= MODULES
    assert sum(text.count("\n") for text in texts) <= LINES


def test_no_module_hides_a_public_function() -> None:
    """Importing ``netgen.NAME`` binds the module in the package, in place of a function NAME."""
    import netgen

    modules_of_package = {each.stem for each in PACKAGE.iterdir() if each.suffix in ("", ".py")}
    assert not modules_of_package & set(dir(netgen))


def _sources() -> Iterator[tuple[str, str]]:
    for name in data_files():
        yield ("templates" if name.startswith("netgen/_templates/") else "pdk"), name


def test_templates_and_pdk_hold_data_only() -> None:
    assert {path.suffix for path in (ROOT / "templates").rglob("*") if path.is_file()} <= {".j2"}
    assert not list((ROOT / "pdk").rglob("*.py"))


def test_no_path_of_a_machine() -> None:
    forbidden = [f"/{folder}/".encode() for folder in ("work", "root")]
    folders = ("netgen", "templates", "pdk", "examples", "docs", "tests", ".ci")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    files += [ROOT / "run", *ROOT.glob("*.md"), *ROOT.glob("*.cfg"), *ROOT.glob("*.toml")]
    found = {
        str(path.relative_to(ROOT))
        for path in files
        if "__pycache__" not in path.parts and any(text in path.read_bytes() for text in forbidden)
    }
    assert not found


SAYS_NOTHING = frozenset(
    ("blame", "cure", "found", "heard", "judge", "judged", "made", "outcome", "own", "said", "told")
)
"""Words that name no thing: write the noun for what a name holds."""


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_names_are_nouns_of_the_field(path: Path) -> None:
    """Keys of file formats are strings, and stay."""
    names = {
        name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else "",
            node.arg if isinstance(node, ast.arg) else "",
            node.name if isinstance(node, ast.FunctionDef | ast.ClassDef) else "",
        )
    }
    assert not {name.strip("_").lower() for name in names} & SAYS_NOTHING

"""The shape of the code: floors, doors, what a quick command may load, and the printed tree."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "seq2seq"

# A module imports from its own floor and from those before it, never from one after.
FLOORS = [
    "errors",
    "config",
    "sizing",
    "decoding",
    "text",
    "model",
    "checkpoint",
    "learnt",
    "starting",
    "training",
    "inference",
    "evaluation",
    "report",
    "memory",
    "pipeline",
    "translating",
    "language",
    "diversification",
    "comparison",
    "commands",
    "cli",
    "__main__",
]

# Each outside package comes in by one module, so that it can be replaced there; plots by three.
DOORS = {
    "accelerate": ["training/loop.py"],
    "datasets": ["text/hub.py"],
    "fontTools": ["report/font.py"],
    "matplotlib": ["report/plots.py", "report/memory_plots.py", "report/gate_plots.py"],
    "sacrebleu": ["evaluation/scores.py"],
    "sacremoses": ["evaluation/conventions.py"],
    "safetensors": ["checkpoint.py"],
    "sentencepiece": ["text/tokenizer.py"],
}

SLOW_TO_IMPORT = {"torch", "numpy", *DOORS}


def module_name(path: Path) -> str:
    """seq2seq/text/__init__.py → seq2seq.text."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def sources() -> dict[str, str]:
    """Every module of the package with its text."""
    paths = sorted((ROOT / PACKAGE).rglob("*.py"))
    return {module_name(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}


def imported_names(module: str, source: str, is_package: bool) -> Iterable[str]:
    """All that a module imports, wherever in it: `from a import b` gives a.b."""
    home = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{start}.{alias.name}" for alias in node.names)


def module_imports(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Which modules of ours each of them imports."""
    packages = {name.rpartition(".")[0] for name in modules} | {PACKAGE}
    found: dict[str, set[str]] = {}
    for module, source in modules.items():
        found[module] = set()
        for name in imported_names(module, source, module in packages):
            # The longest part that is a module; what follows is a name in it.
            while name and name not in modules:
                name = name.rpartition(".")[0]
            if name and name not in (module, PACKAGE):
                found[module].add(name)
    return found


def floor_of(module: str) -> int:
    """The number of a module's floor; the package itself lies below all."""
    parts = module.split(".")
    if len(parts) == 1:
        return -1
    assert parts[1] in FLOORS, f"{module} has no floor; give it one in FLOORS"
    return FLOORS.index(parts[1])


def floor_faults(modules: Mapping[str, str]) -> list[str]:
    """Imports that go up."""
    return [
        f"{module} imports {other}"
        for module, others in module_imports(modules).items()
        for other in sorted(others)
        if floor_of(other) > floor_of(module)
    ]


def cycle(modules: Mapping[str, str]) -> list[str]:
    """Some modules that import one another in a ring, or none."""
    imports = module_imports(modules)
    done: set[str] = set()

    def follow(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for other in sorted(imports[module]):
            if ring := follow(other, [*path, module]):
                return ring
        done.add(module)
        return []

    return next((ring for module in imports if (ring := follow(module, []))), [])


def test_imports_go_down_the_floors() -> None:
    assert floor_faults(sources()) == []


def test_no_modules_import_one_another() -> None:
    assert cycle(sources()) == []


def test_the_package_itself_imports_nothing() -> None:
    assert list(imported_names(PACKAGE, sources()[PACKAGE], True)) == []


@pytest.mark.parametrize(
    "line",
    [
        "from seq2seq.model import cells",
        "from seq2seq.model.cells import RNNCell",
        "import seq2seq.model.cells",
        "from ..model import cells",
        "from ..model.cells import RNNCell",
        "if TYPE_CHECKING:\n    from seq2seq.model.cells import RNNCell",
        "def late():\n    import seq2seq.model.cells as cells",
    ],
)
def test_an_import_that_goes_up_is_found_however_written(line: str) -> None:
    modules = {
        "seq2seq": "",
        "seq2seq.text": "",
        "seq2seq.text.corpus": line,
        "seq2seq.model": "",
        "seq2seq.model.cells": "class RNNCell: ...",
    }
    (fault,) = floor_faults(modules)
    assert fault == "seq2seq.text.corpus imports seq2seq.model.cells"
    down = {
        **modules,
        "seq2seq.text.corpus": "",
        "seq2seq.model.cells": "from ..text import corpus",
    }
    assert floor_faults(down) == []


def test_a_ring_is_found() -> None:
    modules = {
        "seq2seq": "",
        "seq2seq.text": "",
        "seq2seq.text.a": "from seq2seq.text.b import x",
        "seq2seq.text.b": "from seq2seq.text import c",
        "seq2seq.text.c": "def late():\n    from . import a",
    }
    assert cycle(modules) == [
        "seq2seq.text.a",
        "seq2seq.text.b",
        "seq2seq.text.c",
        "seq2seq.text.a",
    ]
    assert cycle({**modules, "seq2seq.text.c": ""}) == []


@pytest.mark.parametrize("package", DOORS)
def test_each_outside_package_has_one_door(package: str) -> None:
    users = {
        module
        for module, source in sources().items()
        for name in imported_names(module, source, False)
        if name.split(".")[0] == package
    }
    assert users <= {module_name(Path(PACKAGE, door)) for door in DOORS[package]}


def loaded_by(code: str) -> set[str]:
    """Which of the slow packages a fresh interpreter has loaded after this code."""
    script = f"{code}\nimport sys\nprint('loaded', *sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return SLOW_TO_IMPORT & set(done.stderr.splitlines()[-1].split())


def test_settings_load_nothing_slow() -> None:
    assert loaded_by("import seq2seq.config, seq2seq.errors") == set()
    assert loaded_by("import numpy") == {"numpy"}  # the measure itself


@pytest.mark.skipif(
    importlib.util.find_spec("seq2seq.cli") is None, reason="there is no command line yet"
)
@pytest.mark.parametrize("arguments", [[], ["--help"], ["train", "--help"]])
def test_help_loads_nothing_slow(arguments: list[str]) -> None:
    code = "import seq2seq.cli"
    if arguments:
        code += f"""
import sys
sys.argv = ["seq2seq", *{arguments}]
try:
    seq2seq.cli.main()
except SystemExit:
    pass"""
    assert loaded_by(code) == set()


@cache
def tracked_files() -> list[str]:
    """What belongs to the project, relative to its root."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z"], capture_output=True, text=True, cwd=ROOT, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is not a git checkout")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def printed_tree(markdown: str) -> list[str]:
    """The paths in the one fenced block that lists files, folders with a slash at the end.

    A line holds one path or several, two spaces or more apart, and then perhaps what they are
    for. It lies in the folder of the nearest line above that is indented less.
    """
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    trees = [block for block in blocks if re.search(rf"^{PACKAGE}/(\s|$)", block, re.MULTILINE)]
    assert len(trees) == 1, f"{len(trees)} fenced blocks have a line that begins {PACKAGE}/"
    paths: list[str] = []
    above: list[tuple[int, str]] = []
    for line in trees[0].splitlines():
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        first, *others = re.split(r"\s{2,}", line.strip())
        names = [first]
        for other in others:
            if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", other) or not re.search(r"[./A-Z]", other):
                break  # from here on, words
            names.append(other)
        above = [(depth, folder) for depth, folder in above if depth < indent]
        parent = above[-1][1] if above else ""
        paths.extend(parent + name for name in names)
        if first.endswith("/"):
            above.append((indent, parent + first))
    return paths


def test_a_printed_tree_is_read() -> None:
    markdown = """
```
seq2seq train
```
```text
pyproject.toml  Makefile  .ci/run
train.py                     three lines: the `train` command
data/  checkpoints/          what runs read and write
seq2seq/
  errors.py                  Seq2SeqError, and more
  text/corpus.py             pairs
  training/loss.py  training/loop.py
  text/
    batches.py               length
docs/
```
"""
    assert printed_tree(markdown) == [
        "pyproject.toml",
        "Makefile",
        ".ci/run",
        "train.py",
        "data/",
        "checkpoints/",
        "seq2seq/",
        "seq2seq/errors.py",
        "seq2seq/text/corpus.py",
        "seq2seq/training/loss.py",
        "seq2seq/training/loop.py",
        "seq2seq/text/",
        "seq2seq/text/batches.py",
        "docs/",
    ]


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="there is no README.md yet")
def test_the_tree_in_the_readme_is_the_code() -> None:
    printed = printed_tree((ROOT / "README.md").read_text("utf-8"))
    assert len(printed) == len(set(printed)), "a file is listed twice"
    assert [
        path
        for path in printed
        if not ((ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file())
    ] == []
    modules = {
        name
        for name in tracked_files()
        if name.startswith(f"{PACKAGE}/")
        and name.endswith(".py")
        and not name.endswith("__init__.py")
    }
    assert sorted(modules - set(printed)) == []


# Written so that this file does not hold what it looks for.
FOREIGN = {
    "a path of one machine": r"(?<![\w.~-])/(?:work|root|tmp/bash\w*)\b",
    "a host of package registries": r"(?i)\b(?:pypi\.(?:org|python)|(?:files\.)?pythonhosted\.org"
    r"|download\.pytorch\.org|registry\.npmjs|proxy\.golang|conda\.anaconda)",
    "an option that names a registry": r"--(?:extra-)?index-ur[l]|PIP_INDEX_UR[L]",
}


def foreign_lines(text: str) -> list[str]:
    """What stands in a text that means something on one machine only."""
    return [
        f"line {number}: {what}: {line.strip()[:80]}"
        for number, line in enumerate(text.splitlines(), 1)
        for what, pattern in FOREIGN.items()
        if re.search(pattern, line)
    ]


def test_foreign_words_are_found() -> None:
    slash, dot = "/", "."
    for bad in (
        f"cd {slash}work",
        f"'{slash}work{slash}main'",
        f"({slash}root{slash}x)",
        f"see {slash}tmp{slash}bash_jobs",
        f"https:{slash}{slash}pypi{dot}org{slash}simple",
        f"files{dot}pythonhosted{dot}org",
        "--index-" + f"url https:{slash}{slash}x",
    ):
        assert len(foreign_lines(bad)) == 1, bad
    for good in (
        "work/x",
        "../shared/work",
        "https://a.org/work",
        "/workshop",
        "and/root",
        "/tmp/x",
    ):
        assert foreign_lines(good) == [], good


def test_no_file_holds_what_means_something_on_one_machine_only() -> None:
    found = []
    for name in tracked_files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            text = content.decode("utf-8", errors="replace")
            found += [f"{name}, {line}" for line in foreign_lines(text)]
    assert found == []

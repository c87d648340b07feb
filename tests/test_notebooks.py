"""Notebooks run from end to end, use public names only, and are stored as they ran."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PACKAGES = ("optics", "acdc_optical")

LONGEST_FUNCTION = 4
"""Lines. What needs more belongs in a package, where it is tested."""

LARGEST_FILE = 1_500_000
"""Bytes, pictures included: every version stays in the repository for ever."""

# Claims are asserts in the cells, so running a notebook checks them. Fewer than this is a tale, not a claim.
FEWEST_CLAIMS = 5

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_notebooks():
    assert NOTEBOOKS


@every_notebook
def test_it_runs_without_errors_or_warnings_and_keeps_its_claims(path, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    folder = tmp_path / "work"
    folder.mkdir()
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute()
    assert complaints(notebook) == []
    assert list(folder.iterdir()) == []


@every_notebook
def test_it_makes_claims(path):
    claims = [node for tree in cells(path) for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert len(claims) >= FEWEST_CLAIMS


@every_notebook
def test_it_uses_public_names_only(path):
    assert [name for tree in cells(path) for name in private_names(tree)] == []


@every_notebook
def test_it_tells_a_story_and_defines_nothing_long(path):
    assert [name for tree in cells(path) for name in long_definitions(tree)] == []


@every_notebook
def test_it_is_stored_as_it_ran(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    runs = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    assert runs == list(range(1, len(runs) + 1))
    assert complaints(notebook) == []
    assert any("image/png" in output.get("data", {}) for output in outputs(notebook))
    # Sliders are made anew by whoever runs them; those of another run have names at random, and pictures a second time.
    assert "widgets" not in notebook.metadata
    assert not any("widget-view" in kind for output in outputs(notebook) for kind in output.get("data", {}))
    assert path.stat().st_size < LARGEST_FILE


@every_notebook
def test_it_says_nothing_about_the_machine_it_ran_on(path):
    notebook = nbformat.read(path, as_version=4)
    assert [text for output in outputs(notebook) for text in texts(output) if machine_paths(text)] == []
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from optics import Grid\nGrid(4, 1.0).shape", []),
        ("from optics.fourier import _cis", ["_cis"]),
        ("from optics._secret import x", ["optics._secret"]),
        ("import acdc_optical._secret", ["acdc_optical._secret"]),
        ("masks._masks", ["_masks"]),
        ("from numpy import _core", []),
        ("from .tests import x", [".tests"]),
        ("from tests import oracle", ["tests"]),
        ("layer.__class__", []),
    ],
)
def test_private_names_are_found(source, found):
    assert list(private_names(ast.parse(source))) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(x):\n    return x", []),
        ("def f(x):\n" + "    x += 1\n" * 4, ["f"]),
        ("async def f(x):\n" + "    x += 1\n" * 4, ["f"]),
        ("class A:\n    pass", ["A"]),
    ],
)
def test_long_definitions_are_found(source, found):
    assert list(long_definitions(ast.parse(source))) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/home/me/x.py:3", True),
        ("in /tmp/ipykernel_1/2.py", True),
        (r"C:\Users\me", True),
        ("at 0x7f0123456789>", True),
        ("passed / wanted, u/q, optics/grid.py, 1/2", False),
        ("error 3.4e-15, size 16 × 16", False),
    ],
)
def test_machine_paths_are_found(text, found):
    assert machine_paths(text) is found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("print(1)", 0),
        ("import warnings; warnings.warn('old')", 1),
        ("import sys; print('hm', file=sys.stderr)", 1),
    ],
)
def test_complaints_are_found(source, found, tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, kernel_name="python3").execute()
    assert len(complaints(notebook)) == found


def cells(path: Path) -> Iterator[ast.Module]:
    """The syntax tree of every code cell."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            yield ast.parse(cell.source)


def outputs(notebook: nbformat.NotebookNode) -> Iterator[nbformat.NotebookNode]:
    for cell in notebook.cells:
        yield from cell.get("outputs", [])


def texts(output: nbformat.NotebookNode) -> Iterator[str]:
    """What a reader sees as text. A picture's text, ``<Figure ...>``, is not shown."""
    yield output.get("text", "")
    data = output.get("data", {})
    if "image/png" not in data:
        yield from (value for kind, value in data.items() if kind.startswith("text/"))


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """Errors, and whatever was written to stderr: warnings above all."""
    found = []
    for output in outputs(notebook):
        if output.output_type == "error":
            found.append(f"{output.ename}: {output.evalue}")
        elif output.output_type == "stream" and output.name == "stderr":
            found.append(output.text)
    return found


def private_names(tree: ast.Module) -> Iterator[str]:
    """Names with a leading underscore that are imported from the project or reached into, and relative imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if ours(alias.name) and private(alias.name))
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if node.level or module.split(".")[0] == "tests" or (ours(module) and private(module)):
                yield module
            elif ours(module):
                yield from (alias.name for alias in node.names if private(alias.name))
        elif isinstance(node, ast.Attribute) and private(node.attr):
            yield node.attr


def ours(module: str) -> bool:
    return module.split(".")[0] in PACKAGES


def private(name: str) -> bool:
    return any(part.startswith("_") and not part.endswith("__") for part in name.split("."))


def long_definitions(tree: ast.Module) -> Iterator[str]:
    """Classes, and functions of more lines than a notebook should hold."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION:
                yield node.name


def machine_paths(text: str) -> bool:
    """Whether the text holds an absolute path, or an address in memory."""
    return re.search(r"(?<![\w<.])/\w[\w.-]*/\w|[A-Z]:\\|0x[0-9a-f]{8}", text) is not None

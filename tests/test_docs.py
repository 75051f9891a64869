"""What the documentation says can be typed: commands, options, study files, imports, and names."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from hemiscale.cli import app
from hemiscale.datasets import TEMPLATES
from hemiscale.models import catalogue, expand_group

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
_BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[tuple[str, str]]:
    """All code blocks of this language: name of the page, and the code."""
    return [
        (str(page.relative_to(ROOT)), code)
        for page in PAGES
        for found, code in _BLOCK.findall(page.read_text(encoding="utf-8"))
        if found == language
    ]


def commands() -> list[tuple[str, list[str]]]:
    """Every call of hemiscale on any page: name of the page, and its words."""
    found = []
    for page, code in blocks("sh"):
        for line in code.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] == "hemiscale":
                found.append((page, words[1:]))
    return found


def test_every_command_in_the_documentation_exists_with_its_options() -> None:
    root: Any = typer.main.get_command(app)
    seen = set()
    for page, (name, *rest) in commands():
        if name.startswith("--"):
            continue
        assert name in root.commands, (page, name)
        seen.add(name)
        command = root.commands[name]
        with command.make_context(name, [], resilient_parsing=True) as context:
            _, left, _ = command.make_parser(context).parse_args(args=list(rest))
        assert left == [], (page, name, left)
    assert seen == set(root.commands)


def test_templates_that_pages_name_exist() -> None:
    for page, words in commands():
        if "--like" in words:
            assert words[words.index("--like") + 1] in TEMPLATES, (page, words)


@pytest.mark.parametrize(("page", "code"), blocks("toml"))
def test_study_files_in_the_documentation_are_toml(page: str, code: str) -> None:
    for model in tomllib.loads(code).get("models", []):
        name = model["name"]
        if "/" not in name:  # else a folder, a file, or a name on the hub
            assert name in catalogue() or expand_group(name), (page, name)


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_names_that_pages_import_exist(page: str, code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hemiscale"):
            module = import_module(str(node.module))
            for alias in node.names:
                assert hasattr(module, alias.name), (page, node.module, alias.name)


def test_every_room_is_in_the_reference() -> None:
    pages = " ".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs" / "api").glob("*.md"))
    rooms = [path.parent.name for path in (ROOT / "src" / "hemiscale").glob("*/__init__.py")]
    assert len(rooms) > 10
    for room in rooms:
        whole = f"<!-- public names of hemiscale.{room} -->" in pages
        only_commands = room in ("bench", "cli")
        assert whole or f"::: hemiscale.{room}" in pages or only_commands, room


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in ROOT.glob("docs/**/*.md"):
        assert str(page.relative_to(ROOT / "docs")) in navigation


def test_files_that_the_readme_names_are_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / target).exists(), target

# SPDX-License-Identifier: Apache-2.0
"""What the lint scripts share: finding C files, and reading them without
comments and texts, which would be mistaken for code."""
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]

_SKIPPED = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.S
)
INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]+)[>\"]", re.M)


def files(*folders, suffixes=(".c", ".h")):
    """The C files below the folders, as paths relative to the top."""
    return sorted(
        path.relative_to(TOP)
        for folder in folders
        for path in (TOP / folder).rglob("*")
        if path.suffix in suffixes
    )


def text(path):
    return (TOP / path).read_text(encoding="utf-8")


def code(path):
    """The file with comments and literals blanked, its lines kept."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())

    return _SKIPPED.sub(blank, text(path))


def line_of(content, offset):
    return content.count("\n", 0, offset) + 1

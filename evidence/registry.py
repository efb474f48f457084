"""Which tools look at files: each under one name, with its version, kind and media types.

A package of tools holds a tuple ``TOOLS`` of descriptions; the registry reads those packages by
name, so that one more package is one more name here.  A package that can't be imported stops the
caller loudly, a name given twice is an error.  A description names its function as text: the
parsers themselves are imported only by the process of the sandbox, never by the web server or the
worker.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO

#: What a tool is given: the bytes, what is known about them, and a file for derived bytes.
Parser = Callable[[BinaryIO, Mapping[str, Any], BinaryIO | None], dict[str, Any]]

KINDS = frozenset({"identification", "metadata", "fingerprint", "preview", "rendition"})


class ToolError(Exception):
    """A tool has no answer for these bytes; the message says why, in words."""


class UnsupportedError(ToolError):
    """The tool doesn't read this format."""


class MalformedError(ToolError):
    """The bytes break the rules of the format that they claim."""


class LimitError(ToolError):
    """The bytes ask for more than a tool may use."""

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit


@dataclass(frozen=True)
class Budget:
    """What one run may use."""

    cpu_seconds: int = 60
    wall_seconds: int = 120
    memory_bytes: int = 2 * 2**30
    output_bytes: int = 0


@dataclass(frozen=True)
class Tool:
    """One tool: ``implementation`` is ``module:function``, imported where the bytes are parsed."""

    name: str
    version: str
    kind: str
    media_types: tuple[str, ...]
    implementation: str
    libraries: tuple[str, ...] = ()
    #: Names of what the installation decides and the tool must know.
    needs: tuple[str, ...] = ()
    budget: Budget = Budget()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TypeError(f"{self.name}: there is no kind of tool called {self.kind!r}.")

    def reads(self, media_type: str) -> bool:
        """Say whether this tool is for ``media_type``; ``*`` asks about any at all."""
        major = media_type.split("/", 1)[0]
        return media_type == "*" or any(
            one in {"*/*", media_type} or (one.endswith("/*") and one[:-2] == major)
            for one in self.media_types
        )

    def load(self) -> Parser:
        """Import the function that does the work."""
        module, _, name = self.implementation.partition(":")
        function: Parser = getattr(importlib.import_module(module), name)
        return function


class Registry:
    """The tools of some packages, in the order of their names here and in them."""

    def __init__(self, packages: tuple[str, ...]) -> None:
        self._tools: dict[str, Tool] = {}
        for package in packages:
            for tool in importlib.import_module(package).TOOLS:
                if tool.name in self._tools:
                    raise RuntimeError(f"{package}: a tool called {tool.name} is there already.")
                self._tools[tool.name] = tool

    def __iter__(self) -> Any:
        return iter(self._tools.values())

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def tools_for(self, media_type: str) -> list[Tool]:
        """Return the tools that read ``media_type``; the ones for any type come with each."""
        return [tool for tool in self if tool.reads(media_type)]


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return the product's tools."""
    return Registry(("evidence.extractors", "evidence.fingerprints"))


def tools_for(media_type: str) -> list[Tool]:
    """Return the product's tools that read ``media_type``."""
    return registry().tools_for(media_type)

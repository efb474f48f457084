"""The tools are named once, and naming them loads no parser."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from evidence.registry import Registry, Tool, registry, tools_for


def named(name, media_types=("*/*",)):
    return Tool(name, "1", "metadata", media_types, "json:loads")


@pytest.fixture
def package(monkeypatch):
    def make(name, *tools):
        module = types.ModuleType(name)
        module.TOOLS = tools
        monkeypatch.setitem(sys.modules, name, module)
        return name

    return make


def test_a_name_given_twice_is_an_error(package):
    one, other = package("one_", named("same")), package("other_", named("same"))

    assert [tool.name for tool in Registry((one,))] == ["same"]
    with pytest.raises(RuntimeError, match="same"):
        Registry((one, other))


def test_a_package_that_is_not_there_is_an_error():
    with pytest.raises(ModuleNotFoundError):
        Registry(("evidence.no_such_package",))


def test_a_kind_that_is_not_there_is_an_error():
    with pytest.raises(TypeError, match="splendid"):
        Tool("x", "1", "splendid", (), "json:loads")


def test_tools_are_chosen_by_media_type():
    assert [tool.name for tool in tools_for("")] == ["type", "digests"]
    assert {"exif", "image", "pdq", "preview"} <= {tool.name for tool in tools_for("image/jpeg")}
    assert {"container", "preview"} <= {tool.name for tool in tools_for("video/mp4")}
    assert "pdf" in {tool.name for tool in tools_for("application/pdf")}
    assert [tool.name for tool in tools_for("image/svg+xml")] == ["type", "digests"]
    assert {tool.name for tool in tools_for("*")} == {tool.name for tool in registry()}


def test_each_tool_can_be_loaded():
    for tool in registry():
        assert callable(tool.load())


def test_naming_the_tools_loads_no_parser():
    code = (
        "import sys; from evidence.registry import tools_for; from evidence import sandbox;"
        "tools_for('*'); print([n for n in ('PIL', 'av', 'numpy', 'exifread') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_parsing_process_knows_no_framework():
    code = (
        "import sys; from evidence.registry import registry; import evidence.extractors.parser;"
        "[tool.load() for tool in registry()]; print('django' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"

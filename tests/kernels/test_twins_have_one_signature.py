"""An operation's twins can stand in for each other: one signature, described in one place."""

import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest

import kernels
from kernels import warm_up

FOLDERS = sorted(path.parent.name for path in Path(kernels.__file__).parent.glob("*/__init__.py"))
TWINS = ("reference", "cpu", "cuda")


def shape(function) -> list[tuple]:
    """Names, kinds and defaults of the parameters; types may say more in one place than another."""
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in parameters]


def operations(package: ModuleType) -> list[str]:
    """Public functions that `package` picks a twin for: those the reference defines too."""
    reference = importlib.import_module(f"{package.__name__}.reference")
    return [
        name
        for name in package.__all__
        if inspect.isfunction(getattr(package, name))
        and getattr(package, name).__module__ == package.__name__
        and hasattr(reference, name)
    ]


CASES = [
    pytest.param(package, name, twin, id=f"{folder}.{name}-{twin}")
    for folder in FOLDERS
    for package in [importlib.import_module(f"kernels.{folder}")]
    for name in operations(package)
    for twin in TWINS
]


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_has_three_twins_and_something_to_pick(folder):
    package = importlib.import_module(f"kernels.{folder}")
    assert operations(package), f"kernels.{folder} offers no operation with a reference"
    for twin in TWINS:
        assert inspect.getdoc(importlib.import_module(f"kernels.{folder}.{twin}"))
    for name in package.__all__:
        assert inspect.getdoc(getattr(package, name)), f"kernels.{folder}.{name} is undescribed"


@pytest.mark.parametrize(("package", "name", "twin"), CASES)
def test_twin_takes_what_the_public_function_takes(package, name, twin):
    public = getattr(package, name)
    own = getattr(importlib.import_module(f"{package.__name__}.{twin}"), name)
    assert shape(own) == shape(public)
    assert f"`{package.__name__}.{name}`" in (inspect.getdoc(own) or ""), (
        "a twin's docstring names the function that documents it"
    )


def test_warming_up_leaves_no_folder_out():
    assert sorted(warm_up.SPLATS | warm_up.FIELDS) == FOLDERS
    steps = list(warm_up.warm_up(warm_up.SPLATS | warm_up.FIELDS))
    assert [done for _, done, _ in steps] == list(range(len(FOLDERS) + 1))
    assert {total for _, _, total in steps} == {len(FOLDERS)}

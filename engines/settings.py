"""A setting is written once: one annotated dataclass field.

The command line, the settings panel, the saved run and the documentation all read the
same `Setting` from the field's annotation:

    steps: Annotated[int, Setting("Training steps", low=1, high=100_000)] = 3_000
"""

import dataclasses
import typing
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Setting:
    """What people need to know about one setting."""

    help: str
    """One sentence without full stop."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    step: float | None = None
    """A sensible increment for spin boxes."""
    tier: Literal["basic", "advanced"] = "basic"
    label: str = ""
    """Short title; made from the field's name where empty."""
    zero: str = ""
    """What 0 stands for where it is not a number, in a word: "auto"."""


@dataclass(frozen=True)
class Field:
    """A setting together with its name, type and default."""

    name: str
    type: Any
    default: Any
    setting: Setting

    @property
    def label(self) -> str:
        """Title for people, such as "Prune opacity"."""
        return self.setting.label or self.name.replace("_", " ").capitalize()

    @property
    def choices(self) -> tuple | None:
        """The allowed values of a Literal, or None."""
        return typing.get_args(self.type) if typing.get_origin(self.type) is Literal else None


def fields_of(config: type) -> list[Field]:
    """The settings of a config dataclass in the order in which they are written.

    Raises TypeError when a field has no `Setting` or no default.
    """
    hints = typing.get_type_hints(config, include_extras=True)
    found = []
    for field in dataclasses.fields(config):
        base, *extras = typing.get_args(hints[field.name])
        settings = [extra for extra in extras if isinstance(extra, Setting)]
        if not settings or field.default is dataclasses.MISSING:
            raise TypeError(f"{config.__name__}.{field.name} needs a Setting and a default")
        found.append(Field(field.name, base, field.default, settings[0]))
    return found


def check(config: Any) -> None:
    """Raise ValueError with a sentence when a value lies outside its setting's range."""
    for field in fields_of(type(config)):
        value = getattr(config, field.name)
        low, high = field.setting.low, field.setting.high
        if field.choices is not None and value not in field.choices:
            raise ValueError(
                f"{field.label} is {value!r}; expected one of {', '.join(field.choices)}"
            )
        if not isinstance(value, int | float) or isinstance(value, bool):
            continue
        if not (
            value == value and (low is None or value >= low) and (high is None or value <= high)
        ):
            bounds = f"from {low:g}" if high is None else f"from {low:g} to {high:g}"
            raise ValueError(f"{field.label} is {value:g}; expected a value {bounds}")

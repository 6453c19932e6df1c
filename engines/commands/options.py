"""Settings as command-line options, made from the dataclass in which they are written."""

import dataclasses
import re
from collections.abc import Collection
from typing import Annotated, Any, Literal, TypeVar

import tyro
from tyro.conf import arg

from engines.settings import Field, fields_of

C = TypeVar("C")

REPORT = arg(
    metavar="R.json", help="Where to write the figures as JSON", help_behavior_hint="(optional)"
)

CHECKPOINT = arg(
    metavar="DIR",
    help="Folder that keeps all that is needed to go on later",
    help_behavior_hint="(optional)",
)
RESUME = arg(
    metavar="DIR",
    help="Go on from this checkpoint, with its settings as defaults",
    help_behavior_hint="(optional)",
)


def options_of(
    defaults: Any,
    *,
    tier: Literal["basic", "advanced"] | None = None,
    only: Collection[str] | None = None,
    title: str,
) -> type:
    """A dataclass of the settings in `defaults` (a config) as tyro understands them.

    Limited to one `tier` or to the names in `only`; `title` heads them in the help.
    """
    chosen = [
        field
        for field in fields_of(type(defaults))
        if (tier is None or field.setting.tier == tier) and (only is None or field.name in only)
    ]
    made = dataclasses.make_dataclass(
        "Options",
        [
            (
                field.name,
                Annotated[field.type, tyro.conf.arg(help=help_of(field))],
                getattr(defaults, field.name),
            )
            for field in chosen
        ],
        frozen=True,
        kw_only=True,
    )
    made.__doc__ = title
    return made


def help_of(field: Field) -> str:
    """One sentence on a setting with its unit and range."""
    setting = field.setting
    words = setting.help
    if setting.unit:
        words += f" ({setting.unit})"
    if setting.low is not None and setting.high is not None:
        words += f"; {setting.low:,.12g} to {setting.high:,.12g}"
    if setting.zero and not re.search(r"\b0 [a-z]", setting.help):
        words += f", 0 for {setting.zero}"
    return words


def config_from(defaults: C, *options: Any) -> C:
    """`defaults` with the values of `options` in it.

    Raises UsageError when a value lies outside its range.
    """
    values = {name: value for part in options for name, value in vars(part).items()}
    try:
        return dataclasses.replace(defaults, **values)  # pyright: ignore[reportArgumentType]
    except ValueError as error:
        raise UsageError(str(error)) from error


class UsageError(Exception):
    """The command line asks for something that does not exist; a sentence, exit status 2."""

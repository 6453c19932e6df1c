"""Texts that ask for several things at once, each with a weight: "0.7 cat + 0.3 dog"."""

import re

from assets.errors import InputError

Part = tuple[float, str]
"""A weight and what has it."""
_PART = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s+(\S.*?)\s*", re.DOTALL)


def mix_of(text: str) -> tuple[Part, ...]:
    """What `text` asks for, with weights that sum to 1; any text but a mix is one part of itself.

    A mix has two parts or more, joined by +, each a number and what it weighs. Raises InputError
    where only some parts have a number, and where none weighs anything.
    """
    pieces = text.split("+")
    found = [_PART.fullmatch(piece) for piece in pieces]
    if len(pieces) < 2 or not any(found):
        return ((1.0, text),)
    parts = [(float(part[1]), part[2]) for part in found if part is not None]
    if len(parts) < len(pieces):
        raise InputError(
            f'In "{text}" only some parts have a weight; write a mix as in "0.7 cat + 0.3 dog"'
        )
    total = sum(weight for weight, _ in parts)
    if not 0 < total < float("inf"):
        raise InputError(
            f'The weights of "{text}" sum to {total:g}; give at least one part more than 0'
        )
    return tuple((weight / total, said) for weight, said in parts)

"""How the doctor counts: "1 photo is", "3 photos are"."""

from collections.abc import Sequence

_NAMED = 3


def photos_are(count: int, verb: str = "are") -> str:
    """ "1 photo is" or "3 photos are"; other verbs as in the plural: "have", "see"."""
    if count != 1:
        return f"{count:,} photos {verb}"
    singular = {"are": "is", "have": "has", "were": "was", "do": "does"}
    return f"1 photo {singular.get(verb, verb + 's')}"


def them(count: int, many: str = "them", one: str = "it") -> str:
    """The word for `count` photos that were just named."""
    return one if count == 1 else many


def some(names: Sequence[str]) -> str:
    """A few names: "a.jpg, b.jpg, c.jpg and 4 more"."""
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED:,} more"

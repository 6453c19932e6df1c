"""How people are told of photos that cannot be used: all in one sentence, whoever finds them."""

from collections.abc import Mapping, Sequence

from assets.errors import InputError

_NAMED = 3


def reason_for(name: str, error: InputError) -> str:
    """What `error` says of the photo called `name`, without its path and what to do."""
    file_name = name.rpartition("/")[2].partition("#")[0]
    _, found, words = str(error).rpartition(f"{file_name} ")
    return (words if found else str(error)).partition(";")[0].strip()


def left_out_note(
    photos: Mapping[str, str] | Sequence[str], total: int, *, because: str = ""
) -> str:
    """The note on `photos` of a set of `total` that are left out, by name with their reasons.

    Without `because` they cannot be read:
    "3 of 50 photos are left out because they cannot be read: a.jpg (is empty), ..."
    """
    names = list(photos)
    reasons = photos if isinstance(photos, Mapping) else {}
    some = ", ".join(
        f"{name} ({reasons[name]})" if name in reasons else name for name in names[:_NAMED]
    )
    if len(names) > _NAMED:
        some += f" and {len(names) - _NAMED} more"
    verb, they = ("is", "it") if len(names) == 1 else ("are", "they")
    because = because or f"{they} cannot be read"
    return f"{len(names)} of {total} photos {verb} left out because {because}: {some}"

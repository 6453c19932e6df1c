"""How people are told of photos that cannot be used: all in one sentence, whoever finds them."""

from collections.abc import Mapping

from assets.errors import InputError

_NAMED = 3


def reason_for(name: str, error: InputError) -> str:
    """What `error` says of the photo called `name`, without its path and what to do."""
    file_name = name.rpartition("/")[2].partition("#")[0]
    _, found, words = str(error).rpartition(f"{file_name} ")
    return (words if found else str(error)).partition(";")[0].strip()


def left_out_note(reasons: Mapping[str, str], total: int) -> str:
    """The note on all photos of `total` that cannot be read, with `reasons` by name."""
    some = ", ".join(f"{name} ({reason})" for name, reason in list(reasons.items())[:_NAMED])
    if len(reasons) > _NAMED:
        some += f" and {len(reasons) - _NAMED} more"
    they = "is left out because it" if len(reasons) == 1 else "are left out because they"
    return f"{len(reasons)} of {total} photos {they} cannot be read: {some}"

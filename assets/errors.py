"""The one kind of error that a person is meant to read."""


class InputError(Exception):
    """Something brought in or asked for cannot be used.

    The message is shown to the user as it is: one short sentence or two that say
    what happened, what was expected and what to do.
    """

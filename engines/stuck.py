"""How a learner tells its engine that a step cannot be made."""


class Stuck(Exception):
    """A step cannot be made; the message is a sentence for people, the state is the last good."""

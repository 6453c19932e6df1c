"""Carrying a run out, to its end or to some step."""

from engines.engine import Engine
from engines.events import Event, Stepped


def run(engine: Engine, until: int | None = None) -> list[Event]:
    """The events of `engine`, up to step `until` where one is named."""
    events = []
    going = engine.run()
    for event in going:
        events.append(event)
        if isinstance(event, Stepped) and event.step == until:
            going.close()
            break
    return events

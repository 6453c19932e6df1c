"""What drawing takes, for the status bar and for whoever paces new Gaussians."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ViewportStats:
    """What drawing took last time."""

    gaussians: int
    """In the cloud that is shown."""
    drawn: int
    """Of these, in view."""
    frame_ms: float
    """The UI thread's time in the last redraw."""
    sort_ms: float
    """The worker's time for the last order."""
    layer_ms: float
    """Time to draw the Gaussians that are on screen, over all their portions."""
    scale: float
    """Share of the full width at which they are on screen, 0 without any."""
    fps: float
    """Redraws in the last second."""

"""How a person wants a radiance field to be seen: in whose light, and where it is cut."""

from dataclasses import dataclass

from engines.engine import Adjustable, RenderSource


@dataclass(frozen=True)
class Light:
    """The light of one photo blended with that of another; None is the mean of all photos."""

    first: str | None = None
    second: str | None = None
    share: float = 0.0
    """Of the second."""


@dataclass(frozen=True)
class Plane:
    """Where the slice lies: across `axis`, or facing the camera, `share` through the box."""

    axis: int | None = None
    share: float = 0.5


@dataclass(frozen=True)
class Looks:
    """All of it; two that are equal show the same."""

    light: Light = Light()
    plane: Plane = Plane()

    def of(self, source: RenderSource) -> RenderSource:
        """`source` seen in this way, as far as it can be."""
        if not isinstance(source, Adjustable):
            return source
        seen: RenderSource = source
        light, plane = self.light, self.plane
        known = {None, *source.photos}
        if source.photos and {light.first, light.second} <= known and light != Light():
            seen = source.lit_as(light.first, light.second, light.share)
        if plane != Plane() and isinstance(seen, Adjustable):
            seen = seen.cut_at(plane.axis, plane.share)
        return seen

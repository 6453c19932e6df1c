"""How much to draw in one go, so that the window stays alive on any machine.

On a graphics card a frame is one portion at full size. Where OpenGL is emulated on the
processor it is several portions, and a coarser picture while the view moves.
"""

from dataclasses import dataclass

import numpy as np

SCALES = (1.0, 0.71, 0.5, 0.35, 0.25, 0.18)
"""Shares of the full width that a layer is drawn at."""
SOFTWARE_RENDERERS = (
    "llvmpipe",
    "softpipe",
    "swrast",
    "software rasterizer",
    "swiftshader",
    "gdi generic",
    "basic render driver",
    "software renderer",
)
"""Parts of GL_RENDERER, in lower case, of OpenGL emulated on the processor."""


def is_software(renderer: str) -> bool:
    """Whether GL_RENDERER names an emulation."""
    return any(name in renderer.lower() for name in SOFTWARE_RENDERERS)


@dataclass
class CostModel:
    """What drawing takes, by the Gaussian and by the fragment; it learns from each portion."""

    splat_us: float
    fragment_ns: float

    @classmethod
    def first_guess(cls, *, software: bool) -> "CostModel":
        """Where to start from before anything was measured."""
        return cls(0.8, 12.0) if software else cls(0.01, 0.1)

    def predicted_ms(self, splats: float, fragments: float) -> float:
        """Time to draw this much."""
        return 1e-3 * self.splat_us * splats + 1e-6 * self.fragment_ns * fragments

    def learn(self, splats: float, fragments: float, measured_ms: float) -> None:
        """Lean towards what was measured, more so when the portion was large enough to tell."""
        expected = self.predicted_ms(splats, fragments)
        if expected < 0.05 and measured_ms < 1.0:
            return
        ratio = float(np.clip(measured_ms / max(expected, 1e-6), 0.2, 5.0)) ** 0.3
        self.splat_us = float(np.clip(self.splat_us * ratio, 1e-3, 20.0))
        self.fragment_ns = float(np.clip(self.fragment_ns * ratio, 1e-3, 400.0))

    def scale_for(self, splats: int, fragments: float, budget_ms: float) -> float:
        """The largest of SCALES at which all is drawn within `budget_ms`, or the smallest."""
        for scale in SCALES:
            if self.predicted_ms(splats, fragments * scale * scale) <= budget_ms:
                return scale
        return SCALES[-1]

    def portion(self, pixels: np.ndarray, first: int, scale: float, budget_ms: float) -> int:
        """The end of the portion that starts at `first` and takes about `budget_ms`.

        `pixels` [n + 1] are cumulative fragments at full size. At least one Gaussian.
        """
        count = len(pixels) - 1
        low, high = first + 1, count
        if low >= high:
            return high
        while low < high:
            middle = (low + high + 1) // 2
            fragments = (pixels[middle] - pixels[first]) * scale * scale
            if self.predicted_ms(middle - first, fragments) <= budget_ms:
                low = middle
            else:
                high = middle - 1
        return low

"""A cloud of 3D Gaussians: what splatting learns, draws and saves."""

from dataclasses import dataclass, replace

import numpy as np

from assets.frame import Normalisation

SH_C0 = 0.28209479177387814
"""Value of the constant spherical harmonic; rgb = 0.5 + SH_C0 * sh[:, 0]."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GaussianCloud:
    """Gaussians in the raw form in which they are optimised and stored (Kerbl et al. 2023).

    All arrays are float32 and share their first length n.
    """

    means: np.ndarray
    """[n, 3] centres, world units."""
    quats: np.ndarray
    """[n, 4] rotations as wxyz quaternions, not necessarily of unit length."""
    log_scales: np.ndarray
    """[n, 3] natural logarithm of the standard deviations, world units."""
    logit_opacities: np.ndarray
    """[n] opacity before the sigmoid."""
    sh: np.ndarray
    """[n, k, 3] spherical harmonics coefficients per colour channel, k = (degree + 1)**2."""
    ids: np.ndarray | None = None
    """[n] int64 identity of each Gaussian within its run, or None for a file's."""
    notes: tuple[str, ...] = ()
    """Sentences on what was left out or assumed while reading a file, each said once."""

    def __len__(self) -> int:
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        """Degree 0 to 3 of the view-dependent colour."""
        return round(self.sh.shape[1] ** 0.5) - 1

    @property
    def scales(self) -> np.ndarray:
        """[n, 3] standard deviations, world units."""
        return np.exp(self.log_scales)

    @property
    def opacities(self) -> np.ndarray:
        """[n] in (0, 1)."""
        return 1.0 / (1.0 + np.exp(-self.logit_opacities))

    @property
    def base_colours(self) -> np.ndarray:
        """[n, 3] sRGB without the view-dependent part, not clipped."""
        return 0.5 + SH_C0 * self.sh[:, 0]

    def selected(self, index: np.ndarray) -> "GaussianCloud":
        """The Gaussians named by a boolean mask or an index array, in its order."""
        return replace(
            self,
            means=self.means[index],
            quats=self.quats[index],
            log_scales=self.log_scales[index],
            logit_opacities=self.logit_opacities[index],
            sh=self.sh[index],
            ids=None if self.ids is None else self.ids[index],
        )

    def in_input_frame(self, frame: Normalisation) -> "GaussianCloud":
        """The same cloud, taken from the normalised frame back to the input's."""
        return replace(
            self,
            means=frame.to_input(self.means).astype(np.float32),
            log_scales=(self.log_scales - np.log(frame.scale)).astype(np.float32),
        )

    def in_normalised_frame(self, frame: Normalisation) -> "GaussianCloud":
        """The same cloud, taken from the input's frame to the normalised one."""
        return replace(
            self,
            means=frame.to_normalised(self.means).astype(np.float32),
            log_scales=(self.log_scales + np.log(frame.scale)).astype(np.float32),
        )

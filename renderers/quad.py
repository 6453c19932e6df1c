"""Corners that every instanced or full-screen quad is stretched from."""

import numpy as np

CORNERS = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], dtype=np.float32)
"""[4, 2] for a triangle strip."""

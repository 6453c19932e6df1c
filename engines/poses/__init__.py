"""Structure from motion: finds out where photos were taken from.

All native work is done by a process of its own (`engines.poses.child`), so neither an abort
nor a long call can hurt the program. Nothing here imports torch or pycolmap before it runs.
"""

from engines.poses.config import PosesConfig

__all__ = ["PosesConfig"]

"""A small scene that the program makes itself, for whoever has no photos at hand."""

from assets.samples.store import sample_folder, sample_scene
from assets.samples.surfaces import sample_mesh
from assets.samples.viewpoints import viewpoints as sample_cameras

__all__ = ["sample_cameras", "sample_folder", "sample_mesh", "sample_scene"]

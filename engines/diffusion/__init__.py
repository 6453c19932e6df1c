"""Diffusion models of images and of points in the plane: learn them, sample, look inside."""

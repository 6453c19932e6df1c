"""What draws: OpenGL through vispy; knows assets, and neither Qt nor engines."""

"""What can be asked for without a window; `main.py` makes the command line of it."""

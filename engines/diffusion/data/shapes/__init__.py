"""Pictures of coloured shapes that the program makes itself, with captions and true masks."""

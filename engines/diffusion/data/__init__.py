"""Where the images and words to learn from come from."""

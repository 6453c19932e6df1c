"""What is brought in and taken out: data types, file formats and bundled samples."""

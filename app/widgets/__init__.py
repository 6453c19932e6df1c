"""Small things to see and touch that several panels are made of."""

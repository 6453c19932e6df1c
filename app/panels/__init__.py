"""One file a panel; a panel shows a type of artifact, whichever engine made it."""

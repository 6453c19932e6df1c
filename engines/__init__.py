"""What learns: generators of events that know nothing of windows."""

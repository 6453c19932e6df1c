"""The doctor: says in plain words what is wrong with photos, before and after posing."""

"""The doctor: says in plain words what is wrong with photos, before and after posing."""

from engines.doctor.finding import Diagnosis, Finding, Measured
from engines.doctor.photos import look_at_photos
from engines.doctor.poses import look_at_poses

__all__ = ["Diagnosis", "Finding", "Measured", "look_at_photos", "look_at_poses"]

"""Puts photos and lenses into COLMAP's database, and finds again what is there already."""

from pathlib import Path

import pycolmap

from engines.poses.job import DATABASE, Job, JobCamera
from engines.poses.plainnames import restore_names

LENS = "SIMPLE_RADIAL"
"""One focal length, one coefficient of distortion: what few photos can still determine."""
_GUESS = 1.2
"""Focal length over the longest side where EXIF says nothing: about 45 degrees."""


def register_photos(folder: Path, job: Job) -> list[int]:
    """Have every photo of the job in the database; gives the image ids in the job's order.

    Photos of an earlier run keep their features and matches. Those that are not in the job
    stay in the database but are not used.
    """
    restore_names(folder)
    with pycolmap.Database.open(folder / DATABASE) as database:
        known = {image.name: image for image in database.read_all_images()}
        lenses: dict[int, int] = {}
        ids = []
        with pycolmap.DatabaseTransaction(database):
            for photo in job.photos:
                image = known.get(photo.file)
                if photo.camera not in lenses:
                    lenses[photo.camera] = _lens(
                        database, job.cameras[photo.camera], image, taken=set(lenses.values())
                    )
                lens = lenses[photo.camera]
                if image is None:
                    ids.append(_add(database, photo.file, lens))
                else:
                    _move(database, image, lens)
                    ids.append(image.image_id)
    return ids


def _lens(
    database: pycolmap.Database,
    camera: JobCamera,
    image: pycolmap.Image | None,
    *,
    taken: set[int],
) -> int:
    """The camera id of a lens: that of a photo that it took, where it fits, else a new one."""
    made = _camera(camera)
    if image is not None and image.camera_id not in taken:
        there = database.read_camera(image.camera_id)
        there.camera_id = made.camera_id
        if there == made:
            return image.camera_id
    lens = database.write_camera(made)
    rig = pycolmap.Rig()
    rig.add_ref_sensor(pycolmap.sensor_t(type=pycolmap.SensorType.CAMERA, id=lens))
    database.write_rig(rig)
    return lens


def _camera(camera: JobCamera) -> pycolmap.Camera:
    focal = camera.focal_px or _GUESS * max(camera.width, camera.height)
    made = pycolmap.Camera.create_from_model_name(0, LENS, focal, camera.width, camera.height)
    made.has_prior_focal_length = camera.focal_px is not None
    return made


def _rig_of(database: pycolmap.Database, lens: int) -> pycolmap.Rig:
    sensor = pycolmap.sensor_t(type=pycolmap.SensorType.CAMERA, id=lens)
    rig = database.read_rig_with_sensor(sensor)
    if rig is None:
        raise RuntimeError(f"camera {lens} has no rig in the database")
    return rig


def _add(database: pycolmap.Database, name: str, lens: int) -> int:
    image = pycolmap.Image(name=name, camera_id=lens)
    image.image_id = database.write_image(image)
    frame = pycolmap.Frame()
    frame.rig_id = _rig_of(database, lens).rig_id
    frame.add_data_id(image.data_id)
    image.frame_id = database.write_frame(frame)
    database.update_image(image)
    return image.image_id


def _move(database: pycolmap.Database, image: pycolmap.Image, lens: int) -> None:
    """Let a photo of an earlier run be taken with `lens`."""
    if image.camera_id == lens:
        return
    frame = pycolmap.Frame()
    frame.frame_id = image.frame_id
    frame.rig_id = _rig_of(database, lens).rig_id
    image.camera_id = lens
    frame.add_data_id(image.data_id)
    database.update_frame(frame)
    database.update_image(image)

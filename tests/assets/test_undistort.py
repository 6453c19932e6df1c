"""Every lens, undone: the result must be what a pinhole would have seen, to its very edge."""

import numpy as np
import pytest

from assets.errors import InputError
from assets.lens import MODEL_NAMES, MODELS, PANORAMA, Lens
from assets.pinhole import pinhole_within
from assets.undistort import UndistortedPhoto, views_through

W, H = 320, 240

LENSES = {
    "SIMPLE_PINHOLE": (300, 165, 118),
    "PINHOLE": (300, 290, 165, 118),
    "SIMPLE_RADIAL": (300, 165, 118, -0.15),
    "RADIAL": (300, 165, 118, 0.12, -0.05),
    "OPENCV": (300, 290, 165, 118, 0.06, -0.08, -0.001, 0.002),
    "OPENCV_FISHEYE": (180, 175, 165, 118, 0.03, -0.01, 0.002, 0.0),
    "FULL_OPENCV": (300, 290, 165, 118, 0.1, 0.02, 0.001, -0.001, 0.01, 0.05, 0.01, 0.0),
    "FOV": (230, 225, 165, 118, 0.8),
    "SIMPLE_RADIAL_FISHEYE": (180, 165, 118, 0.02),
    "RADIAL_FISHEYE": (180, 165, 118, 0.02, -0.005),
    "THIN_PRISM_FISHEYE": (180, 175, 165, 118, 0.02, -0.01, 0.001, -0.001, 0.0, 0.0, 0.001, 0.001),
    "RAD_TAN_THIN_PRISM_FISHEYE": (180, 175, 165, 118, 0.01, *(0.0,) * 5, 1e-3, 1e-3, *(1e-3,) * 4),
    "SIMPLE_DIVISION": (300, 165, 118, -0.15),
    "DIVISION": (300, 290, 165, 118, -0.15),
    "SIMPLE_FISHEYE": (180, 165, 118),
    "FISHEYE": (180, 175, 165, 118),
    "EUCM": (200, 195, 165, 118, 0.6, 1.1),
    "EQUIRECTANGULAR": (W, H),
}


def world_colour(rays: np.ndarray) -> np.ndarray:
    """[..., 3] in [0.1, 0.9]: a smooth picture painted on the sky, seen along `rays`."""
    x, y, z = np.moveaxis(rays / np.linalg.norm(rays, axis=-1, keepdims=True), -1, 0)
    waves = [np.sin(9 * x + 4 * y), np.cos(8 * y - 3 * z), np.sin(7 * x - 5 * z + 1)]
    return (0.5 + 0.4 * np.stack(waves, axis=-1)).astype(np.float32)


class SkyPhoto:
    """What `lens` sees of the sky, computed for whatever size is asked for; black where nothing."""

    def __init__(self, lens: Lens, *, alpha: bool = False) -> None:
        self.lens, self.alpha = lens, alpha
        self.width, self.height = lens.width, lens.height

    def load(self, width: int, height: int) -> np.ndarray:
        import pycolmap

        lens = self.lens
        camera = pycolmap.Camera(
            model=lens.model, width=lens.width, height=lens.height, params=list(lens.params)
        )
        y, x = np.mgrid[0:height, 0:width] + 0.5
        pixels = np.stack([x * lens.width / width, y * lens.height / height], axis=-1)
        if lens.is_panorama:
            u = (pixels[..., 0] / lens.width - 0.5) * 2 * np.pi
            v = (pixels[..., 1] / lens.height - 0.5) * np.pi
            rays = np.stack([np.sin(u) * np.cos(v), np.sin(v), np.cos(u) * np.cos(v)], axis=-1)
        else:
            flat = np.asarray(camera.cam_from_img(pixels.reshape(-1, 2))).reshape(height, width, 2)
            rays = np.concatenate([flat, np.ones((height, width, 1))], axis=-1)
        with np.errstate(invalid="ignore"):
            colours = np.nan_to_num(world_colour(rays))
        if self.alpha:
            colours = np.concatenate([colours, np.full((height, width, 1), 0.5, np.float32)], 2)
        return colours


def seen(photo: UndistortedPhoto, width: int, height: int) -> np.ndarray:
    """What the pinhole of `photo` sees of the sky."""
    camera = photo.pinhole.resized(width, height)
    y, x = np.mgrid[0:height, 0:width] + 0.5
    rays = np.stack(
        [(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, np.ones_like(x)], axis=-1
    )
    return world_colour(rays @ camera.camera_to_world[:3, :3].T)


def test_every_model_of_pycolmap_is_known():
    import pycolmap

    for name, number in pycolmap.CameraModelId.__members__.items():
        if name == "INVALID":
            continue
        model, camera = MODELS[name], pycolmap.Camera.create_from_model_name(0, name, 5.0, 8, 6)
        assert MODEL_NAMES[int(number)] == name
        assert model.count == len(camera.params)
        assert model.focals == len(camera.focal_length_idxs())
        assert model.distortion == len(camera.extra_params_idxs())
    assert set(LENSES) == set(MODELS)


@pytest.mark.parametrize("name", [n for n in LENSES if n not in (PANORAMA,)])
@pytest.mark.parametrize("size", [(W, H), (W // 2, H // 2), (107, 80)])
def test_undistorted_is_what_a_pinhole_sees(name, size):
    lens = Lens(name, W, H, tuple(map(float, LENSES[name])))
    photo = SkyPhoto(lens)
    (view,) = views_through(lens, "a", photo, np.eye(4))
    if "PINHOLE" in name:
        assert view.photo is photo
        assert (view.camera.fx, view.camera.cx) == (300, 165)
        return
    assert isinstance(view.photo, UndistortedPhoto)
    assert (view.photo.width, view.photo.height) == (W, H)
    shown = view.photo.load(*size)
    assert shown.dtype == np.float32
    error = np.abs(shown - seen(view.photo, *size))
    assert error[1:-1, 1:-1].max() < 0.012
    assert error.max() < 0.05  # at the very edge the photo ends
    # Nothing is cut off without need: the pinhole shows most of what there is.
    fx, fy = lens.focal
    assert view.camera.fx < 1.45 * fx
    assert view.camera.fx / view.camera.fy == pytest.approx(fx / fy)


def test_a_panorama_becomes_a_cube():
    lens = Lens(PANORAMA, 1024, 512, (1024.0, 512.0))
    photo = SkyPhoto(lens)
    turn = np.array([[0, 0, 1, 5], [1, 0, 0, 6], [0, 1, 0, 7], [0, 0, 0, 1.0]])
    views = views_through(lens, "pano.jpg", photo, turn)
    assert len({view.name for view in views}) == 6
    forwards = {tuple(np.round(view.camera.forward).astype(int)) for view in views}
    assert len(forwards) == 6
    for view in views:
        assert np.linalg.det(view.camera.camera_to_world[:3, :3]) == pytest.approx(1)
        np.testing.assert_allclose(view.camera.centre, [5, 6, 7])
        assert isinstance(view.photo, UndistortedPhoto)
        shown = view.photo.load(160, 160)
        assert np.abs(shown - seen(view.photo, 160, 160)).max() < 0.03


def test_alpha_goes_through():
    lens = Lens("SIMPLE_RADIAL", W, H, (300.0, 160.0, 120.0, -0.15))
    photo = UndistortedPhoto(SkyPhoto(lens, alpha=True), lens, pinhole_within(lens))
    shown = photo.load(160, 120)
    assert shown.shape == (120, 160, 4)
    np.testing.assert_allclose(shown[..., 3], 0.5, atol=1e-5)
    assert np.abs(shown[..., :3] - seen(photo, 160, 120))[1:-1, 1:-1].max() < 0.012


class NoisePhoto:
    """Detail in every pixel."""

    width, height = W, H

    def load(self, width: int, height: int) -> np.ndarray:
        noise = np.random.default_rng(0).random((H, W, 3), dtype=np.float32)
        return noise.reshape(height, H // height, width, W // width, 3).mean(axis=(1, 3))


def test_shrinking_averages_what_the_full_size_shows():
    lens = Lens("SIMPLE_RADIAL", W, H, (300.0, 160.0, 120.0, -0.1))
    photo = UndistortedPhoto(NoisePhoto(), lens, pinhole_within(lens))
    full = photo.load(W, H)
    assert full.std() > 0.2  # still sharp
    halved = full.reshape(H // 2, 2, W // 2, 2, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(photo.load(W // 2, H // 2), halved, atol=1e-5)


def test_models_that_only_bend_nothing_are_pinholes():
    assert Lens("OPENCV", W, H, (300, 300, 160, 120, 0, 0, 0, 0)).is_pinhole
    assert Lens("SIMPLE_RADIAL", W, H, (300, 160, 120, 0)).is_pinhole
    assert not Lens("SIMPLE_FISHEYE", W, H, (300, 160, 120)).is_pinhole
    assert not Lens("OPENCV_FISHEYE", W, H, (300, 300, 160, 120, 0, 0, 0, 0)).is_pinhole


def test_one_map_serves_all_photos_of_a_camera_and_size():
    from assets.undistort import _nodes

    lens = Lens("SIMPLE_RADIAL", W, H, (300.0, 160.5, 120.0, -0.1))
    twin = Lens("SIMPLE_RADIAL", W, H, (300.0, 160.5, 120.0, -0.1))
    before = _nodes.cache_info()
    for one in (lens, twin):
        views_through(one, "a", SkyPhoto(one), np.eye(4))[0].photo.load(80, 60)
    after = _nodes.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 1)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ((0, 160, 120, 0.1), "focal length of 0"),
        ((-5, 160, 120, 0.1), "focal length of 0"),
        ((float("nan"), 160, 120, 0.1), "no finite numbers"),
        ((300, 160, 120), "3 parameters instead of 4"),
        ((300, -20, 120, 0.1), "principal point outside"),
    ],
)
def test_unusable_lenses_say_why(params, words):
    assert words in (Lens("SIMPLE_RADIAL", W, H, params).problem() or "")


def test_a_lens_that_leaves_nothing_is_refused():
    lens = Lens("SIMPLE_RADIAL", W, H, (300.0, 160.0, 120.0, -1e9))
    with pytest.raises(InputError, match="leaves nothing of the photo"):
        pinhole_within(lens)


@pytest.mark.parametrize("k", [-50.0, -5.0, 50.0, 300.0])
def test_wild_lenses_show_what_is_left(k):
    lens = Lens("SIMPLE_RADIAL", W, H, (300.0, 160.0, 120.0, k))
    camera = pinhole_within(lens)
    edge = np.array([[-camera.cx / camera.fx, -camera.cy / camera.fy, 1.0]])
    x, y = lens.project(edge)[0]
    assert -0.5 < x < W
    assert -0.5 < y < H
    assert camera.fx > 300

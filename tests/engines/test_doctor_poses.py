"""The doctor after posing: outcomes made by hand, each with one thing wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.formats.photo_folder import read_photo_folder
from assets.unposed import UnposedPhotos
from engines.doctor import Diagnosis, Finding, Measured, look_at_poses
from engines.doctor.groups import weakest_link
from engines.doctor.lenses import corner_shift
from engines.poses.outcome import Lens, Outcome, Placement

NOBODY = UnposedPhotos(name="none", source=Path("none"), views=())


def name(i: int) -> str:
    return f"{i:02d}.jpg"


def placed(
    i: int, azimuth_deg: float, *, radius: float = 4.0, height: float = 1.0, up=(0.0, 0.0, 1.0)
) -> Placement:
    """A camera around the origin that looks at it; z is up."""
    angle = np.radians(azimuth_deg)
    centre = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
    forward = -centre / np.linalg.norm(centre)
    return Placement(
        name=name(i),
        centre=tuple(centre),
        forward=tuple(forward),
        up=up,
        points=300,
        depth=4.0,
        error_px=0.5,
    )


def lens(**changes) -> Lens:
    usual = Lens(
        model="SIMPLE_RADIAL",
        width=1000,
        height=750,
        parameters=(900.0, 500.0, 375.0, 0.01),
        photos=24,
        focal_px=900.0,
        exif_focal_px=905.0,
    )
    return replace(usual, **changes)


def outcome(count: int = 24, *, azimuths=None, pairs=None, **changes) -> Outcome:
    """All went well: a ring of cameras, each sharing much with its four neighbours."""
    if azimuths is None:
        azimuths = 5.0 + np.arange(count) * 360.0 / count
    if pairs is None:
        pairs = [
            (min(i, j), max(i, j), 200)
            for i in range(count)
            for j in ((i + 1) % count, (i + 2) % count)
        ]
    names = tuple(name(i) for i in range(count))
    usual = Outcome(
        photos=names,
        features=dict.fromkeys(names, 2_000),
        pairs=tuple(pairs),
        models=(names,),
        placements=tuple(placed(i, azimuth) for i, azimuth in enumerate(azimuths)),
        lenses=(lens(),),
        points=5_000,
        error_px=0.6,
        error_full_px=1.1,
    )
    return replace(usual, **changes)


def without(one: Outcome, lost: set[int]) -> Outcome:
    """The same with some photos that have no place."""
    kept = tuple(p for p in one.placements if p.name not in {name(i) for i in lost})
    return replace(one, placements=kept, models=(tuple(p.name for p in kept),))


def examine(one: Outcome, measured=None, photos: UnposedPhotos = NOBODY) -> Diagnosis:
    return look_at_poses(one, photos, measured or {})


def finding(diagnosis: Diagnosis, kind: str) -> Finding:
    (found,) = [one for one in diagnosis.findings if one.kind == kind]
    return found


def kinds(diagnosis: Diagnosis) -> set[str]:
    return {one.kind for one in diagnosis.findings}


def test_a_ring_that_closed_is_fine():
    diagnosis = examine(outcome())
    assert diagnosis.stage == "poses"
    assert diagnosis.summary == "A: good camera poses"
    assert kinds(diagnosis) == {"placed"}
    assert finding(diagnosis, "placed").title == "All 24 photos have a place"
    assert diagnosis.holes == (2.0,) * 12


def test_every_photo_without_a_place_is_named_with_its_reason():
    pairs = [p for p in outcome().pairs if not {p[0], p[1]} & {3, 9, 10, 15}]
    pairs += [(3, 4, 12), (2, 3, 0), (9, 10, 90), (8, 9, 5), (14, 15, 80), (15, 16, 60)]
    one = without(outcome(pairs=pairs), {3, 9, 10, 15, 20})
    one = replace(one, features={**one.features, name(20): 60})
    diagnosis = examine(one)
    assert finding(diagnosis, "few_features").photos == ("20.jpg",)
    assert finding(diagnosis, "few_matches").photos == ("03.jpg",)
    assert finding(diagnosis, "no_overlap").photos == ("09.jpg", "10.jpg")
    assert finding(diagnosis, "not_placed").photos == ("15.jpg",)
    assert all(found.advice for found in diagnosis.findings if found.photos)
    assert diagnosis.grade == "C"


def test_one_of_many_without_a_place_is_a_note():
    diagnosis = examine(without(outcome(), {5}))
    assert finding(diagnosis, "not_placed").level == "note"
    assert diagnosis.grade == "A"
    assert finding(diagnosis, "placed").title == "23 of 24 photos have a place"


def test_blur_is_given_as_the_cause_where_it_was_seen():
    measured = {name(i): Measured(sharpness=0.8, brightness=0.5, clipped=0.0) for i in range(24)}
    measured[name(5)] = Measured(sharpness=0.2, brightness=0.5, clipped=0.0)
    one = without(outcome(), {5})
    few = replace(one, features={**one.features, name(5): 30})
    assert finding(examine(few, measured), "few_features").words.endswith("05.jpg is blurred")
    assert not finding(examine(few), "few_features").words.endswith("blurred")


def test_most_photos_without_a_place_is_bad():
    assert examine(without(outcome(), set(range(13)))).grade == "D"


def test_nothing_at_all_is_told_without_a_crash():
    names = tuple(name(i) for i in range(3))
    one = Outcome(
        photos=names,
        features=dict.fromkeys(names, 900),
        pairs=((0, 1, 0), (0, 2, 3)),
        models=(),
        placements=(),
        lenses=(),
        points=0,
        error_px=0.0,
        error_full_px=0.0,
    )
    diagnosis = examine(one)
    assert diagnosis.grade == "D"
    assert finding(diagnosis, "placed").title == "No photo has a place"
    assert finding(diagnosis, "few_matches").photos == names
    assert diagnosis.holes == ()
    assert examine(replace(one, photos=(), features={}, pairs=())).grade == "D"


def test_two_places_are_two_groups():
    one = without(outcome(), set(range(16, 24)))
    other = tuple(name(i) for i in range(16, 24))
    diagnosis = examine(replace(one, models=(*one.models, other)))
    found = finding(diagnosis, "groups")
    assert found.title == "The photos fall into 2 groups"
    assert "16 and 8 photos" in found.words
    assert found.photos == other
    assert "no_overlap" not in kinds(diagnosis), "each photo is spoken of once"


def two_halves(*between: tuple[int, int, int]) -> Outcome:
    """Photos 0 to 14 and 15 to 23 know each other well, and each other's only `between`."""
    pairs = [(i, j, 150) for i in range(15) for j in range(i + 1, min(i + 4, 15))]
    pairs += [(i, j, 150) for i in range(15, 24) for j in range(i + 1, min(i + 4, 24))]
    return outcome(pairs=[*pairs, *between])


@pytest.mark.parametrize(
    "between",
    [
        [(14, 15, 40)],
        [(2, 20, 300)],
        [(13, 15, 16), (14, 15, 30), (14, 16, 40)],
        [(14, i, 200) for i in range(15, 20)],
    ],
    ids=["one weak pair", "one strong pair", "few matches", "one photo"],
)
def test_a_group_that_hangs_by_little_is_named(between):
    diagnosis = examine(two_halves(*between))
    found = finding(diagnosis, "weak_group")
    assert set(found.photos) == {name(i) for i in range(15, 24)}
    assert found.level == "warn"
    assert "between" in found.advice


def test_a_group_that_hangs_by_enough_is_not():
    between = [(i, j, 60) for i in (12, 13, 14) for j in (15, 16)]
    assert weakest_link(two_halves(*between)) is None
    assert weakest_link(outcome()) is None
    assert weakest_link(outcome(5)) is None


def test_photos_placed_without_any_pair_are_the_weakest_of_all():
    link = weakest_link(two_halves((14, 15, 9)))
    assert link is not None
    assert (link.pairs, link.matches) == (0, 0)
    assert "no pair" in finding(examine(two_halves((14, 15, 9))), "weak_group").words


@pytest.mark.parametrize(
    ("radius", "level"), [(0.05, "bad"), (0.15, "warn"), (0.5, None)], ids=["still", "near", "ok"]
)
def test_a_camera_that_stood_still_is_noticed(radius: float, level: str | None):
    random = np.random.default_rng(0)
    placements = []
    for i, azimuth in enumerate(np.arange(24) * 15.0):
        outwards = np.array([np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth)), 0.0])
        offset = random.normal(size=3)
        centre = radius * offset / np.linalg.norm(offset)
        moved = replace(placed(i, azimuth), centre=tuple(centre), forward=tuple(outwards))
        placements.append(moved)
    diagnosis = examine(outcome(placements=tuple(placements)))
    found = [one.level for one in diagnosis.findings if one.kind == "baseline"]
    assert found == ([level] if level else [])
    assert diagnosis.holes == (), "who looks outwards goes around nothing"


def test_a_hole_is_named_by_the_photos_beside_it():
    azimuths = np.arange(24) * 10.0 + 45.0  # from 45 to 275 degrees
    diagnosis = examine(outcome(azimuths=azimuths))
    found = finding(diagnosis, "hole")
    assert found.photos == ("23.jpg", "00.jpg")
    assert "130 degrees" in found.title
    assert found.level == "warn"
    assert sum(diagnosis.holes) == 24
    assert diagnosis.holes[0] == 0
    assert diagnosis.holes[10] == diagnosis.holes[11] == 0


def test_a_narrow_hole_is_a_note_and_even_steps_are_none():
    found = finding(examine(outcome(azimuths=np.arange(24) * 12.0)), "hole")
    assert found.level == "note"
    few = np.arange(5) * 72.0
    assert "hole" not in kinds(examine(outcome(5, azimuths=few)))


def test_one_side_of_a_thing_is_no_hole():
    diagnosis = examine(outcome(azimuths=np.linspace(-50, 50, 24)))
    assert finding(diagnosis, "one_side").level == "note"
    assert "100 degrees" in finding(diagnosis, "one_side").title
    assert "hole" not in kinds(diagnosis)
    assert diagnosis.grade == "A"


def test_sectors_turn_with_the_frame_that_cameras_are_in():
    """y down, as models often have it: seen from above still counter-clockwise from x."""
    placements = []
    for i, azimuth in enumerate((10, 40, 70, 100, 130, 160, 190, 220)):
        old = placed(i, azimuth)
        x, y, z = old.centre
        a, b, c = old.forward
        placements.append(replace(old, centre=(x, -z, y), forward=(a, -c, b), up=(0, -1, 0)))
    diagnosis = examine(outcome(8, placements=tuple(placements)))
    forwards = [i for i, n in enumerate(diagnosis.holes) if n]
    assert forwards == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"focal_px": 200.0, "exif_focal_px": None}, "focal_length"),
        ({"focal_px": 6_000.0, "exif_focal_px": None}, "focal_length"),
        ({"focal_px": 1_300.0}, "focal_exif"),
        ({"parameters": (900.0, 500.0, 375.0, 0.9)}, "distortion"),
        ({"parameters": (900.0, 350.0, 375.0, 0.0)}, "principal_point"),
    ],
)
def test_a_lens_that_cannot_be_is_doubted(changes, kind):
    diagnosis = examine(outcome(lenses=(lens(**changes),)))
    assert kinds(diagnosis) == {"placed", kind}


def test_the_shift_of_a_corner_is_that_of_the_model():
    bent = lens(model="OPENCV", parameters=(900.0, 900.0, 500.0, 375.0, -0.2, 0.05, 0.0, 0.0))
    squared = (500**2 + 375**2) / 900**2
    assert corner_shift(bent) == pytest.approx(abs(-0.2 * squared + 0.05 * squared**2))


def test_one_camera_with_two_lenses_is_noticed():
    both = (lens(), lens(focal_px=1_050.0, parameters=(1050.0, 500.0, 375.0, 0.0)))
    assert "lenses_differ" in kinds(examine(outcome(lenses=both)))
    zoomed = (both[0], replace(both[1], exif_focal_px=1_050.0))
    assert "lenses_differ" not in kinds(examine(outcome(lenses=zoomed)))


def test_a_large_error_is_told():
    assert finding(examine(outcome(error_px=2.0)), "error").level == "warn"
    assert "error" not in kinds(examine(outcome(error_px=1.2)))


def test_photos_that_rest_on_little_are_named():
    one = outcome()
    shaky = replace(one.placements[3], points=9)
    off = replace(one.placements[8], error_px=4.0)
    rest = [p for p in one.placements if p.name not in (shaky.name, off.name)]
    found = finding(examine(replace(one, placements=(*rest, shaky, off))), "unsure")
    assert found.photos == ("03.jpg", "08.jpg")


def test_photos_that_took_no_part_are_mentioned(tmp_path: Path):
    for i in (0, 1, 77, 78):
        Image.new("RGB", (40, 30)).save(tmp_path / name(i))
    photos = read_photo_folder(tmp_path).without([name(78)])
    diagnosis = examine(outcome(), photos=photos)
    assert finding(diagnosis, "unused").photos == ("77.jpg",)

"""What the viewport shows and from where: modes, asked views, cameras and the photo over it."""

import operator
from collections.abc import Callable, Mapping
from typing import cast, get_args

import numpy as np
from PySide6.QtCore import QEvent, QObject, Signal

from app import theme
from app.asked import STILL_S, AskedView, Exactly
from app.framing import heart
from app.jobs import Job, Jobs
from app.looks import Looks
from app.marks import Marks
from app.pair import Pair
from app.photoreading import loaded, thumbnails
from app.session import Session
from assets.camera import Camera
from assets.gaussians import GaussianCloud
from assets.posed import PosedPhotos, View, up_of
from assets.similarity import similarity_between
from assets.unposed import Shot, UnposedPhotos
from engines.artifacts import CameraRig, Portrait
from engines.engine import Adjustable
from renderers.canvas import Viewport
from renderers.frusta import CameraMark
from renderers.splats import Mode

PHOTO_PX = 1600
"""Longest side of the photo that is laid over the view."""


class ViewControl(QObject):
    """Owns what is shown in the viewport. Called from the window's thread only."""

    photo_chosen = Signal(object)
    """Name of the photo that is looked through, or None."""
    modes_changed = Signal(object)
    """Ids of the modes in which there is something to see from now on; `mode` is one of them.
    Some may be `barred`."""
    adjustable_changed = Signal(object, object)
    """Photos whose light may be blended, and the box [2, 3] that is cut, None where none is."""
    troubled = Signal(str, str)
    """A sentence on what could not be shown, and the traceback of an unexpected error."""

    def __init__(
        self, viewport: Viewport, session: Session, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.viewport, self._session, self._jobs = viewport, session, jobs
        self.mode = "colour"
        self.modes: tuple[str, ...] = ()
        """Ways to look at what is on show or will be."""
        self._offered: tuple[str, ...] = ()
        self.chosen: int | None = None
        """View whose photo may be compared."""
        self.comparing = False
        self.photo_on_show = False
        """The photo of the chosen view lies over the viewport."""
        self._cloud: GaussianCloud | None = None
        self._portrait: Portrait | None = None
        self._shown: tuple = ()
        """Points and meshes that the viewport has, so that they are not sent to it again."""
        self.asked = AskedView(viewport)
        self.looks = Looks()
        """How a person wants to see a field."""
        self._adjustable: tuple = ((), None)
        self.barred: Mapping[str, str] = {}
        """Why some of `modes` cannot be shown now."""
        self.pair: Pair | None = None
        """What is compared in place of what is on show."""
        self._exactly: Exactly | None = None
        """How what is on show is drawn pixel by pixel."""
        self._still_s = 0.0
        self.marks = Marks(viewport)
        self._thumbnails: Job | None = None
        self._pictures: dict[str, np.ndarray] = {}
        """Thumbnails of photos without cameras, by name."""
        self.rig: CameraRig | None = None
        """The cameras on show that are being found; None before the first is known and once
        a data set is there."""
        self._framed: np.ndarray | None = None
        """Where the view was put by itself; it stays with the cameras until somebody moves it."""
        self._photo: Job | None = None
        viewport.native.installEventFilter(self)
        viewport.camera_picked.connect(self._picked)
        viewport.camera_changed.connect(self._moved)
        theme.follow(self._recolour)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys that were down when the viewport lost the keyboard will never be seen going up."""
        if event.type() == QEvent.Type.FocusOut:
            self.viewport.release_keys()
        return super().eventFilter(watched, event)

    # -- what there is ---------------------------------------------------------------------------

    @property
    def exactly(self) -> Exactly | None:
        """Where exact views and rays of what is on show come from, if anywhere."""
        return self._exactly

    def side_at(self, share: float) -> int | None:
        """Which of two that are compared is seen there, `share` of the width from the left."""
        return None if self.pair is None else self.pair.side_at(share, self.viewport.divide)

    def exactly_of(self, side: int | None) -> Exactly | None:
        """The same of one of the two that are compared, None for what is on show otherwise."""
        if side is None:
            return self._exactly
        return None if self.pair is None else self.pair.sides[side]

    def go_to_photo(self) -> View | None:
        """The photo whose place was chosen last; before that, go to the nearest one."""
        dataset = self._session.dataset
        if dataset is not None and self.chosen is None:
            self.look_through(self.nearest)
        return None if dataset is None or self.chosen is None else dataset.views[self.chosen]

    def name_of(self, side: int | None) -> str:
        """What a person calls that one: "A"; empty where nothing is compared."""
        return "" if side is None or self.pair is None else self.pair.names[side]

    @property
    def cloud(self) -> GaussianCloud | None:
        """The Gaussians on show, whatever the mode."""
        return self._cloud

    @property
    def subject(self) -> GaussianCloud | Portrait | None:
        """What was learnt and is on show."""
        return self._portrait if self._cloud is None else self._cloud

    def show_dataset(self, dataset: PosedPhotos | None, held_out: set[int]) -> None:
        """Show cameras and points of `dataset` and go where they can all be seen."""
        rig = self.rig
        self._clear_photos()
        if dataset is None:
            return
        marks = [CameraMark(camera=view.camera, name=view.name) for view in dataset.views]
        if rig is not None:
            poses = {view.name: view.camera.camera_to_world for view in dataset.views}
            self._follow(rig, poses)
        self.viewport.up = dataset.up
        self.marks.show_coloured(marks, held_out)
        self.refresh_assets()
        if rig is None:
            self.reset_view(animate=False)
        self._read_thumbnails(dataset.views, self.marks.show_thumbnails)

    def show_photos(self, photos: UnposedPhotos | None) -> None:
        """Nothing to see yet of photos without cameras; their pictures are made ready."""
        self._clear_photos()
        self._pictures = {}
        if photos is None:
            return
        shots = photos.views

        def done(thumbnails: list[np.ndarray | None]) -> None:
            found = zip(shots, thumbnails, strict=True)
            self._pictures = {shot.name: picture for shot, picture in found if picture is not None}
            if self.rig is not None:
                self.show_rig(self.rig)

        self._read_thumbnails(shots, done)

    def begin_posing(self) -> None:
        """No camera is known yet."""
        self.show_nothing()
        self.rig = self._framed = None
        self.marks.show([])
        self.refresh_assets()

    def show_rig(self, rig: CameraRig) -> None:
        """Show the cameras and points that are known so far; the view stays with them."""
        if not rig.cameras:
            return
        before, self.rig = self.rig, rig
        if before is not None:
            poses = zip(rig.names, rig.cameras, strict=True)
            self._follow(before, {name: camera.camera_to_world for name, camera in poses})
        self.viewport.up = up_of(list(rig.cameras))
        self.marks.show(
            [
                CameraMark(camera=camera, name=name, thumbnail=self._pictures.get(name))
                for name, camera in zip(rig.names, rig.cameras, strict=True)
            ]
        )
        self.refresh_assets()
        here = self.viewport.camera.camera_to_world
        if self._framed is None or np.allclose(here, self._framed):
            centres = np.stack([camera.centre for camera in rig.cameras])
            self.viewport.reset_view(animate=False)
            self.viewport.frame(heart(centres, rig.points, reach=1.0), animate=False)
            self._framed = self.viewport.camera.camera_to_world.copy()

    def compare(self, pair: Pair | None) -> None:
        """Show two runs, or a run and a photo, in place of what is on show; None: no more."""
        if pair is not self.pair:
            self.pair = pair
            self._settle_modes()
            self._apply_mode()

    def look(self, looks: Looks) -> None:
        """See a field in another light, or cut elsewhere."""
        if looks != self.looks:
            self.looks = looks
            self._still_s = 0.0  # coarse until the slider rests
            if self._portrait is not None:
                self._exactly = self._seen(self._portrait)
                self._apply_mode()

    def show_cloud(self, cloud: GaussianCloud, exactly: Exactly) -> None:
        """Show these Gaussians; `exactly` tells how they are drawn pixel by pixel."""
        if self._portrait is not None:
            self.show_nothing()
        first = self._cloud is None
        self._cloud, self._exactly = cloud, exactly
        if self.mode == "exact" and self.pair is None:
            self.asked.show(exactly)
        if not self.asked.shown:
            self.viewport.show_gaussians(cloud)
        if first:
            self.refresh_assets()

    def show_portrait(self, portrait: Portrait) -> None:
        """Show what only its engine can draw."""
        if self._cloud is not None:
            self.show_nothing()
        first, self._portrait = self._portrait is None, portrait
        self._settle_modes()
        self._exactly = self._seen(portrait)
        if self.pair is None:
            self.asked.show(self._exactly)
        if first:
            self._apply_mode()
            self.refresh_assets()

    def show_nothing(self) -> None:
        """What was learnt is gone."""
        gone = self.subject is not None
        self._cloud = self._portrait = self._exactly = self.pair = None
        self.asked.show(None)
        self.viewport.show_gaussians(None)
        if gone:
            self._settle_modes()
            self._apply_mode()
            self.refresh_assets()

    def refresh_assets(self) -> None:
        """Show the meshes and points that are open; a data set's points until it has learnt."""
        session = self._session
        points = session.dataset.points if session.dataset is not None else None
        if self.rig is not None:
            points = self.rig.points
        if self.subject is not None:
            points = None
        shown = (points, *session.clouds_of_points, None, *session.meshes)
        if len(shown) == len(self._shown) and all(map(operator.is_, shown, self._shown)):
            return
        self._shown = shown
        self.viewport.show_points(points)
        self.viewport.show_point_clouds(session.clouds_of_points)
        self.viewport.show_meshes(session.meshes)

    def look_at_shape(self) -> None:
        """Meshes stand upright along y, as glTF has it and most programs write them."""
        self.viewport.up = np.array([0.0, 1.0, 0.0])
        self.reset_view(animate=False)

    def look_at_result(self) -> None:
        """What was learnt without its photos is in the frame of their cameras: y points down."""
        self.viewport.up = np.array([0.0, -1.0, 0.0])
        self.reset_view(animate=False)

    # -- how it is shown -------------------------------------------------------------------------

    def offer(self, modes: tuple[str, ...]) -> None:
        """These are the modes of what will be on show; a portrait knows its own."""
        self._offered = modes
        self._settle_modes()

    def set_mode(self, mode: str) -> None:
        """Show what there is in another way, one of `modes`."""
        if mode != self.mode and mode in self.modes and mode not in self.barred:
            self.mode = mode
            self._apply_mode()

    def _settle_modes(self) -> None:
        modes = self._offered if self._portrait is None else self._portrait.source.modes
        barred = {} if self.pair is None else self.pair.barred(modes)
        if modes != self.modes or barred != self.barred:
            self.modes, self.barred = modes, barred
            if self.mode not in modes or self.mode in barred:
                self.set_mode(next(mode for mode in modes if mode not in barred))
            self.modes_changed.emit(modes)

    def _apply_mode(self) -> None:
        """Views that an engine draws are in the mode already, Gaussians are put into it."""
        self._settle_adjustable()
        if self.pair is not None:
            self.asked.mode = self.mode
            self.asked.show(self.pair.exactly)
            return
        asked = self._portrait is not None or self.mode == "exact"
        self.asked.mode = "colour" if self._portrait is None else self.mode
        self.asked.show(self._exactly if asked else None)
        known = self.mode in get_args(Mode)
        self.viewport.mode = cast(Mode, self.mode) if known and not asked else "colour"
        if not asked:
            self.viewport.show_gaussians(self._cloud)

    def _settle_adjustable(self) -> None:
        """Say what of the field on show can be seen otherwise, where that has changed."""
        source = self._portrait.source if self._portrait is not None else None
        found = source if isinstance(source, Adjustable) else None
        photos = found.photos if found is not None else ()
        box = found.box if found is not None and self.mode == "slice" else None
        if (photos, box is None) != (self._adjustable[0], self._adjustable[1] is None):
            self._adjustable = photos, box
            self.adjustable_changed.emit(photos, box)

    def _seen(self, portrait: Portrait) -> Exactly:
        looks = self.looks
        return Exactly(lambda: looks.of(portrait.source), portrait, looks)

    def set_comparing(self, on: bool) -> None:
        """Lay the photo of the chosen view over the viewport, with a line that can be dragged."""
        self.comparing = on
        if on and self.chosen is None and self._session.dataset is not None:
            self.look_through(self.nearest)
        else:
            self._load_photo()

    # -- where it is seen from -------------------------------------------------------------------

    def look_through_named(self, name: str) -> None:
        """Go to where the photo called `name` was taken, if that is known."""
        dataset, rig = self._session.dataset, self.rig
        if dataset is not None:
            names = [view.name for view in dataset.views]
            if name in names:
                self.look_through(names.index(name))
        elif rig is not None and name in rig.names:
            self.viewport.look_through(rig.cameras[rig.names.index(name)])
            self.photo_chosen.emit(name)

    def look_through(self, index: int) -> None:
        """Go to where view `index` of the data set was taken."""
        dataset = self._session.dataset
        if dataset is None or not 0 <= index < len(dataset.views):
            return
        self.chosen = self.marks.chosen = index
        self.viewport.selected_camera = index
        self.viewport.look_through(dataset.views[index].camera)
        self._load_photo()
        self.photo_chosen.emit(dataset.views[index].name)

    def reset_view(self, *, animate: bool = True) -> None:
        """See what the photos see; without photos, everything that is open."""
        self.viewport.reset_view(animate=False)
        dataset = self._session.dataset
        box = getattr(self._portrait.source, "box", None) if self._portrait is not None else None
        if dataset is not None:
            self.viewport.frame(heart(dataset.centres, dataset.points), animate=animate)
        elif box is not None:
            self.viewport.frame(np.asarray(box, dtype=np.float64), animate=animate)

    def step_through(self, by: int) -> None:
        """Go to the next photo (1) or the one before (-1)."""
        dataset = self._session.dataset
        if dataset is None:
            return
        start = self.nearest - by if self.chosen is None else self.chosen
        self.look_through((start + by) % len(dataset.views))

    @property
    def drawn_camera(self) -> Camera:
        """The camera whose pixels are seen: a view that an engine draws may be enlarged."""
        return self.asked.camera if self.asked.shown else self.viewport.camera

    # -- time ------------------------------------------------------------------------------------

    @property
    def in_a_hurry(self) -> bool:
        """The view moves and the processor has to draw it, because no GPU does."""
        return self._still_s < STILL_S and self.viewport.software_gl

    def tick(self, seconds: float) -> None:
        """Let time pass in the viewport and keep the asked view up to date."""
        self.viewport.tick(seconds)
        self._still_s += seconds
        if not self.viewport.learnt_visible:
            return
        if problem := self.asked.follow(self._still_s):
            self._fail("The view could not be drawn. The log has the details", problem)

    def close(self) -> None:
        """End the threads."""
        self.asked.close()
        self.viewport.close()

    # -- inside ----------------------------------------------------------------------------------

    def _fail(self, sentence: str, details: str) -> None:
        self.troubled.emit(sentence, details)

    def _clear_photos(self) -> None:
        for job in (self._thumbnails, self._photo):
            if job is not None:
                job.cancel()
        self.chosen = self.marks.chosen = None
        self.rig = self._framed = None
        self._show_photo(None)
        self.show_nothing()
        self.marks.show([])
        self.refresh_assets()

    def _read_thumbnails(
        self,
        views: tuple[View, ...] | tuple[Shot, ...],
        done: Callable[[list[np.ndarray | None]], None],
    ) -> None:
        self._thumbnails = self._jobs.start(
            "Reading thumbnails",
            lambda job: thumbnails(views, job),
            done=done,
            failed=self._fail,
            quiet=True,
        )

    def _follow(self, old: CameraRig, new: dict[str, np.ndarray]) -> None:
        """The frame of the cameras changes as they are found: keep the view on the same things."""
        both = [
            (camera, new[name])
            for name, camera in zip(old.names, old.cameras, strict=True)
            if name in new
        ]
        if not both:
            return
        change = similarity_between(
            np.stack([camera.camera_to_world for camera, _ in both]),
            np.stack([pose for _, pose in both]),
        )
        self.viewport.reframe(change)
        if self._framed is not None:
            self._framed = change.pose(self._framed)

    def _picked(self, index: int) -> None:
        if index < len(self.marks.all):
            self.look_through_named(self.marks.all[index].name)

    def _moved(self) -> None:
        self._still_s = 0.0

    @property
    def nearest(self) -> int:
        """The view that sees most nearly what the viewport shows."""
        dataset = self._session.dataset
        assert dataset is not None
        camera = self.viewport.camera
        away = np.linalg.norm(dataset.centres - camera.centre, axis=1)
        forward = np.stack([view.camera.forward for view in dataset.views])
        return int(np.argmin(away / max(float(away.mean()), 1e-9) - forward @ camera.forward))

    def _load_photo(self) -> None:
        if self._photo is not None:
            self._photo.cancel()
        self._show_photo(None)
        dataset, index = self._session.dataset, self.chosen
        if not self.comparing or dataset is None or index is None:
            return
        view = dataset.views[index]
        self._photo = self._jobs.start(
            f"Reading {view.name}",
            lambda _: loaded(view, PHOTO_PX),
            done=self._show_photo,
            failed=self._fail,
            quiet=True,
        )

    def _show_photo(self, image: np.ndarray | None) -> None:
        self.photo_on_show = image is not None
        self.viewport.show_photo(image, split=0.5)

    def _recolour(self) -> None:
        colour = theme.colour(theme.current().viewport)
        self.viewport.background = (colour.redF(), colour.greenF(), colour.blueF())

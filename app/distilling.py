"""An opened diffusion model teaches another one: asked for, begun, and given back when it ends."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

from PySide6.QtCore import QObject, Signal

from app.imagesets import DiffusionModel, ImageSet, taught_by
from engines.diffusion.config import GUIDANCE, PAIRS, as_student, student_config
from engines.settings import Setting, check

if TYPE_CHECKING:
    from app.workbench import Workbench

USUAL = student_config()
"""What a student's run is like unless a person wants something else."""


@dataclass(frozen=True, kw_only=True)
class DistilSettings:
    """What a student is to learn from, and for how long."""

    pairs: Annotated[
        int, Setting("How many samples the teacher draws to be learnt from", low=16, high=1_000_000)
    ] = PAIRS
    guidance: Annotated[
        float,
        Setting(
            "w of (1 + w) conditional - w unconditional in what the teacher draws; the student "
            "then follows its words without",
            low=-1,
            high=20,
            step=0.5,
        ),
    ] = GUIDANCE
    steps: Annotated[
        int,
        Setting(
            "How long the student learns", low=1, high=10_000_000, step=500, label="Training steps"
        ),
    ] = USUAL.steps

    def __post_init__(self) -> None:
        check(self)


class Distilling(QObject):
    """Belongs to a workbench."""

    settings_wanted = Signal(object)
    """The config of a student's run: settings are to be these while it is at hand."""

    def __init__(self, bench: "Workbench") -> None:
        super().__init__(bench)
        self._bench = bench
        self._student: ImageSet | None = None
        """What the student at hand learns from."""
        self._before: tuple[ImageSet | None, DiffusionModel, str] | None = None
        """What was open before it: images, the model and its name."""

    @property
    def can_teach(self) -> bool:
        """A diffusion model from a file is on show."""
        model = self._bench.session.result
        return isinstance(model, DiffusionModel) and model.path is not None

    @property
    def is_at_work(self) -> bool:
        """What is learnt from are the samples of a teacher."""
        images = self._bench.session.images
        return images is not None and images.teacher is not None

    def ask(self) -> None:
        """Ask what the student is to be like, then begin; nothing where nobody answers."""
        bench, model = self._bench, self._bench.session.result
        if not isinstance(model, DiffusionModel) or model.path is None:
            return
        told = model.saved.vocabulary is not None
        wanted = bench.questions.distil(bench.window, model.saved.name, told)
        if wanted is not None:
            bench.guarded("Distilling", lambda: self._begin(model, wanted))

    def _begin(self, model: DiffusionModel, wanted: DistilSettings) -> None:
        bench, session = self._bench, self._bench.session
        assert model.path is not None
        before = session.images, model, session.result_name
        bench.run.clear()
        bench.choose(next(kind.id for kind in bench.kinds.values() if kind.learns == "images"))
        student = taught_by(
            model.path, model.saved.name, pairs=wanted.pairs, guidance=wanted.guidance
        )
        bench.take_images(student)
        self._student, self._before = student, before
        config = replace(bench.settings(), steps=wanted.steps, warmup=USUAL.warmup)
        self.settings_wanted.emit(as_student(config))
        bench.begin()

    def config_for(self, data: Any, config: Any) -> Any:
        """`config` as a run on `data` will have it: what only a student has follows by itself."""
        is_student = isinstance(data, ImageSet) and data.teacher is not None
        return as_student(config) if is_student else config

    def give_back(self) -> bool:
        """Show the model that taught as it was opened, if a student's run was cleared."""
        session = self._bench.session
        if self._before is None or session.images is not self._student:
            return False
        (images, model, name), self._before = self._before, None
        session.set_images(images)
        session.set_result(model, name)
        self._bench.result_shown.emit(model)
        return True

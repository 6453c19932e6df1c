#!/usr/bin/env python3
"""The front door: the window, or the same engines without one.

Heavy imports wait until a command needs them, so that help is there at once.
"""

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import OmitArgPrefixes, Positional, arg
from tyro.extras import SubcommandApp

from assets.errors import InputError
from engines.commands.distillline import distill
from engines.commands.methods import DIFFUSION, NERF, SPLATS, Method, Resumable
from engines.commands.options import (
    CHECKPOINT,
    REPORT,
    RESUME,
    UsageError,
    config_from,
    options_of,
)
from engines.commands.sampleline import sample
from engines.diffusion.config import DiffusionConfig, student_config
from engines.poses import PosesConfig
from engines.settings import fields_of
from engines.splats import SplatConfig

COMMANDS = (
    "open",
    "train",
    "distill",
    "sample",
    "poses",
    "eval",
    "render",
    "mesh",
    "convert",
    "doctor",
)

_DATA = "Photos with cameras (COLMAP, transforms.json, bundle.out), or the word sample"
_PHOTOS = "A folder of photos or a video (.mp4, .mov, .webm), or the word sample"
_SCENE = "A file of Gaussians (.ply, .compressed.ply, .splat) or a radiance field (.safetensors)"


def open_window(
    paths: Annotated[
        Positional[tuple[Path, ...]],
        arg(
            metavar="[PATH ...]",
            help="Photos, videos, photos with cameras, splats, meshes, checkpoints, or the word "
            "sample",
            help_behavior_hint="(optional)",
        ),
    ] = (),
) -> int:
    """Open the window; this also happens when no command is named."""
    from engines.commands.display import display_problem

    problem = display_problem()
    if problem:
        from engines.commands.headless import Headless

        return Headless(paths, problem).run()
    if sys.platform == "win32":
        import torch  # noqa: F401 - its libraries must be loaded before Qt's there
    try:
        importlib.import_module("PySide6.QtOpenGLWidgets")
    except ImportError as error:
        raise InputError(
            f"The window cannot start ({error}). Run: python bootstrap.py setup, which names "
            "what is missing; the other commands work without a window"
        ) from error
    from app.launch import launch

    return launch(list(paths))


def train(method: Method, defaults: Any) -> Callable[..., int]:
    """The command `train METHOD`; options that are not given have the values of `defaults`."""
    basic = options_of(defaults, tier="basic", title="What matters most")
    rest = options_of(defaults, tier="advanced", title="What rarely needs a change")
    same = {field.name for field in fields_of(PosesConfig)} & vars(defaults).keys()
    own = {field.name for field in fields_of(PosesConfig)} - same
    posing = options_of(
        PosesConfig(), only=own, title="How cameras are found where photos come without"
    )

    def command(
        data: Annotated[
            Positional[str | None],
            arg(
                metavar="[DATA]",
                help="Photos with cameras (COLMAP, transforms.json, bundle.out), a folder of plain "
                "photos or a video, whose cameras are found first, or the word sample; with "
                "--resume found again by itself",
                help_behavior_hint="(optional)",
            ),
        ] = None,
        *,
        out: Annotated[
            Path, arg(metavar="OUT", help=f"Where to write the {' or '.join(method.suffixes)}")
        ],
        report: Annotated[Path | None, REPORT] = None,
        checkpoint: Annotated[Path | None, CHECKPOINT] = None,
        mesh: Annotated[
            Path | None,
            arg(
                metavar="MESH",
                help="Make a mesh of the result, too: .glb, .obj, .ply or .stl",
                help_behavior_hint="(optional)",
            ),
        ] = None,
        resume: Annotated[Path | None, RESUME] = None,
        settings: OmitArgPrefixes[Annotated[Any, arg(constructor=basic)]],
        advanced: OmitArgPrefixes[Annotated[Any, arg(constructor=rest)]],
        poses: OmitArgPrefixes[Annotated[Any, arg(constructor=posing)]],
    ) -> int:
        config = config_from(defaults, settings, advanced)
        shared = {name: getattr(config, name) for name in same}
        search = config_from(PosesConfig(**shared), poses)
        if data is None and resume is None:
            raise UsageError(f"Name the photos to learn from: train {method.id} DATA --out OUT")
        from engines.commands.train import Train

        return Train(
            method=method,
            data=data,
            out=out,
            config=config,
            report=report,
            checkpoint=checkpoint,
            resume=resume,
            mesh=mesh,
            poses=search,
        ).run()

    return command


def train_diffusion(defaults: Any) -> Callable[..., int]:
    """The command `train diffusion`; options that are not given have the values of `defaults`."""
    basic = options_of(defaults, tier="basic", title="What matters most")
    rest = options_of(defaults, tier="advanced", title="What rarely needs a change")

    def command(
        data: Annotated[
            Positional[str | None],
            arg(
                metavar="[DATA]",
                help="A folder of images, with subfolders as classes or a text beside each image "
                "as its caption; or shapes, mixture, moons or roll, which the program makes "
                "itself; with --resume found again by itself",
                help_behavior_hint="(optional)",
            ),
        ] = None,
        *,
        out: Annotated[Path, arg(metavar="OUT", help="Where to write the .safetensors")],
        grid: Annotated[
            Path | None,
            arg(
                metavar="GRID.png",
                help="Where to write a picture of samples at the end",
                help_behavior_hint="(optional)",
            ),
        ] = None,
        report: Annotated[Path | None, REPORT] = None,
        checkpoint: Annotated[Path | None, CHECKPOINT] = None,
        resume: Annotated[Path | None, RESUME] = None,
        settings: OmitArgPrefixes[Annotated[Any, arg(constructor=basic)]],
        advanced: OmitArgPrefixes[Annotated[Any, arg(constructor=rest)]],
    ) -> int:
        config = config_from(defaults, settings, advanced)
        if data is None and resume is None:
            raise UsageError("Name the images to learn from: train diffusion DATA --out OUT")
        from engines.commands.diffusion import TrainDiffusion

        return TrainDiffusion(
            data=data,
            out=out,
            config=config,
            report=report,
            checkpoint=checkpoint,
            resume=resume,
            grid=grid,
        ).run()

    return command


def poses() -> Callable[..., int]:
    """The command `poses`."""
    defaults = PosesConfig()
    basic = options_of(defaults, tier="basic", title="What matters most")
    rest = options_of(defaults, tier="advanced", title="What rarely needs a change")

    def command(
        photos: Annotated[Positional[str], arg(metavar="PHOTOS", help=_PHOTOS)],
        *,
        out: Annotated[
            Path,
            arg(metavar="DIR", help="Where to leave a COLMAP folder: images, sparse/0 and masks"),
        ],
        report: Annotated[Path | None, REPORT] = None,
        settings: OmitArgPrefixes[Annotated[Any, arg(constructor=basic)]],
        advanced: OmitArgPrefixes[Annotated[Any, arg(constructor=rest)]],
    ) -> int:
        from engines.commands.poses import FindPoses

        config = config_from(defaults, settings, advanced)
        return FindPoses(photos=photos, out=out, config=config, report=report).run()

    return command


def evaluate() -> Callable[..., int]:
    """The command `eval`."""
    from engines.commands.evaluate import SETTINGS

    defaults = SplatConfig()
    options = options_of(defaults, only=SETTINGS, title="As in training")

    def command(
        scene: Annotated[Positional[Path], arg(metavar="SCENE", help=_SCENE)],
        data: Annotated[Positional[str], arg(metavar="DATA", help=_DATA)],
        *,
        report: Annotated[Path | None, REPORT] = None,
        settings: OmitArgPrefixes[Annotated[Any, arg(constructor=options)]],
    ) -> int:
        from engines.commands.evaluate import Evaluate

        config = config_from(defaults, settings)
        return Evaluate(scene=scene, data=data, config=config, report=report).run()

    return command


def render(
    scene: Annotated[Positional[Path], arg(metavar="SCENE", help=_SCENE)],
    *,
    data: Annotated[str, arg(metavar="DATA", help=_DATA)],
    view: Annotated[
        str, arg(metavar="I", help="Number of the photo in the order of names, or its name")
    ] = "0",
    out: Annotated[Path, arg(metavar="X.png", help="Where to write the picture")],
    downscale: Annotated[int, arg(help="Divide width and height of the photo by this")] = 1,
) -> int:
    """Draw what was learnt exactly, as one of the photos saw the scene."""
    from engines.commands.render import Render

    if downscale < 1:
        raise UsageError(f"Downscale is {downscale}; expected 1 or more")
    return Render(scene=scene, data=data, view=view, out=out, downscale=downscale).run()


def make_mesh() -> Callable[..., int]:
    """The command `mesh`."""
    from engines.mesh import MeshConfig

    defaults = MeshConfig()
    basic = options_of(defaults, tier="basic", title="What matters most")
    rest = options_of(defaults, tier="advanced", title="What rarely needs a change")

    def command(
        scene: Annotated[Positional[Path], arg(metavar="SCENE", help=_SCENE)],
        out: Annotated[
            Positional[Path],
            arg(metavar="OUT", help="Where to write the .glb, .obj, .ply or .stl"),
        ],
        *,
        data: Annotated[
            str | None,
            arg(
                metavar="DATA",
                help=f"{_DATA}; without, the scene is looked at from all around",
                help_behavior_hint="(optional)",
            ),
        ] = None,
        settings: OmitArgPrefixes[Annotated[Any, arg(constructor=basic)]],
        advanced: OmitArgPrefixes[Annotated[Any, arg(constructor=rest)]],
    ) -> int:
        config = config_from(defaults, settings, advanced)
        from engines.commands.mesh import MakeMesh

        return MakeMesh(scene=scene, out=out, data=data, config=config).run()

    return command


def convert(
    source: Annotated[Positional[Path], arg(metavar="IN", help="A splat, mesh or point cloud")],
    out: Annotated[Positional[Path], arg(metavar="OUT", help="The name's end tells the format")],
) -> int:
    """Read one format and write another."""
    from engines.commands.convert import Convert

    return Convert(source, out).run()


def doctor(
    photos: Annotated[
        Positional[str | None],
        arg(
            metavar="[PHOTOS]",
            help=f"{_PHOTOS}; without it the machine is looked at",
            help_behavior_hint="(optional)",
        ),
    ] = None,
) -> int:
    """Say what works on this machine or what is wrong with photos, and what to do about it."""
    from engines.commands.doctor import Doctor

    return Doctor(photos).run()


def defaults_of(
    method: Resumable, arguments: Sequence[str], command: Sequence[str], usual: Any
) -> Any:
    """What options of `command` are when not given: settings of `--resume DIR`, or the usual."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--resume", nargs="?", type=Path)
    folder = parser.parse_known_args(arguments)[0].resume
    if folder is None or list(arguments[: len(command)]) != list(command):
        return usual
    return method.config_of(folder)


def command_line(arguments: Sequence[str]) -> int:
    """Carry one command line out and return the exit status.

    Raises InputError or UsageError with a sentence, and SystemExit from tyro.
    """
    if not arguments or (arguments[0] not in COMMANDS and not arguments[0].startswith("-")):
        arguments = ["open", *arguments]
    training = SubcommandApp()
    for method, words in (
        (SPLATS, "Learn 3D Gaussians from photos or a video."),
        (NERF, "Learn a radiance field from photos or a video."),
    ):
        training.command(name=method.id, help=words)(
            train(
                method, defaults_of(method, arguments, ["train", method.id], method.config_type())
            )
        )
    training.command(name=DIFFUSION.id, help="Learn to draw images like those of a folder.")(
        train_diffusion(
            defaults_of(DIFFUSION, arguments, ["train", DIFFUSION.id], DiffusionConfig())
        )
    )
    commands = SubcommandApp()
    commands.command(name="open", is_default=True)(open_window)
    commands.command(training, name="train", help="Learn from photos or images in the terminal.")
    commands.command(name="distill", help="Teach a diffusion model to draw in few steps.")(
        distill(defaults_of(DIFFUSION, arguments, ["distill"], student_config()))
    )
    commands.command(sample)
    commands.command(name="poses", help="Find out where photos were taken from.")(poses())
    commands.command(name="eval", help="Compare what was learnt with photos.")(evaluate())
    commands.command(render)
    commands.command(name="mesh", help="Make a mesh of what was learnt.")(make_mesh())
    commands.command(convert)
    commands.command(doctor)
    return commands.cli(
        prog="main.py",
        description="Drop photographs on it and watch Gaussians or a field learn from them.",
        args=arguments,
    )


def main(arguments: Sequence[str]) -> int:
    """`command_line` with its errors told on stderr: 1 for input, 2 for usage, 130 for Ctrl-C."""
    try:
        return command_line(arguments)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted\n")
        return 130
    except BrokenPipeError:  # whoever read our words, such as `head`, has had enough of them
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 128 + 13  # what shells report of a program that SIGPIPE has ended


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message=r"Image size \(")  # large photos are no attack here
    sys.exit(main(sys.argv[1:]))

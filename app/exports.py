"""What can be saved as a file, in which formats, and how it is checked that it arrived."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.imagesets import DiffusionModel, read_model_file
from assets.errors import InputError
from assets.export import export
from assets.field import SavedField
from assets.frame import Normalisation
from assets.gaussians import GaussianCloud
from assets.mesh import Mesh
from assets.open import open_path

MESH_BYTES = {".glb": (36, 12), ".obj": (102, 44), ".ply": (27, 13), ".stl": (0, 50)}
"""Of one vertex and of one face; those of text are usual ones."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Exportable:
    """An asset that a person may take away, and what there is to say about it."""

    asset: Any
    """In the frame of the input."""
    title: str
    """What is done: "Export Gaussians"."""
    formats: Mapping[str, str]
    """Suffixes and a sentence on each, the first by default."""
    filter: str
    """For file dialogs: "Splats (*.ply *.splat)"."""
    facts: Callable[[str], str]
    """How much it is in the format of a suffix: "12,000 Gaussians, 3.1 MB"."""
    amount: str
    """How much it is: "12,000 Gaussians"."""
    arrived: Callable[[Any], bool]
    """Whether what was read back is what was written."""
    in_frame: Callable[[Normalisation], Any] | None = None
    """The asset in the frame of training; None for what is only ever in that of the input."""
    save: Callable[[Any, Path], None] = export
    read: Callable[[Path], Any] = open_path

    def write(self, path: Path, frame: Normalisation | None = None) -> None:
        """Write, then read the file as anybody would. Raises InputError with a sentence."""
        asset = self.asset
        if frame is not None and self.in_frame is not None:
            asset = self.in_frame(frame)
        self.save(asset, path)
        if not self.arrived(self.read(path)):
            raise InputError(
                f"{path.name} does not read back as {self.amount}; save it again elsewhere"
            )


def exportable(asset: Any) -> Exportable:
    """How `asset` is saved. Raises TypeError for what cannot be."""
    if isinstance(asset, GaussianCloud):
        return _gaussians(asset)
    if isinstance(asset, SavedField):
        return _field(asset)
    if isinstance(asset, Mesh):
        return _mesh(asset)
    if isinstance(asset, DiffusionModel):
        return _model(asset)
    raise TypeError(f"a {type(asset).__name__} cannot be exported")


def _gaussians(cloud: GaussianCloud) -> Exportable:
    def facts(suffix: str) -> str:
        size = estimated_bytes(len(cloud), cloud.sh_degree, suffix)
        colour = f"colour of degree {cloud.sh_degree}" if suffix == ".ply" else "plain colour"
        return f"{len(cloud):,} Gaussians, {colour}, {megabytes(size)}"

    return Exportable(
        asset=cloud,
        title="Export Gaussians",
        formats={
            ".ply": "Standard 3DGS file: full precision, view-dependent colour; all splat "
            "viewers open it",
            ".splat": "32 bytes a Gaussian, 8-bit colour that is the same from all sides; for "
            "the web",
        },
        filter="Splats (*.ply *.splat)",
        facts=facts,
        amount=f"{len(cloud):,} Gaussians",
        arrived=lambda back: isinstance(back, GaussianCloud) and len(back) == len(cloud),
        in_frame=cloud.in_normalised_frame,
    )


def _mesh(mesh: Mesh) -> Exportable:
    amount = f"{len(mesh.faces):,} triangles"

    def facts(suffix: str) -> str:
        per_vertex, per_face = MESH_BYTES[suffix]
        size = round(per_vertex * len(mesh.vertices) + per_face * len(mesh.faces))
        colour = "no colour" if suffix == ".stl" else "colours at the vertices"
        return f"{amount}, {colour}, {megabytes(size)}"

    return Exportable(
        asset=mesh,
        title="Export mesh",
        formats={
            ".glb": "One file with colours and normals; browsers, Blender and game engines open it",
            ".obj": "Text that nearly every program reads; colours stand beside the positions",
            ".ply": "Exact and compact, with 8-bit colours; MeshLab and CloudCompare open it",
            ".stl": "The shape alone, without colours; for printers",
        },
        filter="Meshes (*.glb *.obj *.ply *.stl)",
        facts=facts,
        amount=amount,
        arrived=lambda back: isinstance(back, Mesh) and len(back.faces) == len(mesh.faces),
        in_frame=mesh.in_normalised_frame,
    )


def _field(field: SavedField) -> Exportable:
    shapes = {name: array.shape for name, array in field.arrays.items()}
    count = sum(array.size for array in field.arrays.values())

    def arrived(back: Any) -> bool:
        found = isinstance(back, SavedField) and back.arrays.items()
        return bool(found) and {name: array.shape for name, array in found} == shapes

    return Exportable(
        asset=field,
        title="Export radiance field",
        formats={
            ".safetensors": "All numbers of the field and what they mean; this program opens it, "
            "with or without a window"
        },
        filter="Radiance fields (*.safetensors)",
        facts=lambda _: f"{count:,} numbers, {megabytes(round(1e6 * field.megabytes))}",
        amount=f"a radiance field of {count:,} numbers",
        arrived=arrived,
    )


def _model(model: DiffusionModel) -> Exportable:
    def save(asset: DiffusionModel, path: Path) -> None:
        from engines.diffusion.saved import SUFFIX, write_model

        if path.suffix.lower() != SUFFIX:
            raise InputError(f"A diffusion model is saved as {SUFFIX}, not as {path.name}")
        write_model(asset.saved, path)

    return Exportable(
        asset=model,
        title="Export diffusion model",
        formats={
            ".safetensors": "All weights and a card that says what they are; this program draws "
            "from it, with or without a window"
        },
        filter="Diffusion models (*.safetensors)",
        facts=lambda _: (
            f"{model.weights:,} weights, {megabytes(4 * model.weights)}{_ceiling(model)}"
        ),
        amount=f"a diffusion model of {model.weights:,} weights",
        arrived=lambda back: back.weights == model.weights,
        save=save,
        read=read_model_file,
    )


def _ceiling(model: DiffusionModel) -> str:
    """How good its samples can be at most, where they come out of an autoencoder."""
    space = model.saved.space
    return "" if space is None else f", autoencoder of {space.psnr:.1f} dB inside"


def estimated_bytes(count: int, sh_degree: int, suffix: str) -> int:
    """Size of a file of Gaussians without its short header."""
    if suffix == ".splat":
        return 32 * count
    return 4 * count * (3 + 3 + 3 * (sh_degree + 1) ** 2 + 1 + 3 + 4)


def megabytes(size: int) -> str:
    """A size of a file for people."""
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"

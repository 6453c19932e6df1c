"""Trained diffusion models in .safetensors files, with a card that says in words what they are."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from assets.errors import InputError
from assets.files import atomic_write
from engines.diffusion.latent.autoencoder import CHANNELS
from engines.diffusion.latent.space import LatentSpace
from engines.diffusion.networks.choose import Network, build
from engines.diffusion.networks.classifier import Classifier, ClassifierConfig
from engines.diffusion.networks.config import NetworkConfig
from engines.diffusion.words import Vocabulary

SUFFIX = ".safetensors"
KEY = "zograscope"
KIND = "diffusion model"
VERSION = 1
AUTOENCODER = "autoencoder/"
"""What the names of the tensors of a latent space begin with."""
CLASSIFIER = "classifier/"
"""What the names of a classifier's tensors begin with."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SavedModel:
    """A network with what it takes to ask it, and what is known of how it came about."""

    name: str
    """Short title for people."""
    network: Network
    vocabulary: Vocabulary | None
    diffusion: dict[str, Any]
    """Path, target and the like: what the samplers need to know; JSON values."""
    trained: dict[str, Any] = field(default_factory=dict)
    """Steps, seconds, data and what else people may want to read; JSON values."""
    classifier: Classifier | None = None
    """What names the class of something noisy, where it was taught."""
    space: LatentSpace | None = None
    """Where it denoises; None for pixels or points."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: (c, h, w) of an image, or (2,) for points."""
        config = self.network.config
        if config.kind == "points":
            return (2,)
        shape = config.channels, config.height, config.width
        return shape if self.space is None else self.space.image_shape(shape)


def write_model(model: SavedModel, path: Path) -> None:
    """Write `model` to `path`, whole or not at all; InputError when it cannot be written.

    The card is JSON text in the file's metadata, under "zograscope".
    """
    vocabulary = model.vocabulary
    card = {
        "kind": KIND,
        "version": VERSION,
        "name": model.name,
        "network": dataclasses.asdict(model.network.config),
        "vocabulary": None if vocabulary is None else vocabulary.about(),
        "diffusion": model.diffusion,
        "trained": model.trained,
    }
    tensors = dict(model.network.state_dict())
    if model.classifier is not None:
        card["classifier"] = dataclasses.asdict(model.classifier.config)
        names = model.classifier.state_dict().items()
        tensors |= {f"{CLASSIFIER}{name}": tensor for name, tensor in names}
    if model.space is not None:
        card["latent space"] = model.space.about()
        inside = model.space.autoencoder.state_dict().items()
        tensors |= {f"{AUTOENCODER}{name}": tensor for name, tensor in inside}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = save(tensors, metadata={KEY: json.dumps(card, indent=1, ensure_ascii=False)})
    with atomic_write(path) as file:
        file.write(content)


def read_model(path: Path, device: torch.device | str = "cpu") -> SavedModel:
    """The model in `path`, its network on `device` and ready to be asked.

    Raises InputError with a sentence for files of another kind, of a newer version, and for
    those that are cut off or broken.
    """
    card, tensors = _read(path)
    if card.get("kind") != KIND:
        what = card.get("kind") or "no diffusion model of this program"
        raise InputError(
            f"{path.name} holds {'a ' if card.get('kind') else ''}{what}; expected a file "
            "written by the export of a diffusion model or by main.py train diffusion"
        )
    if card.get("version") != VERSION:
        raise InputError(
            f"{path.name} is of version {card.get('version')}; this program reads version "
            f"{VERSION}, so update it or export the model again"
        )
    try:
        network = build(network_config(card["network"]), torch.Generator().manual_seed(0))
        names = {n: tensors.pop(n) for n in list(tensors) if n.startswith(CLASSIFIER)}
        inside = {n: tensors.pop(n) for n in list(tensors) if n.startswith(AUTOENCODER)}
        network.load_state_dict(tensors)
        space = _space(card.get("latent space"), inside, network.config, device)
        about = card["vocabulary"]
        vocabulary = None if about is None else Vocabulary.of(about)
        if network.config.tokens != (0 if vocabulary is None else vocabulary.size):
            raise ValueError("its vocabulary is not that of its network")
        return SavedModel(
            name=str(card["name"]),
            network=network.to(device).requires_grad_(False).eval(),
            vocabulary=vocabulary,
            diffusion=dict(card["diffusion"]),
            trained=dict(card["trained"]),
            classifier=_classifier(card.get("classifier"), names, network.config, device),
            space=space,
        )
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise InputError(
            f"The diffusion model in {path.name} is incomplete or broken "
            f"({_first_line(error)}); export it again"
        ) from error


def network_config(about: dict[str, Any]) -> NetworkConfig:
    """The inverse of dataclasses.asdict after JSON; raises TypeError or ValueError."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in about.items()}
    return NetworkConfig(**values)


def _classifier(
    about: dict[str, Any] | None,
    tensors: dict[str, Tensor],
    beside: NetworkConfig,
    device: torch.device | str,
) -> Classifier | None:
    """What the card tells of, None where it tells of none; raises as `network_config`."""
    if about is None:
        return None
    config = ClassifierConfig(**{**about, "classes": tuple(about["classes"])})
    shape = (2,) if beside.kind == "points" else (beside.channels, beside.height, beside.width)
    if config.shape != shape:
        raise ValueError("its classifier looks at something else than its network draws")
    found = Classifier(config, torch.Generator().manual_seed(0))
    found.load_state_dict({n.removeprefix(CLASSIFIER): t for n, t in tensors.items()})
    return found.to(device).requires_grad_(False).eval()


def _space(
    about: dict[str, Any] | None,
    tensors: dict[str, Tensor],
    beside: NetworkConfig,
    device: torch.device | str,
) -> LatentSpace | None:
    """What the card tells of, None where it tells of none; raises as `LatentSpace.of`."""
    if about is None:
        return None
    if beside.channels != CHANNELS:
        raise ValueError("its network does not denoise latents")
    weights = {n.removeprefix(AUTOENCODER): t for n, t in tensors.items()}
    return LatentSpace.of(about, weights).on(device)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The card, empty where there is none, and the tensors."""
    try:
        with safe_open(path, framework="pt") as file:
            card = json.loads((file.metadata() or {}).get(KEY, "null"))
            names = file.keys()  # it is no mapping, and has no iterator
            tensors = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist; name the file of a diffusion model") from error
    except (SafetensorError, ValueError, OSError) as error:
        raise InputError(
            f"{path.name} cannot be read as a .safetensors file ({error}); it may be cut off, so "
            "copy or export it again"
        ) from error
    return (card if isinstance(card, dict) else {}), tensors


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0].rstrip(":")

"""What a run will need in memory, told before it starts instead of by a crash.

The network is built and asked once without any numbers in it (torch's "meta" device), which
takes no memory and no time to speak of, however large it is.
"""

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psutil
import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from assets.errors import InputError
from engines.diffusion.condition import Condition
from engines.diffusion.networks.choose import Network, build, weights
from engines.diffusion.networks.classifier import Classifier, ClassifierConfig
from engines.diffusion.networks.config import NetworkConfig

BYTES_PER_WEIGHT = 4 * 6
"""Weights, their average, gradient, two moments, and a copy to draw with; float32."""
BYTES_PER_WEIGHT_OF_CLASSIFIER = 4 * 5
"""The same without an average."""
PASSING = 1.3
"""What a step holds at its height over what it keeps for the way back."""
MIXED = 0.6
"""What a step in bfloat16 keeps over one in float32; some layers stay as they are."""
COPIES = 2
"""Of all images: as they were read, and sorted into those to learn from and those held out."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Bytes that a run needs at its height, by what needs them."""

    parameters: int
    """How many weights the network has."""
    weights: int
    step: int
    """Of one training step: what the layers keep for the gradients."""
    batch: int
    size: tuple[int, int]
    """(height, width) of the images."""
    latents: int = 0
    """Of the latents of all images, where such are learnt."""

    @property
    def total(self) -> int:
        """All together; the images themselves are in memory already."""
        return self.weights + self.step + self.latents


def forecast(
    config: NetworkConfig,
    batch: int,
    *,
    mixed: bool = False,
    classifier: ClassifierConfig | None = None,
) -> Forecast:
    """What training the network of `config` with `batch` images a step needs.

    `mixed` steps compute in bfloat16; that share is an estimate, which the figures of a GPU in
    `benchmarks` bear out within a quarter for small networks and exceed for none. A `classifier`
    takes its step before the network does, so only the larger one counts.
    """
    with torch.device("meta"):
        network = build(config, torch.Generator("cpu"))
        shape = (2,) if config.kind == "points" else (config.channels, config.height, config.width)
        x, t = torch.empty(1, *shape), torch.empty(1)
        words = torch.zeros(1, config.longest if config.cross else 1, dtype=torch.int64)
        condition = Condition(words, torch.ones_like(words, dtype=torch.bool))
        names = None if classifier is None else Classifier(classifier, torch.Generator("cpu"))
    saved = kept_bytes(network, lambda: network(x, t, condition if config.tokens else None))
    step = step_bytes(saved, batch, mixed=mixed)
    count, more = weights(network), 0
    if names is not None:
        more = weights(names)
        own = kept_bytes(names, lambda: names(x, t))
        step = max(step, step_bytes(own, batch, mixed=False))
    return Forecast(
        parameters=count + more,
        weights=count * BYTES_PER_WEIGHT + more * BYTES_PER_WEIGHT_OF_CLASSIFIER,
        step=step,
        batch=batch,
        size=(config.height, config.width),
    )


def kept_bytes(network: nn.Module, ask: Callable[[], object]) -> int:
    """What the layers of `network` keep for the gradients of what `ask` asks it, in bytes."""
    own = {StorageWeakRef(p.untyped_storage()) for p in network.parameters()}
    kept: list[Tensor] = []

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        ask()
    stores = {StorageWeakRef(each.untyped_storage()): each for each in kept}
    return sum(t.untyped_storage().nbytes() for ref, t in stores.items() if ref not in own)


def step_bytes(kept: int, batch: int, *, mixed: bool) -> int:
    """What a step with a batch of so many takes at its height, by what is `kept` for one."""
    return round(kept * batch * PASSING * (MIXED if mixed else 1))


def gradient_bytes(classifier: Classifier) -> int:
    """What the gradient of a class of one sample takes at its height, in bytes, as `pass_bytes`."""
    device = next(classifier.parameters()).device
    x = torch.zeros(1, *classifier.config.shape, device=device, requires_grad=True)

    def ask() -> None:
        with torch.enable_grad():
            says = classifier(x, torch.ones(1, device=device))
            torch.autograd.grad(says[:, 0].sum(), x)

    return alive_bytes(classifier, ask)


def pass_bytes(network: Network, shape: tuple[int, ...]) -> int:
    """What asking `network` about one sample of `shape` takes at its height, in bytes.

    Measured by asking it, without gradients; its weights do not count, for they are there already.
    """
    config, device = network.config, next(network.parameters()).device
    x, t = torch.zeros(1, *shape, device=device), torch.ones(1, device=device)
    words = torch.zeros(1, config.longest if config.cross else 1, dtype=torch.int64, device=device)
    condition = Condition(words, torch.ones_like(words, dtype=torch.bool))
    return alive_bytes(network, lambda: network(x, t, condition if config.tokens else None))


def alive_bytes(network: nn.Module, ask: Callable[[], object]) -> int:
    """The most that is in memory at once, beside the weights, while `ask` asks `network`."""
    alive = _Alive()
    for known in (*network.parameters(), *network.buffers()):
        alive.pass_over(known)
    with torch.no_grad(), alive:
        ask()
    return alive.most


class _Alive(TorchDispatchMode):
    """Counts the bytes of the tensors that are made within it and are not yet forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: what torch would wrap around the mode loads its compiler, which takes seconds."""
        return False

    def pass_over(self, tensor: Tensor) -> None:
        """Do not count this one, nor views of it."""
        self._known.add(tensor.untyped_storage())

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Called by torch for each operation."""
        found = func(*args, **(kwargs or {}))
        for made in tree_leaves(found):
            if isinstance(made, Tensor) and made.untyped_storage() not in self._known:
                self._count(made)
        return found

    def _count(self, made: Tensor) -> None:
        self.pass_over(made)
        store = made.untyped_storage()
        size = store.nbytes()
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(store, self._forget, size)

    def _forget(self, size: int) -> None:
        self.now -= size


def free_bytes(device: torch.device) -> int:
    """Memory that is free where the run computes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return psutil.virtual_memory().available


def amount_of(count: int) -> str:
    """Bytes for people: "38 MB", "1.2 GB"."""
    return f"{count / 1e9:,.1f} GB" if count >= 0.95e9 else f"{max(1, round(count / 1e6)):,} MB"


def check_room(needs: Forecast, free: int) -> None:
    """Raise InputError when `needs` are more than the `free` bytes."""
    if needs.total <= free:
        return
    height, width = needs.size
    latents = f", {needs.latents / 1e9:,.1f} GB for latents" if needs.latents else ""
    raise InputError(
        f"This run would need about {needs.total / 1e9:,.1f} GB of memory and "
        f"{free / 1e9:,.1f} GB are free: {needs.weights / 1e9:,.1f} GB for "
        f"{needs.parameters:,} weights{latents} and {needs.step / 1e9:,.1f} GB for steps of "
        f"{needs.batch:,} images of {width}x{height} pixels. Choose smaller images, a smaller "
        "batch or a smaller network"
    )


def check_images(count: int, size: int) -> None:
    """Raise InputError when `count` colour images of `size` x `size` bytes do not fit."""
    needed, free = COPIES * count * 3 * size * size, free_bytes(torch.device("cpu"))
    if needed > free:
        raise InputError(
            f"{count:,} images of {size}x{size} pixels need about {needed / 1e9:,.1f} GB of memory "
            f"and {free / 1e9:,.1f} GB are free; choose smaller images or fewer of them"
        )


def check_drawing(needed: int, count: int, free: int) -> None:
    """Raise InputError when `needed` bytes for drawing `count` samples are more than `free`."""
    if needed > free:
        raise InputError(
            f"Drawing {count:,} samples at once would need about {needed / 1e9:,.1f} GB of memory "
            f"and {free / 1e9:,.1f} GB are free; draw fewer samples"
        )

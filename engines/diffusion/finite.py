"""Samples that came apart: numbers that are not finite are black in a picture and say nothing."""

from torch import Tensor, nn

from assets.errors import InputError
from engines.diffusion.artist import Artist
from engines.diffusion.stroke import Stroke
from engines.diffusion.wish import Wish


def lost_rows(stroke: Stroke) -> Tensor:
    """[n] bool, True for samples that have numbers that are not finite."""
    whole = stroke.x.isfinite() & stroke.x0.isfinite()
    return ~whole.flatten(1).all(1)


def check_finite(stroke: Stroke, artist: Artist, wish: Wish) -> None:
    """Raise InputError where no sample of `stroke` is finite: no later step brings one back."""
    if not bool(lost_rows(stroke).all()) and (stroke.t > 0 or _is_finite(_decoder(stroke))):
        return
    raise InputError(
        f"All {wish.count:,} samples are lost at noise level t = {stroke.t:.3g}: the model gave "
        f"numbers that are not finite, where a picture needs finite ones; {_remedy(artist, wish)}"
    )


def lost_note(stroke: Stroke) -> str:
    """What is said of the last stroke where some samples are not finite, empty if all are."""
    lost = int(lost_rows(stroke).sum())
    if not lost:
        return ""
    return (
        f"{lost:,} of {len(stroke.x):,} samples have numbers that are not finite, which are shown "
        "black; ask for less guidance, more steps or another sampler"
    )


def _remedy(artist: Artist, wish: Wish) -> str:
    parts: dict[str, nn.Module] = {"weights": artist.network_for(wish)}
    if artist.space is not None:
        parts["autoencoder"] = artist.space.autoencoder
    if wish.classifier_guidance and artist.classifier is not None:
        parts["classifier"] = artist.classifier
    broken = [name for name, part in parts.items() if not _is_finite(part)]
    if broken:
        return (
            f"its {' and '.join(broken)} hold such numbers, as after a training that came apart, "
            "so train it again at a lower learning rate or take an earlier state of it"
        )
    return "its weights are finite, so ask for less guidance, more steps or another sampler"


def _decoder(stroke: Stroke) -> nn.Module | None:
    return None if stroke.shower is None else stroke.shower.space.autoencoder


def _is_finite(part: nn.Module | None) -> bool:
    return part is None or all(bool(p.isfinite().all()) for p in part.parameters())

"""Every sampler gives what the scheduler of diffusers gives on the same model outputs."""

from functools import partial

import pytest
import torch

from engines.diffusion.paths import STEPS, Cosine, Flow, Linear, Path, VariancePreserving, levels
from engines.diffusion.samplers import ddim, ddpm, dpmpp_2m, euler, euler_maruyama, heun, walk
from engines.diffusion.targets import Denoiser

schedulers = pytest.importorskip(
    "diffusers.schedulers", reason="diffusers is not installed (python bootstrap.py test does)"
)
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
TOLERANCE = 1e-4
PREDICTION = {"noise": "epsilon", "x0": "sample", "v": "v_prediction"}
BETAS = {"linear": "linear", "cosine": "squaredcos_cap_v2"}


def model(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Smooth in x and t, the same for both sides, and such that x stays about as large as data.

    Where all it says is far smaller than the noise in x, as sines of x are, x grows to 700, and
    float32 rounds by more than the tolerance.
    """
    mixed = 0.8 * x + 0.3 * x.roll(1, -1) + 0.2 * torch.cos(5 * t).view(-1, 1, 1, 1)
    return 0.8 * x + 0.3 * torch.sin(mixed) * (1 - 0.3 * t).view(-1, 1, 1, 1)


def start() -> torch.Tensor:
    return torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(3))


def settings(path: Path, target: str) -> dict:
    return {
        "num_train_timesteps": STEPS,
        "beta_start": 1e-4,
        "beta_end": 0.02,
        "beta_schedule": BETAS[path.name],
        "prediction_type": PREDICTION[target],
        "timestep_spacing": "trailing",
    }


def ours(sampler, path: Path, target: str, noise_levels: torch.Tensor) -> list[torch.Tensor]:
    """x at every level after the first."""
    denoise = Denoiser(model, path, target)  # pyright: ignore[reportArgumentType]
    generator = torch.Generator().manual_seed(7)
    moments = list(walk(sampler, denoise, start(), noise_levels, generator=generator))
    return [moment.x for moment in moments[1:]]


def theirs(scheduler, steps: int, x: torch.Tensor, **options) -> list[torch.Tensor]:
    """The same by a scheduler whose states are the x themselves."""
    scheduler.set_timesteps(steps)
    found = []
    for t in scheduler.timesteps:
        x = scheduler.step(model(x, ((t + 1) / STEPS).expand(len(x))), t, x, **options)[0]
        found.append(x)
    return found


def agree(found: list[torch.Tensor], expected: list[torch.Tensor]) -> None:
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other.float(), rtol=TOLERANCE, atol=TOLERANCE)


def cases(*targets: str):
    """Linear with all, cosine with what is well-posed at its end (see `targets.FLOOR`)."""
    return pytest.mark.parametrize(
        ("path", "target"),
        [(Linear(), target) for target in targets]
        + [(Cosine(), target) for target in targets if target != "noise"],
        ids=lambda value: value if isinstance(value, str) else value.name,
    )


@cases("noise", "x0", "v")
@pytest.mark.parametrize("eta", [0.0, 0.6, 1.0])
def test_ddim(path, target, eta):
    scheduler = schedulers.DDIMScheduler(clip_sample=False, **settings(path, target))
    generator = torch.Generator().manual_seed(7)
    expected = theirs(scheduler, 20, start(), eta=eta, generator=generator)
    found = ours(partial(ddim, eta=eta), path, target, levels(20))
    if eta:
        # They draw noise in the last step as well, where its share is all but 0.
        found, expected = found[:-1], expected[:-1]
    agree(found, expected)


@cases("noise", "x0", "v")
@pytest.mark.parametrize("variance", ["small", "large"])
@pytest.mark.parametrize("steps", [20, 250])
def test_ddpm(path, target, variance, steps):
    scheduler = schedulers.DDPMScheduler(
        clip_sample=False, variance_type=f"fixed_{variance}", **settings(path, target)
    )
    expected = theirs(scheduler, steps, start(), generator=torch.Generator().manual_seed(7))
    found = ours(partial(ddpm, variance=variance), path, target, levels(steps))
    if variance == "large":
        # They leave the noise of the last step out only where that begins at their level 0.
        found, expected = found[:-1], expected[:-1]
    agree(found, expected)


@cases("noise", "x0", "v")
@pytest.mark.parametrize("steps", [10, 40])
def test_dpmpp_2m(path, target, steps):
    scheduler = schedulers.DPMSolverMultistepScheduler(
        algorithm_type="dpmsolver++", solver_order=2, **settings(path, target)
    )
    agree(ours(dpmpp_2m, path, target, levels(steps)), theirs(scheduler, steps, start()))


def in_karras_frame(scheduler, path: Path, steps: int) -> list[torch.Tensor]:
    """The x of a scheduler that walks x / a; of Heun's, those after both calls of a step."""
    scheduler.set_timesteps(steps)
    noise_levels = levels(steps)
    x, found = start() / path.at(noise_levels[0])[0], []
    for t in scheduler.timesteps:
        seen = scheduler.scale_model_input(x, t)
        x = scheduler.step(model(seen, ((t + 1) / STEPS).expand(len(x))), t, x)[0]
        if step_is_done(scheduler):
            found.append(x * path.at(noise_levels[len(found) + 1])[0])
    return found


def step_is_done(scheduler) -> bool:
    """Whether a second call of the model is not to come, as it is in most steps of Heun's."""
    if scheduler.step_index == len(scheduler.timesteps):
        return True
    return getattr(scheduler, "state_in_first_order", True)


@pytest.mark.parametrize("target", ["noise", "v"])
@pytest.mark.parametrize("sampler", [euler, heun])
def test_euler_and_heun(sampler, target):
    kinds = {euler: schedulers.EulerDiscreteScheduler, heun: schedulers.HeunDiscreteScheduler}
    scheduler = kinds[sampler](**settings(Linear(), target))
    expected = in_karras_frame(scheduler, Linear(), 20)
    agree(ours(sampler, Linear(), target, levels(20)), expected)


def test_flow_euler():
    scheduler = schedulers.FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(sigmas=levels(20)[:-1].tolist())
    x, expected = start(), []
    for t in scheduler.timesteps:
        x = scheduler.step(model(x, (t / STEPS).expand(len(x))), t, x)[0]
        expected.append(x)
    agree(ours(euler, Flow(), "velocity", levels(20)), expected)


def test_flow_heun():
    scheduler = schedulers.FlowMatchHeunDiscreteScheduler()
    scheduler.set_timesteps(20)
    x, expected = start(), []
    for t in scheduler.timesteps:
        x = scheduler.step(model(x, (t / STEPS).expand(len(x))), t, x)[0]
        if step_is_done(scheduler):
            expected.append(x)
    noise_levels = torch.cat([torch.linspace(1, 1e-3, 20), torch.zeros(1)])
    agree(ours(heun, Flow(), "velocity", noise_levels), expected)


def test_flow_dpmpp_2m():
    scheduler = schedulers.DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=1.0
    )
    scheduler.set_timesteps(20)
    x, expected = start(), []
    for t, sigma in zip(scheduler.timesteps, scheduler.sigmas, strict=False):
        x = scheduler.step(model(x, sigma.expand(len(x))), t, x)[0]
        expected.append(x)
    agree(ours(dpmpp_2m, Flow(), "velocity", scheduler.sigmas), expected)


class Continuous(VariancePreserving):
    """The linear path without steps, as their scheduler of the SDE has it."""

    name = "continuous"
    vanishes = False

    def _signal(self, t: torch.Tensor) -> torch.Tensor:
        return torch.exp(-0.25 * t**2 * 19.9 - 0.5 * t * 0.1)

    def _signal_rate(self, t: torch.Tensor) -> torch.Tensor:
        return -0.5 * (0.1 + 19.9 * t) * self._signal(t)


def test_euler_maruyama():
    module = pytest.importorskip("diffusers.schedulers.deprecated.scheduling_sde_vp")
    scheduler = module.ScoreSdeVpScheduler()
    scheduler.set_timesteps(40)
    generator = torch.Generator().manual_seed(7)
    x, expected = start(), []
    for t in levels(40)[:-2]:  # our last step only denoises
        times = t.float().expand(len(x))
        x, _ = scheduler.step_pred(model(x, times), x, times, generator=generator)
        expected.append(x)
    agree(ours(euler_maruyama, Continuous(), "noise", levels(40))[:-1], expected)


@pytest.mark.parametrize("name", ["DDIM", "DPMSolverMultistep"])
def test_noise_on_the_cosine_path_from_where_there_is_some_data(name):
    sampler = {"DDIM": ddim, "DPMSolverMultistep": dpmpp_2m}[name]
    options = {"clip_sample": False} if name == "DDIM" else {}
    path, steps = Cosine(), 20
    scheduler = getattr(schedulers, f"{name}Scheduler")(
        **settings(path, "noise") | {"timestep_spacing": "leading"}, **options
    )
    expected = theirs(scheduler, steps, start())
    noise_levels = torch.cat([(scheduler.timesteps + 1) / STEPS, torch.zeros(1)])
    agree(ours(sampler, path, "noise", noise_levels), expected)

"""Settings that several engines share, word for word."""

from typing import Annotated, Literal

from engines.settings import Setting

Steps = Annotated[int, Setting("Training steps", low=1, high=10_000_000, step=500)]
TimeLimit = Annotated[
    float,
    Setting(
        "Stop after this training time even if steps are left, 0 for no limit",
        unit="s",
        low=0,
        high=1e7,
        step=10,
        tier="advanced",
        label="Time limit",
        zero="no limit",
    ),
]
Seed = Annotated[int, Setting("Seed of everything random in the run", low=0, high=2**31 - 1)]
Device = Annotated[
    Literal["auto", "cpu", "cuda"], Setting("Where to train; auto takes CUDA when it works")
]

# Of those that learn from posed photos:

Downscale = Annotated[
    int,
    Setting(
        "Divide width and height of the photos by this, 0 chooses by the device",
        low=0,
        high=64,
        zero="auto",
    ),
]
HoldoutEvery = Annotated[
    int,
    Setting(
        "Keep every n-th photo out of training to judge the result, 0 for none",
        low=0,
        high=1000,
        label="Hold out every",
        zero="none",
    ),
]
EvaluateEvery = Annotated[
    int,
    Setting(
        "Steps between two looks at the held-out photos, 0 for automatic",
        low=0,
        high=1_000_000,
        step=100,
        tier="advanced",
        zero="auto",
    ),
]
PhotoCache = Annotated[
    int,
    Setting(
        "Memory for photos kept at training size",
        unit="MB",
        low=16,
        high=1_000_000,
        step=128,
        tier="advanced",
        label="Photo cache",
    ),
]

"""Memory is taken from the system rarely, whatever part of the program comes first."""

import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

SWITCH = Path("/sys/kernel/mm/transparent_hugepage/enabled")
SCRIPT = """
import importlib, re, sys
importlib.import_module(sys.argv[1])
import torch
kept = torch.ones(16 << 20)
with open("/proc/self/smaps_rollup") as file:
    sys.stdout.write(re.search(r"AnonHugePages: *(\\d+)", file.read())[1])
"""


@pytest.mark.skipif(
    not SWITCH.exists() or "[never]" in SWITCH.read_text(), reason="this system has no large pages"
)
@pytest.mark.parametrize("first", ["engines.splats.train", "engines.diffusion.train"])
def test_a_tensor_of_64_mb_lies_in_large_pages(first, monkeypatch):
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT, first], capture_output=True, text=True, check=True
    ).stdout
    assert int(re.fullmatch(r"\d+", said)[0]) >= 48 << 10


TAKING = """
import importlib, resource, sys
importlib.import_module(sys.argv[1])
import torch
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for turn in range(3):
    before = faults()
    for _ in range(100):
        several = [torch.ones(1 << 17) for _ in range(16)]
        del several
sys.stdout.write(str(faults() - before))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told")
def test_tensors_of_a_megabyte_are_not_fetched_anew_each_time(monkeypatch):
    said = subprocess.run(
        [sys.executable, "-c", TAKING, "engines.diffusion.artist"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert int(said) < 1_000  # 25,600 and more where each is given back

"""Large tensors lie in large pages, whatever part of the program comes first."""

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

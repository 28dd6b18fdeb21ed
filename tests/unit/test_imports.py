"""What importing the package loads, and what it must work without."""

import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "neurodecode"
HYPERPARAMETERS = "import neurodecode.models as m; [m.family_type(f)() for f in m.family_names()]"
DECODERS = "import neurodecode.decoders as d; [d.decoder_types(f) for f in d.decoder_families()]"
TORCH_ROOMS = """
import importlib, pathlib
root = pathlib.Path({root!r})
for file in sorted((root / "nn").rglob("*.py")):
    name = ".".join(file.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
    importlib.import_module(name)
import neurodecode.models as m
[m.family_type(f) for f in m.family_names()]
"""


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


def loads_none_of(code: str, names: str) -> None:
    run(f"{code}\nimport sys\nloaded = {names!r}.split() & sys.modules.keys()\nassert not loaded, loaded")


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import neurodecode", "torch pandas scipy numpy neo elephant pynwb snakemake"),
        ("import neurodecode.config.listing", "torch pandas scipy numpy pydantic neo elephant pynwb snakemake"),
        (HYPERPARAMETERS, "torch neo elephant pynwb snakemake"),
        (DECODERS, "torch neo elephant pynwb snakemake"),
        ("import neurodecode.config.run, neurodecode.config.schema", "torch neo elephant pynwb snakemake"),
        ("import neurodecode.io, neurodecode.data.binning", "torch neo elephant pynwb snakemake"),
        ("import neurodecode.evaluation.folds", "torch neo elephant pynwb snakemake"),
    ],
)
def test_an_import_loads_only_what_it_needs(code, names):
    loads_none_of(code, names)


def test_torch_rooms_import_without_neo_elephant_and_snakemake():
    absent = "import sys\nsys.modules.update(dict.fromkeys(['neo', 'elephant', 'pynwb', 'snakemake']))\n"
    run(absent + TORCH_ROOMS.format(root=str(PACKAGE)))


def test_the_package_never_mentions_snakemake():
    mentions = [file.name for file in PACKAGE.rglob("*.py") if "snakemake" in file.read_text().lower()]
    assert mentions == []

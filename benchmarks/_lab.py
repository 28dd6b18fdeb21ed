"""Recordings that cost a second a job: what is tried is how they are run, not what is found in them."""

from pathlib import Path

import numpy as np
import yaml

MODELS = {
    "constant": {"family": "constant"},
    "psth": {"family": "psth"},
}
NETWORK = {"family": "lstm", "device": "cuda", "hidden": 2, "seeds": 1, "epochs": 2, "batches_per_epoch": 2}


def write_lab(
    folder: Path,
    n_sessions: int,
    *,
    network: bool = False,
    broken: tuple[int, ...] = (),
    sessions_on_page: int = 20,
) -> Path:
    """Recordings of two units and 20 trials, a sheet that lists them, and the configuration that names the sheet.

    ``broken``: recordings that are cut short. ``sessions_on_page``: of more, each has a page of its own.
    Returns the configuration's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["name,path,models"]
    for number in range(n_sessions):
        rng = np.random.default_rng(number)
        expected = 0.2 + 0.1 * np.sin(np.arange(40) / 6)[:, None] * [1, -1]
        path = folder / f"rat{number}.npz"
        np.savez(path, counts=rng.poisson(expected, (20, 40, 2)).astype(np.uint8), bin_size_s=0.01)
        if number in broken:
            path.write_bytes(path.read_bytes()[:100])
        rows.append(
            f"rat{number},{path.name},{'psth; constant; lstm' if network and number == 0 else 'psth; constant'}"
        )
    (folder / "sheet.csv").write_text("\n".join(rows) + "\n")
    config = {
        "sessions": "sheet.csv",
        "session_defaults": {"window_s": [0.1, 0.4], "bin_size_s": 0.01, "lead_s": 0.1},
        "recordings_dir": str(folder),
        "models": MODELS | ({"lstm": NETWORK} if network else {}),
        "evaluation": {"folds": 2, "bootstrap": 10},
        "report": {"sessions_on_page": sessions_on_page},
    }
    (folder / "lab.yaml").write_text(yaml.safe_dump(config))
    return folder / "lab.yaml"

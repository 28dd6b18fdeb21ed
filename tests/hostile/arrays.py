"""Files of counts: .npz, .npy and .mat that lie about what they hold."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import savemat
from scipy.sparse import csc_matrix

from neurodecode.errors import NeurodecodeError
from neurodecode.io import read_recording
from tests.hostile.shelf import Act, Case, flipped

COUNTS = np.random.default_rng(5).poisson(1.5, (40, 3)).astype(np.uint8)


class Bomb:
    """Unpickling it stops everything."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (SystemExit, ("unpickled",))


def member(values: np.ndarray, *, shape: tuple[int, ...] | None = None) -> bytes:
    """An array as .npy, its header declaring another shape."""
    out = io.BytesIO()
    header = np.lib.format.header_data_from_array_1_0(values)
    np.lib.format.write_array_header_1_0(out, header if shape is None else header | {"shape": shape})
    return out.getvalue() + values.tobytes()


def npz(members: dict[str, bytes], change: Callable[[bytes], bytes] = lambda c: c) -> Callable[[Path], Act]:
    """An archive of these members beside ``bin_size_s``."""

    def make(folder: Path) -> Act:
        path = folder / "made.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in {"bin_size_s.npy": member(np.array(0.05)), **members}.items():
                archive.writestr(name, content)
        path.write_bytes(change(path.read_bytes()))
        return partial(read_recording, path)

    return make


def saved(**arrays: Any) -> Callable[[Path], Act]:
    return npz({f"{name}.npy": member(np.asarray(values)) for name, values in arrays.items()})


def bomb(folder: Path) -> Act:
    """Zeros that take a thousandth of what they unpack to, which is more than the machine of these tests has."""
    path = folder / "made.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("counts.npy", "w", force_zip64=True) as file:
            header = io.BytesIO()
            about = {"descr": "|u1", "fortran_order": False, "shape": (17 << 20, 16)}
            np.lib.format.write_array_header_1_0(header, about)
            file.write(header.getvalue())
            for _ in range(17):
                file.write(bytes(1 << 24))
        archive.writestr("bin_size_s.npy", member(np.array(0.05)))
    assert path.stat().st_size < 1 << 22
    return partial(read_recording, path)


def lying(content: bytes) -> bytes:
    """The directory says that the first member unpacks to 100 GB."""
    place = content.index(b"PK\x01\x02", content.index(b"counts"))
    return content[: place + 24] + struct.pack("<I", 2**32 - 2) + content[place + 28 :]


def encrypted(content: bytes) -> bytes:
    first, directory = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")
    changed = flipped(flipped(content, first + 6, 0), directory + 8, 0)
    return changed


def flips(folder: Path) -> Act:
    """Bits turned over all through an archive; members have check sums."""
    path, rng = folder / "made.npz", np.random.default_rng(0)
    saved(counts=COUNTS)(folder)
    good, known = path.read_bytes(), read_recording(path)

    def act() -> int:
        n_refused = 0
        for _ in range(150):
            path.write_bytes(flipped(good, int(rng.integers(len(good))), int(rng.integers(8))))
            try:
                read = read_recording(path)
            except NeurodecodeError as error:
                n_refused += "made.npz" in str(error)
            else:  # what nobody reads, such as the time of day
                assert np.array_equal(read.counts, known.counts)
                assert read.bin_size_s == known.bin_size_s
        return n_refused

    return act


def most_refused(n_refused: int) -> None:
    assert n_refused > 90


def pickled(name: str, protocol: int) -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        (folder / name).write_bytes(pickle.dumps(Bomb(), protocol=protocol))
        return partial(read_recording, folder / name)

    return make


def objects(folder: Path) -> Act:
    np.savez(folder / "made.npz", counts=np.array([Bomb()], dtype=object), bin_size_s=0.05)
    return partial(read_recording, folder / "made.npz")


def mat(**arrays: Any) -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        savemat(folder / "made.mat", {"bin_size_s": 0.05, **arrays})
        return partial(read_recording, folder / "made.mat")

    return make


def mat_bytes(change: Callable[[bytes], bytes], *, compressed: bool = False) -> Callable[[Path], Act]:
    def make(folder: Path) -> Act:
        path = folder / "made.mat"
        savemat(path, {"counts": COUNTS, "bin_size_s": 0.05}, do_compression=compressed)
        path.write_bytes(change(path.read_bytes()))
        return partial(read_recording, path)

    return make


def mat_flips(folder: Path) -> Act:
    path, rng = folder / "made.mat", np.random.default_rng(0)
    mat_bytes(lambda c: c, compressed=True)(folder)
    good = path.read_bytes()

    def act() -> int:
        n_refused = 0
        for _ in range(100):
            path.write_bytes(flipped(good, int(rng.integers(128, len(good))), int(rng.integers(8))))
            try:
                read_recording(path)
            except NeurodecodeError as error:
                n_refused += "made.mat" in str(error)
        return n_refused

    return act


def hdf5_mat(folder: Path) -> Act:
    with h5py.File(folder / "made.mat", "w") as file:
        file.create_dataset("counts", shape=(10**9, 10**4), dtype="f8", chunks=(1024, 1))
        file["bin_size_s"] = 0.05
    return partial(read_recording, folder / "made.mat")


def held(n_spikes: int) -> Callable[[Any], None]:
    def check(recording: Any) -> None:
        assert int(recording.counts.sum()) == n_spikes

    return check


def case(name: str, make: Callable[[Path], Act], *refused: str, becomes: Any = None) -> Case:
    return Case("counts", name, make, *refused, becomes=becomes)


N = int(COUNTS.sum())
CASES = [
    case("objects", objects, "array 'counts' holds Python objects, which only unpickling .*save it as numbers"),
    *(
        case(f"a pickle named {name}", pickled(name, protocol), "by its first bytes a pickle|not a whole|no array")
        for name, protocol in (("made.npz", 4), ("made.npy", 2), ("made.mat", 5), ("other.npz", 0))
    ),
    case(
        "10^13 bins declared",
        npz({"counts.npy": member(COUNTS, shape=(10**13, 3))}),
        "declares uint8 .* bytes, and has 120",
    ),
    case("a shape that overflows", npz({"counts.npy": member(COUNTS, shape=(2**62, 2**62))}), "declares uint8"),
    case("a negative shape", npz({"counts.npy": member(COUNTS, shape=(-40, -3))}), r"made\.npz: "),
    case("too few bytes", npz({"counts.npy": member(COUNTS)[:-1]}), "120 bytes, and has 119"),
    case("a header of nothing", npz({"counts.npy": b""}), r"not a whole \.npz file"),
    case(
        "a header that is code",
        npz({"counts.npy": b"\x93NUMPY\x01\x00\x20\x00__import__('os').abort()       \n"}),
        r"not a whole \.npz",
    ),
    case("a bomb of zeros", bomb, "would take .* GiB, this machine has 0.25 GiB; save counts"),
    case("a size that lies", npz({"counts.npy": member(COUNTS)}, lying), r"made\.npz: "),
    case(
        "an encrypted member",
        npz({"counts.npy": member(COUNTS)}, encrypted),
        r"made\.npz: cannot be read .*encrypted",
    ),
    case(
        "a member out of the folder",
        npz({"counts.npy": member(COUNTS), "../../x.npy": member(COUNTS)}),
        becomes=held(N),
    ),
    case(
        "a member that is no array",
        npz({"counts.npy": member(COUNTS), "run.sh": b"rm"}),
        "holds 'run.sh', which is no array",
    ),
    case("bits turned over", flips, becomes=most_refused),
    case("cut off", npz({"counts.npy": member(COUNTS)}, lambda c: c[: len(c) // 2]), r"not a whole \.npz file"),
    case("twice itself", npz({"counts.npy": member(COUNTS)}, lambda c: c + c), becomes=held(N)),
    case("negative counts", saved(counts=COUNTS.astype(int) - 5), r"counts must lie in 0\.\.65535, got -5"),
    case("infinite counts", saved(counts=np.full((4, 2), np.inf)), r"counts must lie in 0\.\.65535, got inf"),
    case("counts above 65535", saved(counts=np.full((4, 2), 70_000)), r"counts must lie in 0\.\.65535"),
    case("halves of spikes", saved(counts=COUNTS + 0.5), "counts must be whole numbers"),
    case("counts as text", saved(counts=np.array([["1", "2"]])), "counts must be numbers"),
    case("complex counts", saved(counts=COUNTS * 1j), "counts must be numbers"),
    case("records", saved(counts=np.zeros(3, [("a", "u1"), ("b", "u1")])), "counts must be numbers"),
    case("five dims", saved(counts=np.zeros((1, 1, 1, 1, 1))), "counts must be numbers"),
    case("a NaN everywhere", saved(counts=np.full((4, 2), np.nan)), becomes=held(0)),
    case("bins of no width", saved(counts=COUNTS, bin_size_s=0.0), "bin_size_s must be a positive number"),
    case("bins of NaN", saved(counts=COUNTS, bin_size_s=np.nan), "bin_size_s must be finite, got nan"),
    case("bins of many widths", saved(counts=COUNTS, bin_size_s=np.ones(3)), "bin_size_s must be one number"),
    case("a start at infinity", saved(counts=COUNTS, start_s=np.inf), "start_s must be finite"),
    case(
        "a sparse matrix of 10^18 places",
        mat(counts=csc_matrix(([1.0], ([0], [0])), shape=(10**9, 10**9))),
        "'counts'.*would take",
    ),
    case("cells of objects", mat(counts=np.array([{"a": 1}, "x"], dtype=object)), "no array named counts"),
    case("MATLAB cut off", mat_bytes(lambda c: c[:170]), r"made\.mat: not a whole \.mat file"),
    case("MATLAB of zeros", mat_bytes(lambda c: bytes(len(c))), r"made\.mat: not a whole \.mat file"),
    case("MATLAB with bits turned over", mat_flips, becomes=lambda n: some(n)),
    case("MATLAB 7.3 of 80 TB", hdf5_mat, "counts.*would take .*save a part of it"),
]


def some(n_refused: int) -> None:
    assert n_refused > 30

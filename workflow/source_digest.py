"""A digest of the code that a job runs: its modules and all of ours that they import.

Snakemake sees a job's script and params but not what the script imports. With this digest among its params a job
runs again exactly when code that it uses has changed. Imports are read from the syntax tree: nothing is executed.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = "neurodecode"


def source_digest(root: str | Path, *modules: str, files: tuple[str, ...] = ()) -> str:
    """Digest of the package's ``modules`` below ``root``, of their imports, and of ``files`` (glob patterns).

    Modules that are imported by a name made at run time must be given. Raises FileNotFoundError for a module or
    pattern that matches nothing: a misspelt name must not pass for code that never changes.
    """
    root = Path(root)
    for module in modules:
        if _file(root, module) is None:
            raise FileNotFoundError(f"no module {module} in {root}")
    pending = list(modules)
    seen: set[str] = set()
    used: set[Path] = set()
    while pending:
        module = pending.pop()
        file = _file(root, module)
        if file is None or module in seen:  # a name inside a module, another's package, or done
            continue
        seen.add(module)
        used.add(file)
        pending += _imported(file)
        pending += [module.rpartition(".")[0]]  # its package's __init__ runs first
    for pattern in files:
        matching = set(root.glob(pattern))
        if not matching:
            raise FileNotFoundError(f"no file {pattern} in {root}")
        used |= matching
    return _hashed(root, used)


def _hashed(root: Path, files: set[Path]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _file(root: Path, module: str) -> Path | None:
    """The file of one of our modules; None for a name that is no module of ours."""
    if module.split(".")[0] != PACKAGE:
        return None
    base = root.joinpath(*module.split("."))
    return next((f for f in (base.with_suffix(".py"), base / "__init__.py") if f.is_file()), None)


@cache  # one workflow asks for many jobs that share most of their modules
def _imported(file: Path) -> tuple[str, ...]:
    return tuple(_imports(ast.parse(file.read_bytes(), file.name), file))


def _imports(tree: ast.AST, file: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{file}:{node.lineno}: relative import; write from {PACKAGE}... import ...")
            yield str(node.module)
            yield from (f"{node.module}.{name.name}" for name in node.names)

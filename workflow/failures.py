"""Recordings that failed in a run that went on without them (``--keep-going``): the page of the others names them.

Snakemake makes what all sessions go into, scores.csv and the page, only when all of them ended well. After a run
in which some did not, it is therefore called once more, for the configuration without these. It knows then what
the page was made from, and makes it anew as soon as they end well or are taken out.
"""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

VARIABLE = "NEURODECODE_FAILURES"  # names the file that tells the second run of the first one's failures
MOST_CHARACTERS = 1500  # of an error; its log holds all
ERROR = re.compile(r"^\d\d:\d\d:\d\d (?:ERROR|CRITICAL) ", flags=re.MULTILINE)
SILENT = "It ended without a word: killed, or out of memory or time."

Failures = Mapping[str, Mapping[str, str]]


def told_failures(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What the run before said that failed: recording -> rule, error and log; empty in a run of its own."""
    path = environment.get(VARIABLE)
    return {} if not path else dict(json.loads(Path(path).read_text(encoding="utf-8")))


def failures_of(
    failed: Iterable[Any], recorded_of: Callable[[str], str], sessions: Collection[str], since: float
) -> dict[str, dict[str, str]]:
    """Recordings by what failed first of them, in their order in the configuration.

    ``failed``: jobs of Snakemake, or groups of them. ``recorded_of``: the recording of a session. ``since``: when
    the run began (s since the epoch); what is older in a log was said by another run.
    """
    found: dict[str, list[tuple[bool, str, dict[str, str]]]] = {}
    for one in failed:
        for job in one.jobs if one.is_group() else [one]:
            session = dict(job.wildcards.items()).get("session") if job.wildcards else None
            if session is None or all(Path(file).exists() for file in job.output):
                continue
            log = next((Path(file) for file in job.log), None)
            error = "" if log is None else error_in(log, since)
            said = {"rule": job.rule.name, "error": error or SILENT, "log": "" if log is None else str(log)}
            found.setdefault(recorded_of(session), []).append((not error, job.rule.name, said))
    return {name: min(found[name], key=lambda one: one[:2])[2] for name in sessions if name in found}


def error_in(log: Path, since: float) -> str:
    """The last error that a job's log tells, shortened; empty where it tells none, or is older than ``since``."""
    try:
        if log.stat().st_mtime < since:
            return ""
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    begins = [match.end() for match in ERROR.finditer(text)]
    if not begins:
        return ""
    error = text[begins[-1] :].strip()
    return error if len(error) <= MOST_CHARACTERS else f"{error[:MOST_CHARACTERS]} ..."


def config_without(config: Mapping[str, Any], sessions: Collection[str]) -> dict[str, Any]:
    """The configuration without these sessions, nowhere."""
    rest = copy.deepcopy(dict(config))
    rest["sessions"] = {name: entry for name, entry in rest["sessions"].items() if name not in sessions}
    sections = [*rest.get("controls", {}).values()]
    sections += [rest[name] for name in ("co_smoothing", "decomposition", "forecast") if rest.get(name)]
    for section in sections:
        if section.get("sessions"):
            section["sessions"] = [name for name in section["sessions"] if name not in sessions]
    return rest


def report_without(failures: Failures, config: Mapping[str, Any], snakefile: str | Path) -> int:
    """Make scores.csv and the page of all sessions but these, which it names; returns Snakemake's exit status."""
    with tempfile.TemporaryDirectory() as folder:
        given, told = Path(folder, "config.json"), Path(folder, "failures.json")
        given.write_text(json.dumps(config_without(config, failures)), encoding="utf-8")
        told.write_text(json.dumps(failures), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--configfile", str(given)]
        command += ["--executor", "local", "--cores", "1", "--nolock", "--quiet", "all"]
        # The configuration is that of a part: what depends on it as a whole stays as it is.
        command += ["--rerun-triggers", "mtime", "--forcerun"]
        command += ["collect_scores", "summarise_sessions", "report", "--"]
        return subprocess.run(command, env=os.environ | {VARIABLE: str(told)}, check=False).returncode

"""Everything that a job says lands in its log; errors of ours without a traceback."""

import logging
import os
import sys
import warnings

import pytest

from neurodecode.errors import DataError
from neurodecode.report.logs import logging_to


def test_records_warnings_and_both_streams_go_into_the_file(tmp_path, capfd):
    path = tmp_path / "logs" / "job.log"
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with logging_to(path):
            logging.getLogger("neurodecode.x").info("12 folds")
            warnings.warn("beware", stacklevel=1)
            print("printed")
            sys.stderr.write("written\n")
            os.write(2, b"from C\n")
    text = path.read_text()
    for words in ("12 folds", "beware", "printed", "written", "from C"):
        assert words in text
    print("afterwards")
    captured = capfd.readouterr()
    assert captured.out == "afterwards\n"
    assert captured.err == ""


def test_an_error_of_ours_is_one_message_and_ends_the_process(tmp_path):
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit) as ended, logging_to(path):
        raise DataError("x.nwb: no units")
    assert ended.value.code == 1
    assert "ERROR" in path.read_text()
    assert "x.nwb: no units" in path.read_text()
    assert "Traceback" not in path.read_text()


def test_a_bug_keeps_its_traceback(tmp_path):
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit), logging_to(path):
        raise ZeroDivisionError
    assert "Traceback" in path.read_text()
    assert "please report it" in path.read_text()


def test_logging_is_as_before_afterwards(tmp_path):
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with logging_to(tmp_path / "job.log"):
        pass
    assert (root.level, list(root.handlers)) == before

"""A job uses the GPU that it was given, and no other."""

import logging
from types import SimpleNamespace

import pytest
import torch

from neurodecode.nn.device import choose_device, given_a_gpu


@pytest.mark.parametrize(
    ("environment", "given"),
    [
        ({}, True),
        ({"SLURM_JOB_ID": "7"}, False),
        ({"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "", "SLURM_GPUS_ON_NODE": "0"}, False),
        ({"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "0"}, True),
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_GPUS": "2"}, True),
    ],
    ids=["no cluster", "none given", "none said", "visible", "given"],
)
def test_a_job_of_slurm_has_the_gpus_that_it_was_given(environment, given):
    assert given_a_gpu(environment) is given


@pytest.mark.parametrize(("job", "kind"), [({}, "cuda"), ({"SLURM_JOB_ID": "7"}, "cpu")], ids=["alone", "job"])
def test_auto_leaves_the_gpus_of_other_jobs_alone(monkeypatch, job, kind):
    monkeypatch.setattr(torch, "cuda", SimpleNamespace(is_available=lambda: True))
    monkeypatch.setattr("os.environ", job)
    assert choose_device("auto").type == kind
    assert choose_device("cuda").type == "cuda"


def test_a_gpu_that_is_asked_for_and_not_found_is_said(monkeypatch, caplog):
    monkeypatch.setattr(torch, "cuda", SimpleNamespace(is_available=lambda: False))
    with caplog.at_level(logging.WARNING):
        assert choose_device("cuda").type == "cpu"
    assert "cuda was asked for, but torch finds no GPU; running on the CPU" in caplog.text

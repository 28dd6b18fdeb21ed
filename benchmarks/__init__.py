"""What is measured: each module is a command, run from the root of the project as `python -m benchmarks.NAME`."""

"""What a fitted network does: fixed points, Lyapunov exponents, gradient flow, spectra, trajectories.

Everything here works on a ``Step`` (``steps.py``): a map of flattened states, of a cell or of anything else.
"""

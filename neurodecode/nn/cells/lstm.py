"""Long short-term memory (Hochreiter & Schmidhuber 1997, Neural Comput 9:1735; forget gate: Gers et al. 2000)."""

import torch


class LSTM(torch.nn.LSTM):
    """torch's LSTM, batch first, with the forget gate open at the start (Jozefowicz et al. 2015, ICML)."""

    def __init__(self, n_inputs: int, hidden: int) -> None:
        super().__init__(n_inputs, hidden, batch_first=True)
        with torch.no_grad():  # gates are ordered input, forget, cell, output; the two biases add up
            for bias, value in (("bias_ih_l0", 1.0), ("bias_hh_l0", 0.0)):
                self.get_parameter(bias)[hidden : 2 * hidden] = value


CELL = LSTM

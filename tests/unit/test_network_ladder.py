"""Which of several network shapes is kept."""

import numpy as np
import pytest

from neurodecode.models._network_ladder import Learnt, best_rung
from neurodecode.models._network_paths import Paths
from neurodecode.models._network_share import Share

EPOCHS = 20
LADDER = [Paths(3, 2, hidden, np.zeros(0, np.int64), 0.001) for hidden in (64, 16, 4)]


def learning(outcomes: dict[int, tuple[float, float, int]]):
    """``learn`` of outcomes (share, gain, best epoch) by hidden size, and the sizes that it was asked for."""
    asked = []

    def learn(paths: Paths) -> Learnt:
        asked.append(paths.hidden)
        value, gain, best_epoch = outcomes[paths.hidden]
        return Learnt(paths, (), Share(value, gain, gain / 2), [{"best_epoch": best_epoch}])

    return learn, asked


@pytest.mark.parametrize(
    ("outcomes", "kept", "tried"),
    [
        ({64: (1.0, 0.1, 15)}, 64, [64]),
        ({64: (0.0, 0.0, 0), 16: (0.5, 0.01, 14)}, 16, [64, 16]),
        ({64: (0.5, 0.001, 2), 16: (1.0, 0.01, 14)}, 16, [64, 16]),
        ({64: (0.5, 0.02, 2), 16: (1.0, 0.01, 14)}, 64, [64, 16]),
        ({64: (0.5, 0.02, 2), 16: (0.0, 0.03, 1), 4: (0.0, 0.0, 0)}, 64, [64, 16, 4]),
        ({64: (0.0, 0.0, 2), 16: (0.0, 0.0, 1), 4: (0.0, 0.0, 0)}, 4, [64, 16, 4]),
    ],
    ids=["the first will do", "nothing seen", "overfitted", "overfitted, yet best", "doubtful ones", "none"],
)
def test_fewer_weights_are_tried_where_more_do_not_last(outcomes, kept, tried):
    learn, asked = learning(outcomes)
    assert best_rung(LADDER, learn, EPOCHS).paths.hidden == kept
    assert asked == tried


def test_one_network_that_lasts_is_enough():
    curves = [{"best_epoch": 2}, {"best_epoch": 10}]
    assert not Learnt(LADDER[0], (), Share(1.0, 0.1, 0.05), curves).soon_overfitted(EPOCHS)
    assert Learnt(LADDER[0], (), Share(1.0, 0.1, 0.05), curves[:1]).soon_overfitted(EPOCHS)

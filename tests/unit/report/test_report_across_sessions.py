"""What the page says of all sessions together: no difference is claimed whose interval includes 0."""

from neurodecode.evaluation.summary import SESSIONS, UNITS, Gain
from neurodecode.report.across_sessions import HEADINGS, across_sessions

FAMILIES = {"psth": "psth", "poisson": "poisson", "glm": "glm", "net": "lstm", "oracle": "oracle"}


def gain(model: str, value: float, half: float = 0.02, **changes) -> Gain:
    about = {"schema_version": 1, "model": model, "against": "psth", "session": "all", "unit": "all"}
    about |= {"resampled": SESSIONS, "n_sessions": 8, "n_units": 40, "value": value}
    return Gain(**(about | {"low": value - half, "high": value + half} | changes))


def table(net: float = 0.2, apart: float = 0.05, **changes) -> list[Gain]:
    """A network, a GLM and an oracle on eight sessions, of which one and a half stand in the table."""
    rows = [gain("net", net, **changes), gain("glm", 0.15, **changes), gain("oracle", 0.5, **changes)]
    rows += [gain("net", apart, against="glm", **changes), gain("glm", -apart, against="net", **changes)]
    own = {"session": "s0", "n_sessions": 1}
    rows += [gain("net", 0.1, **own), gain("glm", 0.01, **own)]
    return [*rows, gain("net", 0.3, unit="u1", **own), gain("net", 0.0, unit="u2", **own)]


def said(gains: list[Gain]) -> str:
    found = across_sessions(gains, FAMILIES)
    return " ".join([found.answer.sentence, *found.answer.details, found.how])


def test_a_gain_is_claimed_with_its_interval_and_what_it_is_over():
    found = across_sessions(table(), FAMILIES)
    assert found.answer.verdict == "gain"
    assert found.answer.sentence == (
        "Over 8 sessions and 40 units, net predicts 0.200 bits/spike more than the PSTH "
        "(95% interval 0.180 to 0.220)."
    )
    assert "0.050 bits/spike ahead of glm" in said(table())
    assert "drawn anew" in found.how
    assert "too narrow" not in found.how


def test_no_difference_is_claimed_whose_interval_includes_0():
    close = said(table(apart=0.01))
    assert "no difference is shown: +0.010 bits/spike" in close
    assert "ahead" not in close
    none = across_sessions(table(net=0.01, half=0.3), FAMILIES)
    assert none.answer.verdict == "none"
    assert "no gain over the PSTH is shown" in none.answer.sentence
    assert "includes 0" in none.answer.sentence
    loss = across_sessions([gain("net", -0.2)], FAMILIES)
    assert loss.answer.verdict == "loss"


def test_few_sessions_and_one_are_said_to_be_few():
    assert "too narrow" in said(table(n_sessions=3))
    alone = said(table(n_sessions=1, resampled=UNITS))
    assert "say nothing of other sessions" in alone
    assert "1 session and 40 units" in alone


def test_the_oracle_and_aggregates_are_no_candidates():
    assert across_sessions([gain("oracle", 0.5), gain("poisson", 0.1)], FAMILIES).answer.verdict == "open"
    assert across_sessions([], FAMILIES) is None


def test_the_table_counts_sessions_and_units_and_names_the_next_model():
    found = across_sessions(table(), FAMILIES)
    cells = {row.model: [cell.text for cell in row.cells] for row in found.rows}
    assert [heading.heading for heading in HEADINGS][1:3] == ["sessions gained", "units gained"]
    assert cells["net"] == ["+0.200", "1 of 1", "1 of 2", "+0.050 (glm)"]
    assert cells["glm"][1:] == ["0 of 1", "–", "–"]
    assert found.source.startswith("data:image/png;base64,")


def test_without_intervals_nothing_is_claimed():
    nan = float("nan")
    found = across_sessions([gain("net", 0.2, low=nan, high=nan)], FAMILIES)
    assert found.answer.verdict == "open"
    assert "no interval" in found.answer.sentence

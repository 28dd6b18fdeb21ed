"""The report's terms, in a sentence or two each, with where they come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """``source`` is empty for what is this project's own."""

    name: str
    meaning: str
    source: str = ""


TERMS = (
    Term(
        "bits/spike",
        "How much better a model foretells held-out spikes than the unit's mean rate does: the difference in "
        "log-likelihood, divided by the number of spikes. 0 is no better than a constant rate; 1 bit/spike makes "
        "each spike twice as likely. The mean rate is that of the training trials.",
        "Pillow et al. 2008, Nature 454:995",
    ),
    Term(
        "bits/spike (NLB null)",
        "The same against the unit's mean rate over the scored trials, the null that the Neural Latents Benchmark "
        "uses. Only the null is shared: these are no leaderboard figures.",
        "Pei et al. 2021, NeurIPS Datasets and Benchmarks",
    ),
    Term(
        "held out",
        "Every number here is about trials that the model was not fitted to. Trials are dealt over folds; each "
        "fold's model predicts its own test trials, one bin ahead, given the spikes before that bin.",
    ),
    Term(
        "PSTH",
        "Peri-stimulus time histogram: the rate averaged over the training trials of a condition. Here smoothed "
        "by a bandwidth chosen for each unit and shrunk toward the mean over conditions, so that it is hard to "
        "beat.",
    ),
    Term(
        "gain over PSTH",
        "Bits/spike by which a model foretells the same held-out trials better than the PSTH: what single trials "
        "hold beyond their average. Paired by trial.",
    ),
    Term(
        "95% interval",
        "Where the score would fall for other trials of the same session: trials are drawn again with "
        "replacement. It says nothing about other sessions or animals.",
        "Efron 1987, J Am Stat Assoc 82:171",
    ),
    Term(
        "noise ceiling",
        "Highest correlation that the true mean response could reach with the measured one, in windows of 20 ms: "
        "the trials are dealt into halves, and the correlation of their PSTHs is carried over to all trials. What "
        "the PSTH reaches is its correlation with the mean of held-out trials over that ceiling: 1 is all that "
        "can be explained.",
        "Spearman 1910 and Brown 1910, Br J Psychol 3; Hsu et al. 2004, Network 15:91; Schoppe et al. 2016, Front "
        "Comput Neurosci 10:10",
    ),
    Term(
        "PSTH ceiling",
        "Bits/spike of the true mean response above the mean rate, which no function of condition and time can be "
        "expected to exceed: what the average tells about its own trials, less what it tells only because it was "
        "made of them. Resolved to 20 ms.",
        "Akaike 1973, 2nd Int Symp Information Theory",
    ),
    Term(
        "psth_gain",
        "The PSTH scaled by a causal estimate of the trial's overall gain. A model that is no better than this "
        "one has found slow drift, not spike history.",
    ),
    Term(
        "markov",
        "A Markov chain: the rate depends on which of the unit's last k bins held a spike, a state for each of "
        "the 2^k words. Whatever is older is forgotten, and the longer the words, the fewer spikes tell of each. "
        "What a network gains over it needs a longer memory or other units.",
        "MacKay & Peto 1995, Nat Lang Eng 1:289",
    ),
    Term(
        "co-smoothing, co-bps",
        "Each unit predicted from the other units alone, never from its own spikes: bits/spike above the unit's "
        "mean rate. Units are dealt into groups, and each group is predicted from the others. What exceeds the "
        "unit's PSTH is shared between units within single trials. Causal rows see only the others' past; the "
        "others (causal: false) see their future too, as co-smoothing of the Neural Latents Benchmark does.",
        "Pei et al. 2021, NeurIPS Datasets and Benchmarks",
    ),
    Term(
        "remaining gain",
        "Bits/spike that the spike history still predicts on held-out trials when it is added to a model's own "
        "log-intensity. 0: what the model has made of the past is sufficient. Fitted to half of the out-of-fold "
        "trials, scored on the other half.",
    ),
    Term(
        "slow gain, own history, other units, network alone",
        "The gain over the PSTH split by models of which each contains the one before it. Slow gain follows the "
        "trial's overall level; own history is split at 10 ms, about where refractoriness ends; other units come "
        "after that; the rest is what only the network holds. What two of them share is given to the earlier one.",
        "Truccolo et al. 2005, J Neurophysiol 93:1074; Pillow et al. 2008, Nature 454:995",
    ),
    Term(
        "D2",
        "Share of the Poisson deviance that a model explains, 1 for a perfect forecast of each bin. In small bins "
        "even the truth explains little, since no rate foretells a single spike.",
        "Cameron & Windmeijer 1996, J Bus Econ Stat 14:209",
    ),
    Term(
        "time rescaling, KS",
        "Under the true intensity, time stretched by it turns any spike train into a Poisson process. The "
        "Kolmogorov-Smirnov distance from that, over its 95% band, is the unit's score: below 1 the model's "
        "intervals cannot be told from the real ones. p-values are corrected over units.",
        "Brown et al. 2002, Neural Comput 14:325; Haslinger et al. 2010, Neural Comput 22:2477; Holm 1979, Scand "
        "J Stat 6:65",
    ),
    Term(
        "oracle",
        "Only in simulations: the true intensity that drew the spikes. No model can be expected to exceed it, and "
        "what it does not explain is chance.",
    ),
    Term(
        "forecast of K steps",
        "A prediction for which the recording is known only up to the start of a block of K bins; from there on "
        "the model runs on spikes that it draws itself. What is scored is the mean over many such futures. One "
        "step is the usual prediction.",
    ),
    Term(
        "scheduled sampling",
        "Training in which part of the past that a network sees is drawn by the network, so that its own samples "
        "are nothing new to it.",
        "Bengio et al. 2015, NeurIPS 28:1171",
    ),
    Term(
        "sampled trains",
        "Spike trains drawn from a fitted model, bin by bin, for the conditions of the held-out trials. They show "
        "whether the model generates what it predicts.",
    ),
    Term("ISI", "Interval between one unit's neighbouring spikes within a trial."),
    Term(
        "ISI violation",
        "An interval shorter than 1 or 2 ms, within the refractory period of most neurons. Many of them say that "
        "a unit holds spikes of several neurons; then refractoriness is not there to be modelled.",
        "Hill et al. 2011, J Neurosci 31:8699",
    ),
    Term(
        "hazard",
        "Rate against the time since the unit's last spike, here observed spikes over those that the PSTH "
        "expects: 1 means that the last spike does not matter.",
    ),
    Term(
        "adaptation curve",
        "Rate against the number of spikes in the last 100 ms, observed over expected under the PSTH: falling "
        "means that a unit which has fired much fires less.",
    ),
    Term(
        "Fano factor",
        "Variance over mean of spike counts across trials of a condition: 1 for a Poisson process, less for "
        "regular firing, more where gain differs from trial to trial.",
        "Churchland et al. 2010, Nat Neurosci 13:369",
    ),
    Term(
        "noise correlation",
        "Correlation of two units' counts across trials of the same condition.",
        "Cohen & Kohn 2011, Nat Neurosci 14:811",
    ),
    Term(
        "aggregate decoder",
        "A decoder that knows responses by their average alone: naive Bayes on PSTH templates or the "
        "likelihood of the PSTH (classes), tuning curves (signals), the mean (signals and values). Decoders "
        "that use single trials are held against one on the same trials. A class counts as read out better "
        "where the log loss is lower by an interval that excludes 0, below the entropy of the class prior, and "
        "the accuracy not lower; a signal or value where R2 exceeds the aggregate's, and 0, by intervals that "
        "exclude 0.",
    ),
    Term(
        "likelihood decoder",
        "Reads the class by Bayes' rule: a model of spikes says how likely the trial is under each class. Two "
        "of them differ in their model alone, so that the difference is what the model's view of single trials "
        "adds to the read-out.",
        "Pillow et al. 2008, Nature 454:995",
    ),
    Term(
        "log loss, tempering",
        "Mean of the negative logarithm of the probability of the true class, in nats per trial: it punishes "
        "wrong confidence. Models that take dependent spikes for independent ones are too sure, so that log- "
        "likelihoods are scaled by one exponent, chosen on validation trials; raw is before that.",
        "Good 1952, J R Stat Soc B 14:107; Guo et al. 2017, ICML",
    ),
    Term(
        "entropy of the class prior",
        "The log loss of one who knows only how frequent each class is. Probabilities that lose more are worth "
        "less than no look at the spikes.",
        "Cover & Thomas 2006, Elements of Information Theory",
    ),
    Term(
        "ECE",
        "Expected calibration error: mean distance of accuracy from confidence over tenths of confidence. 0 "
        "where a decoder that is 80% sure is right in 80% of trials.",
        "Naeini et al. 2015, AAAI",
    ),
    Term(
        "chance, p",
        "Accuracy of the same predictions under labels permuted within test folds: the band holds 95% of them, "
        "p is the share that is at least as accurate. Labels that came in blocks cannot be permuted freely, "
        "hence the window before the stimulus: what is decoded there is drift or the order of trials.",
        "Ojala & Garriga 2010, J Mach Learn Res 11:1833; Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39",
    ),
    Term(
        "R2 of decoding",
        "1 less the squared error over the variance, dims weighted by their variance: 1 is perfect, 0 no "
        "better than the mean of the scored bins or trials, negative worse. Of an angle, that of its sine and "
        "cosine; its errors are angular.",
        "Fagg et al. 2009, IEEE Trans Neural Syst Rehabil Eng 17:487",
    ),
    Term(
        "causal, not causal",
        "A causal decoder knows this and earlier bins alone, as one that runs during the recording must. "
        "Others need the whole trial or see what comes after the bin, and are not to be compared with it.",
    ),
    Term(
        "memory horizon",
        "How far back a loss still reaches through a network's states: the lag at which 1/e is left of the "
        "gradient of one bin's loss with respect to the state, counted from one bin back. Of a gradient that "
        "shrinks by the same factor from bin to bin it is the time constant.",
        "Bengio et al. 1994, IEEE Trans Neural Netw 5:157; Pascanu et al. 2013, ICML",
    ),
    Term(
        "discount",
        "The factor gamma for which gamma^k fits the largest singular value of the product of k Jacobians best: "
        "what is left of a small change of the state after a bin more. r2: how well a single factor fits.",
    ),
    Term(
        "fixed and slow points",
        "States in which a network stands still, or nearly so, while its input is held at a mean. Stable: small "
        "changes decay. A saddle: some grow. Found by minimising the squared distance that a step moves, from "
        "states that held-out trials visit.",
        "Sussillo & Barak 2013, Neural Comput 25:626",
    ),
    Term(
        "Lyapunov exponent",
        "The rate (1/s) at which neighbouring states part in the long run: below 0 the network forgets where it "
        "began, above 0 it is chaotic. Driven: along held-out trials, their spikes held as they were.",
        "Benettin et al. 1980, Meccanica 15:9; Engelken et al. 2023, Phys Rev Research 5:043044",
    ),
    Term(
        "spectral radius, gain, Lipschitz",
        "Of a step's Jacobian: the largest modulus of an eigenvalue, which lasting change follows, and the "
        "largest singular value, the most that one step can stretch a change. The largest gain over all states "
        "is the step's Lipschitz constant; given is the largest that was met or climbed to, so a lower bound of "
        "it.",
    ),
    Term(
        "participation ratio",
        "How many dimensions a cloud of states fills: the squared sum of the variances of its principal axes "
        "over the sum of their squares. 1 for a line.",
        "Rajan et al. 2010, NeurIPS; Gao et al. 2017, bioRxiv 214262",
    ),
    Term(
        "GPFA",
        "Gaussian-process factor analysis: a few latent trajectories, smooth in time, of which the square roots "
        "of all units' binned counts are noisy mixtures.",
        "Yu et al. 2009, J Neurophysiol 102:614",
    ),
    Term(
        "null control",
        "The same pipeline on data in which an effect was destroyed on purpose. A gain that is found there all "
        "the same is an artefact.",
    ),
)
"""In the order in which a reader of the page meets them."""

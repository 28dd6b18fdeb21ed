"""How well rates account for spikes, and how like the recorded trains sampled ones are: arrays in, arrays out."""

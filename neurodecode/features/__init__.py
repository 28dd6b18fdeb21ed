"""What models see of spikes and time: history, splines, lags."""

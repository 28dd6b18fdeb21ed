"""Recurrent networks in torch: cells, features on the device, the training loop."""

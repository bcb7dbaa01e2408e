"""How a model is fitted to the device, and what its failures mean."""
